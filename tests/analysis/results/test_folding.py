"""Names without end: rows stay bounded, in hours and for ever, and nothing is lost."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import override_settings

from analysis.limits import OTHER_NAMES, Limits
from analysis.measured import LEFT_OUT, NAMES, OPERATION, REQUEST
from analysis.models import Measure, Subject
from analysis.results.arrivals import mark_arrivals
from analysis.results.measures import HOUR
from analysis.results.minutes import analyse_due
from analysis.results.reading import read_left_out, read_measures
from analysis.results.retention import forget_unused
from analysis.results.totals import fold, read_totals
from tests.analysis.results.test_minutes import EVER, FIRST, call, results
from tests.builders import batch
from traces.store.base import QueryTooExpensive

FEW = override_settings(ANALYSIS_MAX_NAMES_OF_SERVICE=3)
MANY = [call(n, n % 50, name=f"GET /{n}") for n in range(1, 21)]


def later(store, *spans):
    """Analysed, and the hour put together."""
    store.write(batch(*spans))
    mark_arrivals(store)
    analyse_due(store, float("inf"), settle=timedelta(0))


def operations(minutes=EVER):
    found = read_measures(OPERATION, minutes)
    return {str(each.fields[1]): each.merged.count for each in found}


@FEW
def test_a_minute_of_many_names_has_few_rows_and_all_spans(store, analysed):
    analysed(*MANY)
    assert operations() == {"GET /1": 1, "GET /10": 1, "GET /11": 1, OTHER_NAMES: 17}
    assert read_left_out(EVER, NAMES) == [(NAMES, "gateway", 17)]


@FEW
def test_a_minute_that_is_analysed_again_gives_the_same(store, analysed):
    analysed(*MANY)
    before = results()
    analysed(MANY[0])
    assert results() == before


@FEW
def test_an_hour_of_minutes_with_names_of_their_own_is_bounded_too(store):
    later(store, *(call(n, 60 * (n // 3), name=f"GET /{n}") for n in range(60)))
    hours = Measure.objects.filter(minutes=HOUR, subject__kind=OPERATION)
    assert hours.count() == 4
    assert sum(each.count for each in hours) == 60
    assert operations()[OTHER_NAMES] == 57
    found = read_measures(REQUEST, EVER)
    assert sum(each.merged.count for each in found) == 60
    assert read_left_out(EVER, NAMES)[0].most == 57


def test_an_hour_within_the_limits_has_all_names(store):
    later(store, *MANY)
    assert Measure.objects.filter(minutes=HOUR, subject__kind=OPERATION).count() == 20
    assert not Subject.objects.filter(kind=LEFT_OUT).exists()


@override_settings(ANALYSIS_MAX_EDGES=2)
def test_edges_of_an_hour_are_bounded(store):
    called = {"kind": 3, "name": "call"}
    later(
        store,
        *(
            call(n, 60 * (n // 2), attributes={"server.address": f"h{n}"}, **called)
            for n in range(1, 12)
        ),
    )
    hours = Measure.objects.filter(minutes=HOUR, subject__kind="edge")
    assert hours.count() == 3
    assert sum(each.count for each in hours) == 11


def test_counters_of_all_time_are_bounded_and_those_that_are_there_go_on(store):
    totals = "analysis.results.totals"
    with (
        patch(f"{totals}.LIMITS", Limits(names_of_service=2)),
        patch(f"{totals}._this_minute", side_effect=[FIRST + n * HOUR for n in (7, 8)]),
    ):
        later(store, call(1, 0, name="z"), call(2, 1, name="y"))
        fold(OPERATION)
        more = [call(n, 3600 + n, name=name) for n, name in enumerate("aabbz", start=3)]
        later(store, *more)
        fold(OPERATION)
    told = {str(each.fields[1]): each.merged.count for each in read_totals(OPERATION)}
    assert told == {"z": 2, "y": 1, OTHER_NAMES: 4}


def test_more_rows_than_a_page_can_take_are_refused(store, analysed):
    analysed(*MANY)
    few = patch("analysis.results.reading.MOST_ROWS", 3)
    with few, pytest.raises(QueryTooExpensive, match="choose a shorter time range"):
        read_measures(OPERATION, EVER)


def test_names_that_nothing_is_measured_of_go(store, analysed):
    analysed(*MANY)
    used = Subject.objects.count()
    Measure.objects.filter(subject__kind=OPERATION).delete()
    assert forget_unused() == 20
    assert Subject.objects.count() == used - 20
    assert forget_unused() == 0
