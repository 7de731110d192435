"""Spans that are hard to find: so old that they go soon, or not of this time yet."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from traces.query import Window
from traces.search.form import SearchForm
from traces.search.translate import fixed_window
from traces.search.windows import DEFAULT_RANGE, HOUR, LAST_NANO, RANGES

# Clocks differ by seconds and minutes.
FUTURE_FROM_NANO: Final = HOUR // 12


@dataclass(frozen=True, slots=True)
class SpanAge:
    """What the first and the last start mean now; times in nanoseconds."""

    first_start_unix_nano: int
    last_start_unix_nano: int
    past_retention: bool
    in_future: bool
    outside_default_range: bool

    @property
    def query(self) -> str:
        """The search that finds just this time."""
        end = min(self.last_start_unix_nano + 1, LAST_NANO)
        window = Window(max(0, min(self.first_start_unix_nano, end - 1)), end)
        return SearchForm(**fixed_window(window)).querystring()

    @property
    def kept(self) -> str:
        """How long spans are kept."""
        hours = settings.RETENTION_HOURS
        days, rest = divmod(hours, 24)
        number, unit = (days, "day") if days and not rest else (hours, "hour")
        return f"{number} {unit}" + ("" if number == 1 else "s")


def age_of(first_start: int, last_start: int, now_nano: int) -> SpanAge:
    return SpanAge(
        first_start,
        last_start,
        past_retention=first_start < now_nano - settings.RETENTION_HOURS * HOUR,
        in_future=last_start > now_nano + FUTURE_FROM_NANO,
        outside_default_range=first_start < now_nano - RANGES[DEFAULT_RANGE],
    )
