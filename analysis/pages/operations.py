"""The operations of one service: rate, errors and percentiles of each span name."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis.entries import Entry
from analysis.measured import NAMES, OPERATION
from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.pages.requests import search_of
from analysis.pages.windows import CHOICES, PageWindow, read_window, with_range
from analysis.results.reading import Found, read_measures, waiting_in
from traces.pages.search_choices import one_of
from traces.search.durations import print_duration
from traces.spans import SpanKind
from traces.store.base import StoreError

QUANTILES: Final = (0.5, 0.75, 0.9, 0.95, 0.99)
QUANTILE_NAMES: Final = ("p50", "p75", "p90", "p95", "p99")
MOST_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation over a window, with links to its page and to its traces."""

    found: Found
    window: PageWindow

    @property
    def service_name(self) -> str:
        return str(self.found.fields[0])

    @property
    def name(self) -> str:
        return str(self.found.fields[1])

    @property
    def kind(self) -> int:
        return int(self.found.fields[2])

    @property
    def kind_name(self) -> str:
        return SpanKind(self.kind).name.lower()

    @property
    def count(self) -> int:
        return round(self.found.merged.count)

    @property
    def rate(self) -> float:
        """Per second."""
        return self.found.merged.count / self.window.seconds

    @property
    def failed(self) -> int:
        return round(self.found.merged.failed)

    @property
    def errors(self) -> float:
        """The part that failed."""
        return self.found.merged.failed / (self.found.merged.count or 1)

    @property
    def total_nano(self) -> float:
        return self.found.merged.histogram.sum_nano

    def quantile(self, q: float) -> int | None:
        value = self.found.merged.histogram.quantile(q)
        return None if value is None else round(value)

    @property
    def percentiles(self) -> list[tuple[int | None, str]]:
        """(nanoseconds, search for what took as long or longer) of each quantile."""
        return [(nano, self.slower(nano)) for nano in map(self.quantile, QUANTILES)]

    def slower(self, nano: int | None) -> str:
        return self.search(min_span_duration=print_duration(nano or 0), sort="longest")

    @property
    def url(self) -> str:
        return with_range(
            reverse("operation"),
            self.window,
            service=self.service_name,
            name=self.name,
            kind=self.kind_name,
        )

    @property
    def failed_search(self) -> str:
        return self.search(status=("error",))

    def search(self, **fields: Any) -> str:
        """The query string of a search for its traces."""
        entry = Entry(self.service_name, self.name)
        return search_of(self.window, entry, **({"kind": (self.kind_name,)} | fields))


ORDERS: Final[dict[str, Callable[[OperationRow], Any]]] = {
    "total": lambda row: -row.total_nano,
    "rate": lambda row: -row.found.merged.count,
    "errors": lambda row: -row.errors,
    "name": lambda row: row.name,
    **{
        name: lambda row, q=q: -(row.quantile(q) or 0)  # type: ignore[misc]
        for name, q in zip(QUANTILE_NAMES, QUANTILES, strict=True)
    },
}
COLUMNS: Final = (
    ("name", "Operation"),
    ("rate", "Spans"),
    ("errors", "Errors"),
    *((name, name) for name in QUANTILE_NAMES),
    ("total", "Total time"),
)


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    service = request.GET.get("service", "")
    window = read_window(request, time.time_ns())
    sort = request.GET.get("sort", "")
    sort = sort if sort in ORDERS else "total"
    context: dict[str, Any] = {
        "service": service,
        "window": window,
        "kept": [("service", service), ("sort", sort)],
        "sort": sort,
        "ranges": one_of(CHOICES, window.chosen),
        "headings": [
            (label, with_range("", window, service=service, sort=name), name == sort)
            for name, label in COLUMNS
        ],
    }
    try:
        rows = read_rows(service, window, sort)
        context |= {
            "rows": rows[:MOST_ROWS],
            "left_out": max(len(rows) - MOST_ROWS, 0),
            "waiting": waiting_in(window.minutes),
            "beyond": left_out_in(window.minutes, NAMES, service=service),
        }
    except StoreError as error:
        context["away"] = away_of(error)
    status = 503 if "away" in context else 200
    return render(request, "analysis/operations.html", context, status=status)


def read_rows(service: str, window: PageWindow, sort: str) -> list[OperationRow]:
    found = read_measures(OPERATION, window.minutes, group=(service,))
    rows = [OperationRow(each, window) for each in found]
    return sorted(rows, key=ORDERS[sort])
