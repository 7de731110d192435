"""`GET /metrics/spans`: calls and latency of every operation, for Prometheus.

In OpenMetrics text, with a trace as the exemplar of the slowest bucket. Names as the
OpenTelemetry Collector's span metrics connector has them.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import (
    CONTENT_TYPE_LATEST,
    generate_latest,
)
from prometheus_client.samples import Exemplar

from analysis.histogram import value_of
from analysis.measured import OPERATION
from analysis.results.measures import merged_details
from analysis.results.reading import Found
from analysis.results.totals import read_totals
from traces.spans import SpanKind
from traces.store.base import StoreError

BOUNDS_SECONDS: Final = (
    *(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)
MOST_OPERATIONS: Final = 2_000
MOST_NAME: Final = 200
LABELS: Final = ("service_name", "span_name", "span_kind")


@never_cache
@require_safe
def span_metrics(request: HttpRequest) -> HttpResponse:
    try:
        found = read_totals(OPERATION)
    except StoreError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain")
    content = generate_latest(_Collected(families(found)))  # type: ignore[no-untyped-call]
    return HttpResponse(content, content_type=CONTENT_TYPE_LATEST)


class _Collected:
    """What `generate_latest` asks of a registry."""

    def __init__(self, collected: Sequence[Metric]) -> None:
        self._collected = collected

    def collect(self) -> Iterator[Metric]:
        return iter(self._collected)


def families(found: Sequence[Found]) -> list[Metric]:
    """The operations with most spans; how many were left out is a metric too."""
    ranked = sorted(found, key=lambda each: -each.merged.count)
    calls = CounterMetricFamily(
        "traces_span_metrics_calls",
        "Spans by operation and status, sampled ones standing for all.",
        labels=(*LABELS, "status_code"),
    )
    latency = HistogramMetricFamily(
        "traces_span_metrics_duration_seconds",
        "Duration of spans, exact to 1.1 %.",
        labels=LABELS,
    )
    left_out = GaugeMetricFamily(
        "traces_span_metrics_operations_left_out",
        f"Operations beyond the {MOST_OPERATIONS} with most spans.",
        value=max(len(ranked) - MOST_OPERATIONS, 0),
    )
    for each in ranked[:MOST_OPERATIONS]:
        _add(each, calls, latency)
    return [calls, latency, left_out]


def _add(each: Found, calls: Any, latency: Any) -> None:
    merged, labels = each.merged, _labels(each)
    calls.add_metric((*labels, "STATUS_CODE_UNSET"), merged.count - merged.failed)
    if merged.failed:
        calls.add_metric((*labels, "STATUS_CODE_ERROR"), merged.failed)
    latency.add_metric(labels, _buckets(each), merged.histogram.sum_nano / 1e9)


def _labels(each: Found) -> tuple[str, str, str]:
    service, name, kind = each.fields
    kind_name = f"SPAN_KIND_{SpanKind(int(kind)).name}"
    return str(service)[:MOST_NAME], str(name)[:MOST_NAME], kind_name


def _buckets(each: Found) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    histogram = each.merged.histogram
    seconds = value_of(histogram.buckets) / 1e9
    place = np.searchsorted(BOUNDS_SECONDS, seconds)
    counts = np.bincount(place, histogram.weights, len(BOUNDS_SECONDS) + 1)
    bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
    found: list[Any] = list(zip(bounds, accumulate(counts.tolist()), strict=True))
    slowest = merged_details(each.merged.details).get("slowest")
    if slowest and len(place):
        at = int(place[-1])
        seconds_of_slowest = min(histogram.max_nano / 1e9, float(bounds[at]))
        exemplar = Exemplar({"trace_id": slowest}, seconds_of_slowest)
        found[at] = (*found[at], exemplar)
    return found
