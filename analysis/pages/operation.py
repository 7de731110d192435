"""One operation over time: percentiles, a heatmap of latency, rate and errors."""

import time
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis.histogram import Histogram, upper_bound
from analysis.limits import OTHER_NAMES
from analysis.measured import NAMES, OPERATION, Fields
from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.pages.operations import QUANTILE_NAMES, QUANTILES, OperationRow
from analysis.pages.windows import CHOICES, PageWindow, read_window, with_range
from analysis.results.measures import NANO_PER_MINUTE, merged_details
from analysis.results.merging import Merged
from analysis.results.reading import Found, read_measures, read_steps, waiting_in
from traces.pages.search_choices import one_of
from traces.search.values import KINDS
from traces.store.base import StoreError

# Of the histogram's fine buckets so many make a row of the heatmap.
BUCKETS_A_ROW: Final = 4


@require_safe
def operation(request: HttpRequest) -> HttpResponse:
    fields = read_fields(request)
    window = read_window(request, time.time_ns())
    context: dict[str, Any] = {
        "service": fields[0],
        "name": fields[1],
        "kind": request.GET.get("kind", "").lower(),
        "window": window,
        "percentile": request.GET.get("percentile", "").strip()[:20],
        "kept": [
            (key, request.GET.get(key, "")) for key in ("service", "name", "kind")
        ],
        "ranges": one_of(CHOICES, window.chosen),
        "critical_path_url": with_range(
            reverse("critical-path"),
            window,
            service=str(fields[0]),
            name=str(fields[1]),
        ),
        "subject_query": urlencode(
            {key: request.GET.get(key, "") for key in ("service", "name", "kind")}
            | {"range": window.chosen}
        ),
        "service_url": with_range(
            reverse("operations"), window, service=str(fields[0])
        ),
    }
    try:
        context |= summary(fields, window, read_percentile(context["percentile"]))
    except StoreError as error:
        context["away"] = away_of(error)
    status = 503 if "away" in context else 200
    return render(request, "analysis/operation.html", context, status=status)


def read_percentile(text: str) -> float | None:
    """Of a percentage such as 99.9; None for what is none."""
    try:
        percent = float(text)
    except ValueError:
        return None
    return percent / 100 if 0 <= percent <= 100 else None


def summary(
    fields: Fields, window: PageWindow, asked: float | None = None
) -> dict[str, Any]:
    """`asked` is a quantile beside the usual ones."""
    found = read_measures(OPERATION, window.minutes, fields=fields)
    context: dict[str, Any] = {"waiting": waiting_in(window.minutes)}
    if not found:
        return context
    if fields[1] == OTHER_NAMES:
        service = str(fields[0])
        context["beyond"] = left_out_in(window.minutes, NAMES, service=service)
        context["is_many"] = True
    row = OperationRow(found[0], window)
    histogram = found[0].merged.histogram
    intervals = [histogram.interval(q) for q in QUANTILES]
    return context | {
        "row": row,
        "quantiles": list(zip(QUANTILE_NAMES, row.percentiles, intervals, strict=True)),
        "asked": asked_quantile(row, asked),
        "exemplars": merged_details(found[0].merged.details),
        "steps": steps_table(fields, window),
    }


def asked_quantile(row: OperationRow, asked: float | None) -> dict[str, Any] | None:
    if asked is None or (nano := row.quantile(asked)) is None:
        return None
    interval = row.found.merged.histogram.interval(asked)
    return {"nano": nano, "search": row.slower(nano), "interval": interval}


def steps_table(fields: Fields, window: PageWindow) -> list[dict[str, Any]]:
    """The charts as rows, for those who cannot see them."""
    steps = read_steps(OPERATION, fields, window.minutes, window.step)
    return [
        {
            "start_time_unix_nano": start,
            "row": OperationRow(Found(fields, step), window),
            "percentiles": [step.histogram.quantile(q) for q in QUANTILES],
        }
        for start, step in zip(starts(window, len(steps)), steps, strict=True)
        if step.count
    ]


@require_safe
def operation_series(request: HttpRequest) -> HttpResponse:
    """What the charts draw, as JSON."""
    fields = read_fields(request)
    window = read_window(request, time.time_ns())
    try:
        steps = read_steps(OPERATION, fields, window.minutes, window.step)
    except StoreError as error:
        return JsonResponse({"message": str(error)}, status=503)
    return JsonResponse(series(window, steps))


def series(window: PageWindow, steps: list[Merged]) -> dict[str, Any]:
    """Times in milliseconds since the epoch, latencies in nanoseconds, rates a second."""
    seconds = window.step * 60
    return {
        "step_ms": seconds * 1000,
        "start_ms": [nano // 10**6 for nano in starts(window, len(steps))],
        "ok_per_second": [(step.count - step.failed) / seconds for step in steps],
        "failed_per_second": [step.failed / seconds for step in steps],
        "percentiles": {
            name: [step.histogram.quantile(q) for step in steps]
            for name, q in zip(QUANTILE_NAMES, QUANTILES, strict=True)
        },
        "heatmap": heatmap([step.histogram for step in steps]),
    }


def starts(window: PageWindow, count: int) -> list[int]:
    first, step = window.minutes.first, window.step
    return [(first + at * step) * NANO_PER_MINUTE for at in range(count)]


def heatmap(histograms: list[Histogram]) -> dict[str, Any]:
    """Rows from the shortest latency up: bounds in nanoseconds, and counts by step."""
    filled = [each.buckets for each in histograms if len(each.buckets)]
    if not filled:
        return {"low_nano": [], "high_nano": [], "counts": []}
    every = np.concatenate(filled) // BUCKETS_A_ROW
    first, last = int(every.min()), int(every.max())
    counts = np.zeros((last - first + 1, len(histograms)))
    for at, histogram in enumerate(histograms):
        rows = histogram.buckets // BUCKETS_A_ROW - first
        np.add.at(counts[:, at], rows, histogram.weights)
    edges = upper_bound(np.arange(first, last + 2) * BUCKETS_A_ROW - 1)
    return {
        "low_nano": np.floor(edges[:-1]).tolist(),
        "high_nano": np.ceil(edges[1:]).tolist(),
        "counts": counts.round(3).tolist(),
    }


def read_fields(request: HttpRequest) -> Fields:
    """(service, name, kind), as the measures of operations have them."""
    kind = KINDS.get(request.GET.get("kind", "").lower(), 0)
    return (request.GET.get("service", ""), request.GET.get("name", ""), int(kind))
