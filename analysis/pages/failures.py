"""Why requests fail: the causes of a time range, those of most failures first."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis.causes import Cause, sentence
from analysis.entries import Entry
from analysis.measured import CAUSE, NAMES, SERVICES
from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.pages.requests import entry_label, search_of
from analysis.pages.windows import CHOICES, PageWindow, read_window, with_range
from analysis.results.causes import Causes, Marked, read_causes
from analysis.results.reading import waiting_in
from traces.pages.search_choices import one_of
from traces.store.base import StoreError

MOST_CAUSES: Final = 100
MOST_ENTRIES: Final = 300
_LABELS: Final = {
    "handled": "handled",
    "retried": "retried",
    "timed_out": "timed out",
    "apart": "nobody waited",
}


@dataclass(frozen=True, slots=True)
class CauseRow:
    cause: Cause
    marked: Marked
    window: PageWindow

    @property
    def sentence(self) -> str:
        return sentence(self.cause)

    @property
    def affected(self) -> int:
        return round(self.cause.affected)

    @property
    def marks(self) -> list[tuple[str, int]]:
        return [
            (label, round(self.marked.counts[name]))
            for name, label in _LABELS.items()
            if self.marked.counts.get(name)
        ]

    @property
    def reached(self) -> list[tuple[str, int]]:
        ranked = sorted(
            self.marked.reached.items(), key=lambda item: (-item[1], item[0])
        )
        return [(service, round(count)) for service, count in ranked]

    @property
    def other_entries(self) -> list[str]:
        return [entry_label(e) for e in self.cause.entries if e != self.cause.entry]

    @property
    def search(self) -> str:
        """The query string of a search for the failed requests of the entry."""
        return search_of(self.window, self.cause.entry, status=("error",))

    @property
    def map_url(self) -> str:
        """The map with all services marked that the failure reached."""
        cause = self.cause
        services = [
            cause.signature.service,
            self.marked.responsible,
            cause.entry.service,
        ]
        services += [service for service, _ in self.reached]
        marks = [("mark", each) for each in dict.fromkeys(services) if each]
        range_ = ("range", self.window.chosen)
        return f"{reverse('map')}?{urlencode([range_, *marks])}"

    @property
    def entry_url(self) -> str:
        entry = self.cause.entry
        named = {"service": entry.service, "entry": entry.span_name}
        return with_range("", self.window, **named)


@require_safe
def failures(request: HttpRequest) -> HttpResponse:
    window = read_window(request, time.time_ns())
    service, name = request.GET.get("service", ""), request.GET.get("entry", "")
    origin = request.GET.get("origin", "")
    kept = [("service", service), ("entry", name), ("origin", origin)]
    context: dict[str, Any] = {
        "window": window,
        "kept": [(key, value) for key, value in kept if value],
        "ranges": one_of(CHOICES, window.chosen),
        "service": service,
        "entry": name,
        "origin": origin,
    }
    try:
        context |= summary(read_causes(window.minutes), window, (service, name), origin)
        context["waiting"] = waiting_in(window.minutes)
        context["beyond"] = left_out_in(window.minutes, CAUSE, NAMES, SERVICES)
    except StoreError as error:
        context["away"] = away_of(error)
    status = 503 if "away" in context else 200
    return render(request, "analysis/failures.html", context, status=status)


def summary(
    found: Causes, window: PageWindow, entry: tuple[str, str], origin: str
) -> dict[str, Any]:
    """`entry` is (service, span name), either empty for all; `origin` a service."""
    rows = [
        CauseRow(
            cause, found.marked.get((cause.entry, cause.signature), Marked()), window
        )
        for cause in found.ranked
        if _is_chosen(cause.entry, entry) and origin in ("", cause.signature.service)
    ]
    requests = [r for e, r in found.requests.items() if _is_chosen(e, entry)]
    failed = sum(each.failed for each in requests)
    every = failed + sum(each.well for each in requests)
    return {
        "rows": rows[:MOST_CAUSES],
        "left_out": max(len(rows) - MOST_CAUSES, 0),
        "requests": round(every),
        "failed": round(failed),
        "failed_part": failed / every if every else 0.0,
        "services": _distinct(e.service for e in found.requests),
        "entries": _distinct(
            e.span_name for e in found.requests if entry[0] in ("", e.service)
        ),
        "origins": _distinct(cause.signature.service for cause in found.ranked),
    }


def _distinct(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name})[:MOST_ENTRIES]


def _is_chosen(entry: Entry, chosen: tuple[str, str]) -> bool:
    service, name = chosen
    return service in ("", entry.service) and name in ("", entry.span_name)
