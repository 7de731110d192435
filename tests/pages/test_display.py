"""How numbers and instants read."""

import pytest

from traces.pages.colors import PALETTE_SIZE, service_color_number
from traces.templatetags.display import instant, percent, rate, size


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (0.00042, "0.042 %"), (0.0123, "1.2 %"), (0.35, "35 %"), (1, "100 %")],
)
def test_a_small_part_is_never_shown_as_none(part, text):
    assert percent(part) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(1234.5, "1,234 /s"), (12.34, "12.3 /s"), (1, "1.00 /s"), (0.5, "30.0 /min"), (0, "0.00 /h")],
)  # fmt: skip
def test_a_rate_picks_its_unit(per_second, text):
    assert rate(per_second) == text


@pytest.mark.parametrize(
    ("byte_count", "text"),
    [(0, "0 bytes"), (900, "900 bytes"), (1536, "1.5 KiB"), (2**28, "256 MiB"), (2**30, "1 GiB"), (3 * 2**50, "3072 TiB")],
)  # fmt: skip
def test_a_size_has_the_unit_that_makes_it_short(byte_count, text):
    assert size(byte_count) == text


def test_an_instant_is_a_time_element_with_its_nanoseconds():
    element = instant(1_790_000_000_123_456_789)
    assert 'data-nano="1790000000123456789"' in element
    assert 'datetime="2026-09-21T14:13:20Z"' in element


def test_an_instant_beyond_the_calendar_still_renders():
    assert "9999" not in instant(0)
    assert "2262" in instant(2**63 - 1)


def test_a_service_keeps_its_colour_and_the_demo_has_no_two_alike():
    shop = ["gateway", "auth", "payment", "database", "orders", "email"]
    numbers = [service_color_number(name) for name in shop]
    assert numbers == [
        0,
        10,
        1,
        5,
        2,
        8,
    ]  # tests/js/service_color.test.js says the same
    assert len(set(numbers)) == len(shop)


def test_any_name_has_a_colour():
    assert all(
        0 <= service_color_number(name) < PALETTE_SIZE for name in ("", "é", "x" * 999)
    )
