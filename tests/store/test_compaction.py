"""Compaction: fewer segments, the same spans."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.builders import SECOND, batch, span, span_id, trace_id
from tests.store.segment_builders import (
    compacted,
    compaction_settings,
    damage,
    live_segments,
    make_store,
    only_segment,
)
from traces.models import Lease, Segment
from traces.query import Window
from traces.store import catalogue, compaction, key_census, lease
from traces.store.catalogue import SegmentRow
from traces.store.compaction import compact
from traces.store.compaction_plan import plan
from traces.store.merging import merge

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
NOW_NANO = int(NOW.timestamp()) * SECOND


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


def now_span(number, **fields):
    start = int(catalogue.now().timestamp()) * SECOND
    fields = {"start_time_unix_nano": start} | fields
    return span(trace_id=trace_id(number), span_id=span_id(number), **fields)


def row(number=1, **fields):
    defaults = SegmentRow(
        id=number,
        name="",
        state="live",
        state_reason="",
        level=0,
        variant=False,
        mergeable=True,
        min_start_unix_nano=NOW_NANO,
        max_start_unix_nano=NOW_NANO,
        expires_from_unix_nano=NOW_NANO,
        span_count=100,
        byte_count=1,
        checksum="",
        received_at=NOW,
    )
    return defaults._replace(**fields)


def planned(rows, max_spans=1_000_000):
    groups = plan(rows, NOW, min_segments=8, max_spans=max_spans)
    return [[each.id for each in group] for group in groups]


def test_fresh_segments_under_load_merge_without_the_larger_ones():
    large = [row(number, level=1, span_count=200_000) for number in range(1, 4)]
    fresh = [row(number, span_count=4_000) for number in range(11, 61)]
    assert planned(large + fresh) == [[each.id for each in fresh]]


def test_what_arrives_during_a_run_waits_for_the_next(store, monkeypatch):
    for number in (1, 2):
        store.write(batch(now_span(number)))
    merge_group = compaction.merge_group

    def merge_while_more_arrives(*args):
        merge_group(*args)
        store.write(batch(now_span(3)))

    monkeypatch.setattr(compaction, "merge_group", merge_while_more_arrives)
    assert compacted(store).merges == 1
    assert sorted(segment.span_count for segment in live_segments()) == [1, 2]


def test_many_segments_become_one_sorted_by_trace(store):
    for number in (3, 1, 2):
        store.write(batch(now_span(number)))
    report = compacted(store)
    assert (report.merged_segments, report.written_segments) == (3, 1)
    assert only_segment().span_count == 3
    assert only_segment().variant
    everything = store.everything()
    with store.connection() as connection:
        ids = connection.execute(f"SELECT trace_id FROM {everything.sql}").fetchall()
    assert ids == [(trace_id(1),), (trace_id(2),), (trace_id(3),)]
    assert not everything.may_hold_duplicates


def test_equal_spans_are_kept_once_and_different_ones_all(store):
    same, other = (
        now_span(1, attributes={"x": 0.0}),
        now_span(1, attributes={"x": -0.0}),
    )
    for each in (same, same, other):
        store.write(batch(each))
    compacted(store)
    assert only_segment().span_count == 2


def test_duplicates_in_compacted_segments_are_found_too(store):
    same = batch(now_span(1, attributes={"a": 1, "b": [1]}), now_span(2))
    for _ in range(4):
        store.write(same)
        compacted(store)
    assert only_segment().span_count == 2


def test_maps_with_an_empty_key_get_a_plain_segment(store):
    store.write(batch(now_span(1, attributes={"": 1}), now_span(2)))
    store.write(batch(now_span(3)))
    compacted(store)
    kinds = {(segment.variant, segment.span_count) for segment in live_segments()}
    assert kinds == {(True, 2), (False, 1)}


def test_rare_keys_do_not_make_columns_without_end(store, monkeypatch):
    monkeypatch.setattr(key_census.unshreddable, "__defaults__", (5,))
    store.write(batch(*(now_span(n, attributes={"common": 1}) for n in range(1, 9))))
    store.write(
        batch(*(now_span(n, attributes={f"key {n}": 1}) for n in range(11, 31)))
    )
    compacted(store)
    kinds = {segment.variant: segment.span_count for segment in live_segments()}
    assert kinds[True] + kinds[False] == 28
    assert kinds[True] < 14


def test_spans_of_odd_times_do_not_widen_the_rest(store):
    store.write(batch(now_span(1), now_span(2, start_time_unix_nano=SECOND)))
    store.write(batch(now_span(3), now_span(4, start_time_unix_nano=2**62)))
    compacted(store)
    usual, odd = sorted(live_segments(), key=lambda s: -s.min_start_unix_nano)
    assert (usual.span_count, odd.span_count) == (2, 2)
    found = store.get_span_names(None, Window(SECOND, SECOND + 1))
    assert found == ["GET /"]


def test_odd_days_do_not_leave_a_segment_each(store):
    day = 86_400 * SECOND
    for number in range(1, 21):
        early = now_span(number, start_time_unix_nano=number * day)
        store.write(batch(early, now_span(100 + number)))
        compacted(store)
    assert len(live_segments()) <= 4


def test_old_files_stay_for_the_grace_period(store):
    store.write(batch(now_span(1)))
    store.write(batch(now_span(2)))
    compacted(store)
    assert len(list(store.files.names())) == 3
    compacted(store, grace=timedelta(0))
    assert list(store.files.names()) == [only_segment().name]
    assert Segment.objects.count() == 1


def test_a_reader_keeps_its_files_while_segments_are_swapped(store):
    store.write(batch(now_span(1)))
    store.write(batch(now_span(2)))
    before = store.everything()
    compacted(store)
    with store.connection() as connection:
        count = connection.execute(f"SELECT count(*) FROM {before.sql}").fetchone()
    assert count == (2,)


def test_of_two_merges_of_the_same_segments_one_counts(store):
    store.write(batch(now_span(1)))
    store.write(batch(now_span(2)))
    rows, limits = catalogue.live(), compaction_settings(store).limits
    first, second = (merge(rows, store.files, limits) for _ in range(2))
    catalogue.replace(rows, first)
    with pytest.raises(catalogue.SegmentsGone):
        catalogue.replace(rows, second)
    assert only_segment().name == first[0].name


def test_a_second_compaction_at_the_same_time_does_nothing(store):
    with lease.held("compact"), pytest.raises(lease.HeldElsewhere):
        compacted(store)


def test_the_lease_of_a_dead_process_is_taken_over(store):
    with lease.held("compact") as held:
        dead = held.holder.rsplit(":", 2)[0] + ":0:dead"
        Lease.objects.update(holder=dead)
        compacted(store)


def test_a_damaged_segment_is_not_merged(store):
    for number in (1, 2, 3):
        store.write(batch(now_span(number)))
    damage(store, live_segments()[0])
    compacted(store)
    assert only_segment().span_count == 2
    assert Segment.objects.get(state="quarantined").span_count == 1


def test_segments_that_cannot_be_merged_stay_and_are_not_tried_for_ever(
    store, monkeypatch
):
    for number in (1, 2, 3):
        store.write(batch(now_span(number)))
    calls = []

    def refuse(rows, files, limits):
        calls.append(rows)
        raise duckdb.OutOfMemoryException("not enough")

    monkeypatch.setattr("traces.store.compaction.merge", refuse)
    compacted(store)
    tries = len(calls)
    compacted(store)
    assert len(calls) == tries
    assert len(live_segments()) == 3


def test_compaction_adopts_a_fresh_file_without_a_row(store):
    store.write(batch(now_span(1)))
    Segment.objects.all().delete()
    assert store.is_empty()
    assert compact(store.files, compaction_settings(store)).adopted == 1
    assert len(store.get_traces([trace_id(1)])) == 1


def test_left_over_files_of_a_killed_merge_go_but_not_young_ones(store):
    store.write(batch(now_span(1)))
    store.write(batch(now_span(2)))
    merge(catalogue.live(), store.files, compaction_settings(store).limits)
    compacted(store, min_segments=9)
    assert len(list(store.files.names())) == 3
    compacted(store, min_segments=9, orphan_after_seconds=-1)
    assert len(list(store.files.names())) == 2


def test_segments_of_one_size_merge_when_there_are_enough():
    assert planned([row(n) for n in range(7)]) == []
    assert planned([row(n) for n in range(8)]) == [list(range(8))]


def test_the_few_segments_a_burst_leaves_merge_after_a_minute():
    waited = NOW - timedelta(minutes=2)
    assert planned([row(n, received_at=waited) for n in range(3)]) == [[0, 1, 2]]
    assert planned([row(n, received_at=waited, level=1) for n in range(3)]) == []
    assert planned([row(1, received_at=waited), row(2)]) == []


def test_a_large_segment_is_not_rewritten_for_a_few_small_ones():
    small = [row(n) for n in range(8)]
    large = row(9, span_count=10_000, level=1, variant=True)
    assert planned([*small, large]) == [list(range(8))]


def test_no_merge_grows_past_the_limit():
    assert planned([row(n) for n in range(30)], max_spans=1_000) == [list(range(10))]


def test_different_hours_merge_apart_until_they_are_old():
    hours = [NOW - timedelta(hours=n % 2) for n in range(16)]
    rows = [row(n, received_at=hour) for n, hour in enumerate(hours)]
    assert sorted(map(len, planned(rows))) == [8, 8]
    old = [
        each._replace(received_at=NOW - timedelta(hours=3 + n % 5))
        for n, each in enumerate(rows)
    ]
    assert sorted(map(len, planned(old))) == [16]


def test_segments_without_a_common_trace_need_no_search_for_duplicates(store):
    def compacted_pair(*numbers):
        for number in numbers:
            store.write(batch(now_span(number)))
        compacted(store, min_segments=2, max_spans=2)

    compacted_pair(1, 2)
    compacted_pair(3, 4)
    assert not store.everything().may_hold_duplicates
    compacted_pair(5, 1)
    assert len(live_segments()) == 3
    assert store.everything().may_hold_duplicates
    store.write(batch(now_span(9)))
    assert store.of_traces([trace_id(9)]).may_hold_duplicates
