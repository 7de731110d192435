"""Measures go when their spans are gone, and not before."""

from django.test import override_settings

from analysis.models import AnalysedMinute, Measure
from analysis.results.retention import forget_old
from tests.builders import SECOND, T0, span, span_id, trace_id
from tests.store.segment_builders import live_segments
from traces.models import Segment

HOURS = 3600 * SECOND


def call(number, hours):
    return span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=T0 + hours * HOURS,
    )


@override_settings(RETENTION_HOURS=1)
def test_measures_of_minutes_before_every_span_go(store, analysed):
    analysed(call(1, 0))
    analysed(call(2, 5))
    Segment.objects.filter(id=live_segments()[0].id).update(state="retired")
    assert forget_old() > 0
    assert {each.minute // 60 for each in Measure.objects.all()} == {
        (T0 + 5 * HOURS) // HOURS
    }
    assert AnalysedMinute.objects.count() == 2  # the minute and the hour that are left


@override_settings(RETENTION_HOURS=1)
def test_measures_whose_spans_are_there_stay(store, analysed):
    analysed(call(1, 0), call(2, 5))
    assert forget_old() == 0


@override_settings(RETENTION_HOURS=24 * 365 * 100)
def test_measures_within_retention_stay(store, analysed):
    analysed(call(1, 0))
    Segment.objects.update(min_start_unix_nano=T0 + 9 * HOURS)
    assert forget_old() == 0


def test_without_a_span_nothing_is_decided(store, analysed):
    analysed(call(1, 0))
    Segment.objects.update(state="retired")
    assert forget_old() == 0
