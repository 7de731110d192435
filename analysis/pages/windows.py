"""The time range of a page of results: whole minutes up to now, and how they are cut."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest

from analysis.results.measures import NANO_PER_MINUTE
from analysis.results.reading import Minutes
from traces.query import Window
from traces.search.form import SearchForm
from traces.search.translate import fixed_window
from traces.search.windows import LABELS, RANGES, relative_window

DEFAULT_RANGE: Final = "1h"
CHOICES: Final = {name: LABELS[name] for name in RANGES}
# Steps that divide an hour or are hours, so that they can be read from hours.
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240)
MOST_STEPS: Final = 90


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The chosen range and its minutes; `step` is how many make one point of a chart."""

    chosen: str
    minutes: Minutes
    step: int

    @property
    def window(self) -> Window:
        return Window(
            self.minutes.first * NANO_PER_MINUTE, self.minutes.last * NANO_PER_MINUTE
        )

    @property
    def seconds(self) -> int:
        return (self.minutes.last - self.minutes.first) * 60

    def search(self, **fields: object) -> str:
        """The query string of a search for traces within it."""
        return SearchForm(**fixed_window(self.window)).querystring(**fields)


def read_window(request: HttpRequest, now_nano: int) -> PageWindow:
    chosen = request.GET.get("range", DEFAULT_RANGE)
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    return stepped(chosen, Minutes.of(relative_window(chosen, now_nano)))


def stepped(chosen: str, touched: Minutes) -> PageWindow:
    length = touched.last - touched.first
    step = next((step for step in STEPS if length <= step * MOST_STEPS), STEPS[-1])
    # Begins where a step begins, so that a reload shows the same bars.
    return PageWindow(chosen, Minutes(touched.first // step * step, touched.last), step)


def with_range(url: str, window: PageWindow, **parameters: str | int) -> str:
    return f"{url}?{urlencode({**parameters, 'range': window.chosen})}"
