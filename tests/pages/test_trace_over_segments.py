"""The trace page says the same whatever store and whatever level the spans are in."""

import re

import pytest
from django.test import Client

from tests.builders import MS, T0, batch, event, link, trace_id
from tests.store.segment_builders import compacted, make_store
from tests.test_trace import numbered
from traces.spans import SpanKind
from traces.store.current import use_store
from traces.store.memory import MemoryStore

PAGE = f"/trace/{trace_id(1).hex()}"
VALUES = {
    "code": 404,
    "big": 2**53 + 1,
    "ratio": 2.5,
    "ok": True,
    "raw": b"\x00\xff",
    "list": ["x", {"deep": "Größe"}],
}
BATCHES = (
    batch(
        numbered(1, kind=SpanKind.CLIENT, ms=100, attributes=VALUES),
        numbered(3, 2, start_ms=505, ms=5, links=[link(trace_id(7), bytes(7) + b"1")]),
    ),
    batch(
        numbered(
            2, 1, kind=SpanKind.SERVER, service="db", start_ms=500, ms=50,
            status_code=2, events=[event("retry", T0 + 510 * MS, why="busy")],
        )
    ),
)  # fmt: skip
PATHS = (
    "/rows",
    "/rows?adjust=0",
    *(f"/find?text={text}" for text in ("404", "2.5", "deep", "busy", "db", "ff")),
    *(f"/span/{number:016x}" for number in (1, 2, 3)),
    "?tab=statistics",
    "?tab=events",
)


@pytest.fixture(params=["fresh", "compacted"])
def segments(request, tmp_path, db):
    store = make_store(tmp_path)
    for spans in BATCHES:
        store.write(spans)
    if request.param == "compacted":
        compacted(store)
    yield store
    store.engine.close()


@pytest.fixture
def memory():
    store = MemoryStore()
    for spans in BATCHES:
        store.write(spans)
    return store


def answers(store):
    client = Client(headers={"host": "localhost", "HX-Request": "true"})
    with use_store(store):
        found = [client.get(PAGE + path) for path in PATHS]
    assert {response.status_code for response in found} == {200}
    return [response.content.decode() for response in found]


def test_memory_and_segments_show_the_same(segments, memory):
    for path, ours, theirs in zip(
        PATHS, answers(segments), answers(memory), strict=True
    ):
        assert ours == theirs, path
        if path.startswith("/find"):
            assert len(re.findall(r"\d+", ours)) == (0 if "ff" in path else 1), path
