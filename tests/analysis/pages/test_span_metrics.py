"""Span metrics for Prometheus, read back with Prometheus's own parser."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from analysis.measured import OPERATION
from analysis.models import Measure
from analysis.results import totals
from analysis.results.totals import fold
from tests.builders import SECOND, T0, span, span_id, trace_id

HOSTILE = 'a"b\\c\nd{}'
NOW = datetime.fromtimestamp(T0 // SECOND, UTC) + timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock():
    """The counters know no minute that is still to come."""
    with patch.object(totals, "now", return_value=NOW) as now:
        yield now


def call(number, ms=10, at_seconds=0, **more):
    return span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=T0 + at_seconds * SECOND,
        ms=ms,
        **more,
    )


def scraped(client):
    answer = client.get("/metrics/spans")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    families = text_string_to_metric_families(answer.content.decode())
    return [sample for family in families for sample in family.samples]


def value(samples, name, **labels):
    (found,) = [
        sample
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


def test_calls_are_counted_by_operation_and_status(client, analysed):
    analysed(*(call(n, status_code=2 * (n == 1)) for n in range(1, 6)))
    samples = scraped(client)
    name = "traces_span_metrics_calls_total"
    ok = value(samples, name, status_code="STATUS_CODE_UNSET")
    failed = value(samples, name, status_code="STATUS_CODE_ERROR")
    assert (ok.value, failed.value) == (4, 1)
    assert ok.labels["span_kind"] == "SPAN_KIND_SERVER"


def test_latency_is_a_histogram_whose_slowest_has_a_trace(client, analysed):
    analysed(call(1, ms=3), call(2, ms=30), call(3, ms=3_000))
    samples = scraped(client)
    name = "traces_span_metrics_duration_seconds"
    assert value(samples, f"{name}_bucket", le="0.005").value == 1
    assert value(samples, f"{name}_bucket", le="0.05").value == 2
    assert value(samples, f"{name}_bucket", le="+Inf").value == 3
    assert value(samples, f"{name}_sum").value == pytest.approx(3.033)
    exemplar = value(samples, f"{name}_bucket", le="5.0").exemplar
    assert exemplar.labels == {"trace_id": trace_id(3).hex()}
    assert exemplar.value == 3


def test_counters_do_not_fall_when_old_hours_are_folded_and_gone(
    client, analysed, clock
):
    analysed(*(call(n, at_seconds=n * 600) for n in range(1, 20)))
    clock.return_value = NOW + timedelta(hours=2)
    before = [(s.name, s.labels, s.value) for s in scraped(client)]
    clock.return_value = NOW + timedelta(hours=9)
    assert fold(OPERATION) > 0
    assert fold(OPERATION) == 0
    Measure.objects.exclude(minutes=totals.TOTAL).delete()
    assert [(s.name, s.labels, s.value) for s in scraped(client)] == before


def test_names_of_strangers_are_escaped(client, analysed):
    analysed(call(1, service=HOSTILE, name=HOSTILE))
    found = value(scraped(client), "traces_span_metrics_calls_total")
    assert found.labels["service_name"] == found.labels["span_name"] == HOSTILE


def test_the_rarest_operations_are_left_out_beyond_the_bound(client, analysed):
    analysed(call(1, name="a"), call(2, name="a"), call(3, name="b"))
    with patch("analysis.pages.span_metrics.MOST_OPERATIONS", 1):
        samples = scraped(client)
    assert value(samples, "traces_span_metrics_operations_left_out").value == 1
    assert value(samples, "traces_span_metrics_calls_total").labels["span_name"] == "a"


def test_nothing_measured_is_no_error(client, db):
    assert scraped(client)
