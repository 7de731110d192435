"""Retention: exactly the expired goes, and never because a clock jumped."""

from datetime import timedelta

import pytest

from tests.builders import SECOND, batch, span, span_id, trace_id
from tests.store.segment_builders import live_segments, make_store
from traces.models import Lease, Segment
from traces.store import catalogue
from traces.store.retention import ClockJumped, RetentionSettings, retain

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEEP_A_WEEK = RetentionSettings(keep=7 * DAY, max_bytes=0, grace=timedelta(0))


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


def write_days_ago(store, days, number=1):
    start = int(catalogue.now().timestamp()) - int(days * 86_400)
    one = span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=start * SECOND,
    )
    store.write(batch(one))


def test_only_whole_segments_past_their_time_go(store):
    write_days_ago(store, 7.01, 1)
    write_days_ago(store, 6.99, 2)
    report = retain(store.files, KEEP_A_WEEK)
    assert (report.retired_segments, report.retired_spans) == (1, 1)
    assert len(store.get_traces([trace_id(1)])) == 0
    assert len(store.get_traces([trace_id(2)])) == 1


def test_files_go_after_the_grace_period_and_bytes_are_freed(store):
    write_days_ago(store, 8)
    slow = RetentionSettings(7 * DAY, 0, grace=timedelta(hours=1))
    assert retain(store.files, slow).removed_files == 0
    assert len(list(store.files.names())) == 1
    assert retain(store.files, KEEP_A_WEEK).removed_files == 1
    assert list(store.files.names()) == []
    assert not Segment.objects.exists()


def test_a_span_of_next_year_does_not_keep_its_segment_for_a_year(store):
    write_days_ago(store, -365)
    retain(store.files, KEEP_A_WEEK)
    in_eight_days = catalogue.now() + 8 * DAY
    report = retain(store.files, KEEP_A_WEEK, in_eight_days, believe_clock=True)
    assert report.retired_segments == 1


def test_the_oldest_go_when_the_disk_is_to_hold_less(store):
    for number in (1, 2, 3):
        write_days_ago(store, 3 - number, number)
    room = sum(segment.byte_count for segment in live_segments()[1:])
    retain(store.files, RetentionSettings(7 * DAY, room, timedelta(0)))
    kept = store.get_traces([trace_id(n) for n in (1, 2, 3)])["trace_id"].to_pylist()
    assert kept == [trace_id(2), trace_id(3)]


def test_a_clock_that_jumped_deletes_nothing_until_it_is_believed(store):
    write_days_ago(store, 0)
    retain(store.files, KEEP_A_WEEK)
    next_year = catalogue.now() + 365 * DAY
    with pytest.raises(ClockJumped, match="believe-clock"):
        retain(store.files, KEEP_A_WEEK, next_year)
    assert len(live_segments()) == 1
    assert "not deleting 100%" in Lease.objects.get(name="retain").trouble
    retain(store.files, KEEP_A_WEEK, next_year, believe_clock=True)
    assert live_segments() == []
    assert Lease.objects.get(name="retain").trouble == ""


def test_the_first_run_does_not_believe_a_clock_far_from_the_newest_segment(store):
    write_days_ago(store, 0)
    with pytest.raises(ClockJumped):
        retain(store.files, KEEP_A_WEEK, catalogue.now() + 30 * DAY)


def test_after_a_few_days_off_a_little_may_go(store):
    for number in range(1, 10):
        write_days_ago(store, 1, number)
    write_days_ago(store, 6, 10)
    retain(store.files, KEEP_A_WEEK)
    report = retain(store.files, KEEP_A_WEEK, catalogue.now() + 2 * DAY)
    assert report.retired_segments == 1
