"""Durations and counts as people read them, for the sentences that analyses give."""


def duration(nano: float) -> str:
    """Two digits or more: 850 ns, 12 ms, 2.0 s, 95 s."""
    for unit, length in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        # What would round up to 1000 of a unit is told in the next.
        if nano >= length * 0.9995:
            return f"{_digits(nano / length)} {unit}"
    return f"{nano:.0f} ns"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _digits(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def cut(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis where something is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"
