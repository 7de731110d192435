"""The status page: how far the background work is, and what stands in its way."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.results.measures import HOUR, NANO_PER_MINUTE
from analysis.results.progress import Progress, read_progress
from analysis.results.reading import Minutes
from traces.pages.health import worker_is_alive
from traces.store import lease
from traces.store.base import StoreError

# A worker that has so much to do lags behind what arrives.
MANY_WAITING = 30


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of background work that a lease keeps to one worker at a time."""

    label: str
    last_finished_at: datetime | None
    trouble: str

    @property
    def last_finished_nano(self) -> int | None:
        moment = self.last_finished_at
        return int(moment.timestamp() * 1e9) if moment else None


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    try:
        context = status_context()
    except StoreError as error:
        context = {"away": away_of(error)}
    code = 503 if "away" in context else 200
    return render(request, "analysis/status.html", context, status=code)


def status_context() -> dict[str, Any]:
    progress = read_progress()
    return {
        "progress": progress,
        "alive": worker_is_alive(),
        "lagging": progress.waiting > MANY_WAITING,
        "works": works(),
        "cpu_micro_a_span": cpu_micro_a_span(progress),
        "now_nano": time.time_ns(),
        "beyond": left_out_in(last_day()),
    }


def last_day() -> Minutes:
    now = time.time_ns() // NANO_PER_MINUTE + 1
    return Minutes(now - 24 * HOUR, now)


def works() -> list[Work]:
    troubles = lease.troubles()
    return [
        Work(label, lease.last_finished(name), troubles.get(name, ""))
        for name, label in (("compact", "Compaction"), ("retain", "Retention"))
    ]


def cpu_micro_a_span(progress: Progress) -> float | None:
    if not progress.spans:
        return None
    return progress.cpu_seconds * 1e6 / progress.spans
