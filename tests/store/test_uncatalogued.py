"""What was taken while the database was away is shown when it is back, whatever comes
meanwhile."""

from types import SimpleNamespace

import pytest
from django.db import OperationalError

from tests.builders import batch, span, span_id, trace_id
from tests.services import wait_until
from tests.store.segment_builders import compacted, live_segments, make_store
from traces.models import Segment
from traces.store import catalogue, uncatalogued
from traces.store.base import StoreUnavailable
from traces.store.integrity import verify
from traces.store.uncatalogued import ASK_AGAIN_SECONDS, handing_over


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(uncatalogued, "time", clock)
    return clock


@pytest.fixture
def database(monkeypatch):
    """A switch: `database.away = True`."""
    state = SimpleNamespace(away=False)
    save = Segment.save

    def save_or_fail(self, *args, **kwargs):
        if state.away:
            raise OperationalError("the server closed the connection")
        save(self, *args, **kwargs)

    monkeypatch.setattr(Segment, "save", save_or_fail)
    monkeypatch.setattr(catalogue, "RETRY_AFTER_SECONDS", ())
    return state


def one(number):
    return batch(span(trace_id=trace_id(number), span_id=span_id(number)))


@pytest.mark.django_db
def test_a_steady_stream_of_batches_does_not_put_the_database_off(
    store, database, clock
):
    database.away = True
    store.write(one(1))
    database.away = False
    for number in range(2, 8):
        clock.now += ASK_AGAIN_SECONDS / 4
        store.write(one(number))
    assert len(live_segments()) == 7


@pytest.mark.django_db
def test_a_writer_that_was_full_takes_batches_again_by_itself(store, database, clock):
    store.writer.uncatalogued.max_segments = 1
    database.away = True
    store.write(one(1))
    with pytest.raises(StoreUnavailable, match="may wait"):
        store.write(one(2))
    database.away = False
    clock.now += ASK_AGAIN_SECONDS
    store.write(one(2))
    assert len(live_segments()) == 2


@pytest.mark.django_db
def test_a_segment_that_was_adopted_merged_and_removed_meanwhile_stays_gone(
    store, database, clock
):
    database.away = True
    store.write(one(1))
    store.write(one(2))
    database.away = False
    store.recover()
    compacted(store)
    Segment.objects.exclude(state="live").delete()
    for name in [name for name in store.files.names() if "/f-" in name]:
        store.files.discard(name)
    clock.now += ASK_AGAIN_SECONDS
    store.write(one(3))
    assert verify(store.files) == []
    assert len(store.get_traces([trace_id(n) for n in (1, 2, 3)])) == 3


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_shown_though_nothing_more_is_written(
    store, database, monkeypatch
):
    monkeypatch.setattr(uncatalogued, "ASK_AGAIN_SECONDS", 0.01)
    with handing_over(store.writer.uncatalogued):
        database.away = True
        store.write(one(1))
        assert store.is_empty()
        database.away = False
        wait_until(lambda: not store.is_empty(), "it was not shown")
