"""Numbers as people read them."""

import pytest

from analysis.wording import count, duration, percent


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (12_000_000, "12 ms"),
        (999_600_000, "1.0 s"),
        (2_000_000_000, "2.0 s"),
        (95_000_000_000, "95 s"),
        (1_500, "1.5 µs"),
    ],
)
def test_durations_have_two_digits_or_more(nano, text):
    assert duration(nano) == text


def test_one_is_not_many():
    assert (count(1, "span"), count(2, "span")) == ("1 span", "2 spans")


def test_shares_are_whole_percents():
    assert percent(0.634) == "63 %"
