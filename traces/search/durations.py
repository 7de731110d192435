"""Durations as people write them, to nanoseconds and back."""

import re
from decimal import Decimal
from typing import Final

NANOS: Final = {
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
SPELLINGS: Final = NANOS | {"µs": 1_000, "μs": 1_000}  # the micro sign and Greek mu
DURATION: Final = re.compile(
    r"([0-9]{1,19}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})\s*(ns|us|µs|μs|ms|s|m|h)?",
    re.IGNORECASE,
)
MAX_NANO: Final = 2**63 - 1
EXPECTED: Final = "a duration such as 10ms, 1.5s or 200us (a plain number is ms)"


def parse_duration(text: str) -> int:
    """Nanoseconds, rounded to whole ones. Raises ValueError that says what to write."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected {EXPECTED}")
    number, unit = match.groups()
    nano = round(Decimal(number) * SPELLINGS[(unit or "ms").lower()])
    if nano > MAX_NANO:
        raise ValueError("this duration is longer than 292 years")
    return nano


def print_duration(nano: int) -> str:
    """The shortest exact spelling that `parse_duration` reads back: 1500000 is 1500us."""
    size = abs(nano)
    unit = next(unit for unit, nanos in NANOS.items() if size % nanos == 0)
    if nano == 0:
        unit = "ms"
    return f"{nano // NANOS[unit]}{unit}"


def format_duration(nano: int | None) -> str:
    """For reading, three digits: 2.07 s, 612 ms, 3m 20s. Kin of lib/units.js."""
    if nano is None:
        return "\N{EN DASH}"
    if nano < 0:
        return "\N{MINUS SIGN}" + format_duration(-nano)
    if nano >= 59_950_000_000:
        return format_long(round(nano / 1e9))
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if float(f"{nano / size:.3g}") >= 1:
            return f"{three_digits(nano / size)} {unit}"
    return f"{round(nano)} ns"


def format_long(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours:,}h {minutes}m" if hours else f"{minutes}m {seconds}s"


def three_digits(value: float) -> str:
    rounded = float(f"{value:.3g}")
    if rounded >= 100:
        return f"{value:.0f}"
    if rounded >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}"
