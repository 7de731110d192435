"""Writing: durable and visible, or refused and gone."""

import errno
import os
import threading

import pytest
from django.db import OperationalError

from tests.builders import batch, span, span_id, trace_id
from tests.store.segment_builders import live_segments, make_store, only_segment
from traces.models import Segment
from traces.query import TraceQuery, Window
from traces.spans import empty_batch
from traces.store import catalogue, trace_filter
from traces.store.base import QueryTooExpensive, StoreUnavailable
from traces.store.segment_facts import facts_of

pytestmark = pytest.mark.django_db
EVER = TraceQuery(Window(0, 2**62))


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


@pytest.fixture
def database(monkeypatch):
    """A switch: `database.away = True`."""

    class Database:
        away = False

    save = Segment.save

    def save_or_fail(self, *args, **kwargs):
        if Database.away:
            raise OperationalError("the server closed the connection")
        save(self, *args, **kwargs)

    monkeypatch.setattr(Segment, "save", save_or_fail)
    monkeypatch.setattr(catalogue, "RETRY_AFTER_SECONDS", (0,))
    monkeypatch.setattr("traces.store.uncatalogued.ASK_AGAIN_SECONDS", 0)
    return Database


def one(number, **fields):
    return batch(span(trace_id=trace_id(number), span_id=span_id(number), **fields))


def test_a_written_span_is_on_disk_and_visible(store):
    store.write(one(1))
    segment = only_segment()
    assert store.files.path(segment.name).stat().st_size == segment.byte_count
    assert store.files.checksum(segment.name) == segment.checksum
    assert len(store.get_traces([trace_id(1)])) == 1


def test_nothing_is_written_for_an_empty_batch(store):
    store.write(empty_batch())
    assert store.is_empty()
    assert list(store.files.names()) == []


def test_the_order_is_file_rename_folder_row(store, monkeypatch):
    events = []
    fsync, rename, add = os.fsync, type(store.files.root).rename, catalogue.add
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd)))
    monkeypatch.setattr(
        type(store.files.root),
        "rename",
        lambda *a: (events.append("rename"), rename(*a)),
    )
    monkeypatch.setattr(catalogue, "add", lambda f: (events.append("row"), add(f)))
    store.write(one(1))
    assert events[-4:] == ["fsync", "rename", "fsync", "row"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_leaves_nothing_and_says_so(store, monkeypatch, code):
    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreUnavailable, match="the disk refused"):
        store.write(one(1))
    assert not [path for path in store.files.root.rglob("*") if path.is_file()]
    assert store.is_empty()


def test_a_disk_that_is_nearly_full_takes_nothing_more(store):
    store.files.min_free_bytes = 2**62
    with pytest.raises(StoreUnavailable, match="nearly full"):
        store.write(one(1))
    store.files.min_free_bytes = 0
    store.write(one(1))


def test_a_database_that_is_away_delays_only_visibility(store, database):
    database.away = True
    store.write(one(1))
    store.write(one(2))
    assert store.is_empty()
    database.away = False
    store.write(one(3))
    assert store.find_traces(EVER).matched == 3


def test_what_waits_for_the_database_is_bounded(store, database):
    database.away = True
    store.writer.uncatalogued.max_segments = 2
    store.write(one(1))
    store.write(one(2))
    with pytest.raises(StoreUnavailable, match="may wait"):
        store.write(one(3))
    assert len(list(store.files.names())) == 2
    database.away = False
    store.writer.uncatalogued.hand_over()
    store.write(one(3))
    assert len(live_segments()) == 3


def test_a_restart_adopts_what_waited(store, database, tmp_path):
    database.away = True
    store.write(one(1))
    database.away = False
    restarted = make_store(tmp_path)
    assert restarted.recover() == 1
    assert restarted.recover() == 0
    assert restarted.find_traces(EVER).matched == 1
    restarted.engine.close()


def test_a_torn_file_or_a_temporary_one_is_never_adopted(store):
    store.write(one(1))
    whole = store.files.path(only_segment().name)
    Segment.objects.all().delete()
    whole.with_suffix(".tmp").write_bytes(whole.read_bytes())
    whole.write_bytes(whole.read_bytes()[:-8])
    assert store.recover() == 0
    assert store.is_empty()


def test_hostile_names_do_not_reach_the_catalogue_raw(store):
    names = [f"service {n} " + "x" * 240 for n in range(200)]
    store.write(batch(*(span(service=name) for name in names)))
    assert only_segment().service_names == ""
    facts = facts_of(batch(span(service="a\0b\u202e")))
    assert facts.service_names == '["a\\u0000b\\u202e"]'


def test_times_of_any_size_fit_the_catalogue(store):
    widest = {"start_time_unix_nano": 2**63 - 1, "duration_nano": 2**63 - 1}
    store.write(one(1, **widest))
    store.write(one(2, start_time_unix_nano=-(2**63), duration_nano=-(2**63)))
    assert len(store.get_traces([trace_id(1), trace_id(2)])) == 2


def test_a_trace_is_sought_only_where_it_may_be(store):
    for number in range(1, 21):
        store.write(one(number))
    relation = store.of_traces([trace_id(7)])
    assert 1 <= relation.segment_count <= 3
    assert store.of_traces([]).segment_count == 0


def test_a_window_reads_only_the_segments_that_overlap_it(store):
    for start in (10, 20, 30):
        store.write(one(start, start_time_unix_nano=start))
    assert store.in_window(Window(20, 30)).segment_count == 1
    assert store.in_window(Window(20, 31)).segment_count == 2
    assert store.in_window(Window(31, 40)).segment_count == 0


def test_the_trace_filter_never_denies_what_it_holds():
    ids = [os.urandom(16) for _ in range(3_000)]
    hashes = trace_filter.hashes_of_ids(ids)
    built = trace_filter.build(hashes)
    assert all(
        trace_filter.may_contain(built, trace_filter.hashes_of_ids([each]))
        for each in ids
    )
    others = [trace_filter.hashes_of_ids([os.urandom(16)]) for _ in range(2_000)]
    assert sum(trace_filter.may_contain(built, each) for each in others) < 100


def test_a_query_can_reach_nothing_but_segments(store, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for forbidden in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "INSTALL httpfs",
    ):
        with pytest.raises(StoreUnavailable), store.connection() as connection:
            connection.execute(forbidden)


def test_a_query_that_takes_too_long_is_stopped(tmp_path):
    store = make_store(tmp_path, timeout_seconds=0.2)
    with (
        pytest.raises(QueryTooExpensive, match=r"limit of 0\.2 seconds"),
        store.connection() as connection,
    ):
        connection.execute(
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11"
        ).fetchall()
    store.engine.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_writers_at_once_are_all_kept(store):
    errors = []

    def write(first):
        try:
            for number in range(first, first + 10):
                store.write(one(number))
        except Exception as error:
            errors.append(error)
        finally:
            catalogue.drop_broken_connection()

    threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.find_traces(EVER).matched == 40


def test_footers_are_read_once_for_all_queries(store):
    with store.connection() as connection:
        cached = connection.execute(
            "SELECT current_setting('parquet_metadata_cache')"
        ).fetchone()
    assert cached == (True,)
