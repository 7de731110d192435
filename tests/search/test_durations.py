"""Durations in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.search.durations import format_duration, parse_duration, print_duration


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("10ms", 10_000_000),
        ("1.5s", 1_500_000_000),
        ("200us", 200_000),
        ("200 µs", 200_000),
        ("15", 15_000_000),
        (".5 m", 30_000_000_000),
        ("2H", 7_200_000_000_000),
        ("0.4ns", 0),
        ("9007199254740993ns", 9_007_199_254_740_993),
    ],
)
def test_a_duration_reads(text, nano):
    assert parse_duration(text) == nano


@pytest.mark.parametrize("text", ["", "soon", "-1ms", "1e3s", "1 1", "9" * 30, "1.ms"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_a_duration_beyond_64_bits_is_refused():
    with pytest.raises(ValueError, match="292 years"):
        parse_duration("9999999999h")


@given(st.integers(0, 2**63 - 1))
def test_a_printed_duration_reads_back_exactly(nano):
    assert parse_duration(print_duration(nano)) == nano


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (9_400, "9.40 µs"),
        (28_000_000, "28 ms"),
        (28_400_000, "28.4 ms"),
        (999_600_000, "1.00 s"),
        (2_070_000_000, "2.07 s"),
        (200_000_000_000, "3m 20s"),
        (7_260_000_000_000, "2h 1m"),
        (-5_000_000, "\N{MINUS SIGN}5.00 ms"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_duration_is_read_at_a_glance(nano, text):
    assert format_duration(nano) == text
