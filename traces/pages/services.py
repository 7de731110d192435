"""The services page: rate, errors and percentiles of each service over a window."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from traces.pages.search_choices import one_of
from traces.pages.trace_search import finish
from traces.query import Window
from traces.search.durations import print_duration
from traces.search.form import SearchForm
from traces.search.problems import Problem, problem_of
from traces.search.translate import fixed_window
from traces.search.windows import DEFAULT_RANGE, LABELS, RANGES, relative_window
from traces.store.base import ServiceStatistics, StoreError
from traces.store.current import current_store

SECOND: Final = 1_000_000_000
WINDOWS: Final = {name: LABELS[name] for name in RANGES}
DEFAULT_SORT: Final = "name"
# Column name, heading, and whether the larger comes first at the first click.
COLUMNS: Final = (
    ("name", "Service", False),
    ("rate", "Requests", True),
    ("errors", "Errors", True),
    ("p50", "p50", True),
    ("p95", "p95", True),
    ("p99", "p99", True),
    ("seen", "Last seen", True),
)


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service's numbers over a window, each with the search that shows its traces."""

    statistics: ServiceStatistics
    window: Window

    @property
    def name(self) -> str:
        return self.statistics.service_name

    @property
    def rate(self) -> float:
        """Requests per second."""
        window = self.window
        length = window.end_time_unix_nano - window.start_time_unix_nano
        return self.statistics.request_count * SECOND / length

    @property
    def errors(self) -> float:
        """The part of the requests that failed."""
        return self.statistics.error_count / (self.statistics.request_count or 1)

    @property
    def requests_query(self) -> str:
        return self._query(kind=self._kinds())

    @property
    def errors_query(self) -> str:
        return self._query(kind=self._kinds(), status=("error",))

    @property
    def percentiles(self) -> list[tuple[int | None, str]]:
        """(nanoseconds, search for what took as long or longer) of p50, p95, p99."""
        of = self.statistics
        return [
            (nano, self._slower(nano))
            for nano in (of.p50_nano, of.p95_nano, of.p99_nano)
        ]

    def _slower(self, nano: int | None) -> str:
        least = print_duration(nano or 0)
        kinds = self._kinds()
        return self._query(kind=kinds, min_span_duration=least, sort="longest")

    def _kinds(self) -> tuple[str, ...]:
        """What the numbers are measured on; all spans where no kind was left out."""
        measured = self.statistics.request_count < self.statistics.span_count
        return ("server", "consumer") if measured else ()

    def _service(self) -> dict[str, Any]:
        """An unnamed service is no choice of the form, but it has a condition."""
        return {"service": (self.name,)} if self.name else {"where": 'service = ""'}

    def _query(self, **fields: Any) -> str:
        form = SearchForm(**self._service(), **fixed_window(self.window))
        return form.querystring(**fields)


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    label: str
    query: str
    sorted: str
    """As aria-sort says it: ascending, descending or none."""


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("range", DEFAULT_RANGE)
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    window = relative_window(chosen, time.time_ns())
    sort = request.GET.get("sort", DEFAULT_SORT)
    sort = sort if sort.removeprefix("-") in ORDERS else DEFAULT_SORT
    rows, problem = read_rows(window, sort)
    context = {
        "rows": rows,
        "problem": problem,
        "headings": headings(chosen, sort),
        "sort": sort,
        "ranges": one_of(WINDOWS, chosen),
        "window": window,
        "window_range": chosen,
    }
    status = problem.status if problem else 200
    return finish(render(request, "traces/services.html", context, status=status))


def read_rows(window: Window, sort: str) -> tuple[list[ServiceRow], Problem | None]:
    try:
        found = current_store().get_service_statistics(window)
    except StoreError as error:
        return [], problem_of(error)
    rows = [ServiceRow(statistics, window) for statistics in found]
    rows.sort(key=lambda row: row.name)
    order = ORDERS[sort.removeprefix("-")]
    rows.sort(key=order, reverse=sort.startswith("-"))
    return rows, None


ORDERS: Final[dict[str, Callable[[ServiceRow], Any]]] = {
    "name": lambda row: row.name,
    "rate": lambda row: row.statistics.request_count,
    "errors": lambda row: row.errors,
    "p50": lambda row: row.statistics.p50_nano or 0,
    "p95": lambda row: row.statistics.p95_nano or 0,
    "p99": lambda row: row.statistics.p99_nano or 0,
    "seen": lambda row: row.statistics.last_seen_unix_nano,
}


def headings(chosen_range: str, sort: str) -> list[Heading]:
    return [
        Heading(
            name,
            label,
            "?"
            + urlencode({"range": chosen_range, "sort": next_sort(name, sort, down)}),
            direction(name, sort),
        )
        for name, label, down in COLUMNS
    ]


def next_sort(name: str, sort: str, down: bool) -> str:  # noqa: FBT001 - a column's fact
    """What a click on the heading asks for: its first order, then the other one."""
    first = f"-{name}" if down else name
    return first if sort != first else first.removeprefix("-") if down else f"-{name}"


def direction(name: str, sort: str) -> str:
    if sort.removeprefix("-") != name:
        return "none"
    return "descending" if sort.startswith("-") else "ascending"
