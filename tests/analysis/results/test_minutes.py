"""Analysing minute by minute: late, twice, at once, interrupted, the result is one."""

import random
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.management import call_command

from analysis.measured import OPERATION
from analysis.models import AnalysedMinute, ChangedMinute, Measure
from analysis.results.arrivals import mark_arrivals
from analysis.results.changes import claim, mark, minute_of
from analysis.results.measures import HOUR, MINUTE
from analysis.results.minutes import analyse, analyse_due
from analysis.results.reading import Minutes, read_measures, read_steps, waiting_in
from tests.builders import SECOND, T0, batch, span, span_id, trace_id
from tests.store.segment_builders import compacted, make_store
from traces.store.base import QueryTooExpensive
from traces.store.current import use_store

NOW = timedelta(0)
FIRST = minute_of(T0) // HOUR * HOUR
START = FIRST * 60 * SECOND
EVER = Minutes(FIRST, FIRST + 3 * HOUR)


@pytest.fixture
def store(tmp_path, db):
    store = make_store(tmp_path)
    with use_store(store):
        yield store
    store.engine.close()


def call(number, at_seconds, ms=10, **more):
    """A span of a trace of its own, so many seconds after the hour."""
    return span(
        trace_id=more.pop("trace_id", trace_id(number)),
        span_id=span_id(number),
        start_time_unix_nano=START + int(at_seconds * SECOND),
        ms=ms,
        **more,
    )


def analyse_all(store):
    mark_arrivals(store)
    return analyse_due(store, float("inf"), settle=NOW)


def results():
    """Everything that the analyses wrote, but when."""
    names = [f.name for f in Measure._meta.fields if f.name not in ("id", "subject")]
    rows = Measure.objects.values_list("subject__kind", "subject__fields", *names)
    return sorted(
        tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows
    )


def counts():
    found = read_measures(OPERATION, EVER)
    return {each.fields[0]: each.merged.count for each in found}


def test_spans_are_counted_in_the_minute_they_start_in(store):
    store.write(batch(call(1, 59), call(2, 61), call(3, 62)))
    analyse_all(store)
    steps = read_steps(OPERATION, ("gateway", "GET /", 2), Minutes(FIRST, FIRST + 3), 1)
    assert [step.count for step in steps] == [1, 2, 0]


def test_late_spans_make_their_minute_new(store):
    store.write(batch(call(1, 10)))
    analyse_all(store)
    store.write(batch(call(2, 20, service="late")))
    assert analyse_all(store) == 2  # the minute, and its hour
    assert counts() == {"gateway": 1, "late": 1}


def test_a_late_span_makes_the_other_minutes_of_its_trace_new(store):
    one = trace_id(1)
    store.write(batch(call(1, 10, trace_id=one), call(9, 10)))
    analyse_all(store)
    store.write(batch(call(2, 130, trace_id=one)))
    mark_arrivals(store)
    changed = ChangedMinute.objects.filter(minutes=MINUTE)
    assert set(changed.values_list("minute", flat=True)) == {FIRST, FIRST + 2}


def test_spans_that_come_again_change_nothing(store):
    spans = batch(call(1, 10), call(2, 70))
    store.write(spans)
    analyse_all(store)
    before = results()
    store.write(spans)
    assert analyse_all(store)
    assert results() == before


def test_any_order_of_arrival_gives_the_same_results(store, tmp_path):
    spans = [
        call(n, n * 7 % 200, ms=n, trace_id=trace_id(n % 5), service=f"s{n % 3}")
        for n in range(1, 40)
    ]
    store.write(batch(*spans))
    analyse_all(store)
    expected = results()
    Measure.objects.all().delete()
    other = make_store(tmp_path / "other")
    random.Random(1).shuffle(spans)
    for begin in range(0, len(spans), 7):
        other.write(batch(*spans[begin : begin + 7]))
        analyse_all(other)
    assert results() == expected
    other.engine.close()


def test_analysing_again_changes_nothing(store):
    store.write(batch(call(1, 10), call(2, 70, status_code=2)))
    analyse_all(store)
    before = results()
    call_command("analyze", "--again", verbosity=0)
    assert results() == before


