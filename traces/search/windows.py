"""Time ranges of a search: the last so long, all time, or from one instant to another."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from traces.query import Window

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
RANGES: Final = {
    "5m": 300 * SECOND,
    "15m": 900 * SECOND,
    "1h": HOUR,
    "6h": 6 * HOUR,
    "24h": 24 * HOUR,
    "7d": 7 * 24 * HOUR,
}
ALL_TIME: Final = "all"
CUSTOM: Final = "custom"
DEFAULT_RANGE: Final = "1h"
LABELS: Final = {
    "5m": "Last 5 minutes",
    "15m": "Last 15 minutes",
    "1h": "Last 1 hour",
    "6h": "Last 6 hours",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    ALL_TIME: "All time",
    CUSTOM: "From … to …",
}
LAST_NANO: Final = 2**63 - 1
EVERYTHING: Final = Window(0, LAST_NANO)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
EXPECTED: Final = "expected a time such as 2026-11-22T14:03:07Z or Unix nanoseconds"
# How many digits Unix time has in seconds, milliseconds, microseconds, nanoseconds.
DIGITS: Final = ((11, SECOND), (14, 1_000_000), (17, 1_000), (19, 1))


def relative_window(name: str, now_nano: int) -> Window:
    """The last so long, up to the end of the second that is running."""
    if name == ALL_TIME:
        return EVERYTHING
    end = (now_nano // SECOND + 1) * SECOND
    return Window(end - RANGES[name], end)


def parse_instant(text: str) -> int:
    """Nanoseconds since the epoch; a time without a zone is UTC.

    A plain number is Unix time, its unit told by its length. Raises ValueError.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return _unix_time(text)
    match = INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(EXPECTED)
    day, time, fraction, zone = match.groups()
    seconds = _whole_seconds(day, time or "00:00", (zone or "Z").upper())
    return _within_64_bits(seconds * SECOND + int((fraction or "0").ljust(9, "0")))


def _unix_time(digits: str) -> int:
    for length, size in DIGITS:
        if len(digits) <= length:
            return _within_64_bits(int(digits) * size)
    raise ValueError(EXPECTED)


def _whole_seconds(day: str, time: str, zone: str) -> int:
    try:
        instant = datetime.fromisoformat(f"{day}T{time}{zone}")
        return (instant - EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        raise ValueError(EXPECTED) from None


def _within_64_bits(nano: int) -> int:
    if not 0 <= nano <= LAST_NANO:
        raise ValueError("the time must lie between 1970 and 2262")
    return nano


def print_instant(nano: int) -> str:
    """ISO 8601 in UTC with as many digits as needed; `parse_instant` reads it back."""
    seconds, fraction = divmod(nano, SECOND)
    whole = (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction:09}".rstrip("0").rstrip(".")
    return f"{whole}{digits}Z"