def test_compaction_changes_nothing(store):
    store.write(batch(call(1, 10)))
    store.write(batch(call(2, 70)))
    analyse_all(store)
    before = results()
    compacted(store)
    assert mark_arrivals(store) == 0
    call_command("analyze", "--again", verbosity=0)
    assert results() == before


def test_what_was_compacted_before_it_was_seen_is_analysed(store):
    store.write(batch(call(1, 10)))
    analyse_all(store)
    store.write(batch(call(2, 70)))
    store.write(batch(call(3, 80)))
    compacted(store, grace=NOW)
    compacted(store, grace=NOW)
    analyse_all(store)
    assert counts() == {"gateway": 3}


def test_a_run_that_is_killed_leaves_what_was_there(store):
    store.write(batch(call(1, 10)))
    analyse_all(store)
    before = results()
    store.write(batch(call(2, 20)))
    mark_arrivals(store)
    with (
        patch("analysis.results.saving.unmark", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        analyse_due(store, 60, settle=NOW)
    assert results() == before
    # The claim of the killed one runs out.
    ChangedMinute.objects.update(claimed_until="2026-01-01T00:00Z")
    analyse_all(store)
    assert counts() == {"gateway": 2}


def test_two_at_once_do_not_get_the_same_minute(store):
    mark(MINUTE, [FIRST, FIRST + 1])
    first, second = claim(settle=NOW), claim(settle=NOW)
    assert {first.minute, second.minute} == {FIRST, FIRST + 1}
    assert claim(settle=NOW) is None


def test_the_same_minute_twice_at_once_is_written_once(store):
    store.write(batch(call(1, 10)))
    mark_arrivals(store)
    change = claim(settle=NOW)
    analyse(store, change)
    before = results()
    analyse(store, change)
    assert results() == before


def test_a_minute_that_changes_while_it_is_analysed_stays_marked(store):
    mark(MINUTE, [FIRST])
    change = claim(settle=NOW)
    mark(MINUTE, [FIRST])
    analyse(store, change)
    assert waiting_in(EVER) == 1
    assert claim(settle=NOW).minute == FIRST


def test_a_minute_too_expensive_is_put_off_and_told(store):
    mark(MINUTE, [FIRST])
    with patch.object(store, "get_excerpt", side_effect=QueryTooExpensive("too much")):
        assert analyse_due(store, 60, settle=NOW) == 1
    row = ChangedMinute.objects.get(minutes=MINUTE)
    assert (row.failures, row.trouble) == (1, "too much")
    assert claim(settle=NOW) is None or claim(settle=NOW).minutes == HOUR


def test_fresh_changes_settle_first(store):
    mark(MINUTE, [FIRST])
    assert claim() is None


def test_an_hour_put_together_is_its_minutes(store):
    spans = [call(n, n * 61, ms=n, service=f"s{n % 2}") for n in range(1, 50)]
    store.write(batch(*spans))
    analyse_all(store)
    assert AnalysedMinute.objects.filter(minutes=HOUR, minute=FIRST).exists()
    by_hour = read_measures(OPERATION, EVER)
    AnalysedMinute.objects.filter(minutes=HOUR).delete()
    by_minute = read_measures(OPERATION, EVER)
    assert [each.fields for each in by_hour] == [each.fields for each in by_minute]
    for one, other in zip(by_hour, by_minute, strict=True):
        assert one.merged.count == other.merged.count
        for q in (0.5, 0.95, 1):
            quantile = one.merged.histogram.quantile(q)
            assert quantile == other.merged.histogram.quantile(q)


def test_a_window_may_begin_and_end_within_an_hour(store):
    store.write(batch(*(call(n, n * 60) for n in range(180))))
    analyse_all(store)
    found = read_measures(OPERATION, Minutes(FIRST + 30, FIRST + 150))
    assert [each.merged.count for each in found] == [120]


@pytest.mark.parametrize(
    "name", ["a\0b", "\udcff".encode("utf-8", "replace").decode(), "x" * 1000, "☃"]
)
def test_any_name_can_be_kept(store, name):
    store.write(batch(call(1, 10, name=name, service=name)))
    analyse_all(store)
    (found,) = read_measures(OPERATION, EVER, group=(name,))
    assert found.fields == (name, name, 2)
