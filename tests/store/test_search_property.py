"""SQL over files answers as plain Python over rows does, whatever is asked of what."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store import strategies
from tests.store.sources import ParquetStore
from traces.query import Attribute
from traces.store.memory import MemoryStore
from traces.variant import decode_attributes, encode

slowly = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)
thoroughly = settings(slowly, max_examples=200)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def two_stores(folder, batches, *, shredded):
    """The same spans in memory and in files, of which the first batch is shredded."""
    memory = MemoryStore()
    files = ParquetStore(Path(tempfile.mkdtemp(dir=folder)))
    for one in batches:
        memory.write(one)
        files.write(one)
        if shredded and not files.shredded:
            files.compact()
    return memory, files


def pages(store, query):
    """All pages of the query: their traces, what each says of the whole."""
    found, matched = [], set()
    while True:
        result = store.find_traces(query)
        assert len(result.traces) <= query.limit
        found += result.traces
        matched.add(result.matched)
        if result.next is None:
            break
        query = replace(query, after=result.next)
    assert matched == {len(found)}
    assert len({summary.trace_id for summary in found}) == len(found)
    return found


def search_is_the_same(folder, batches, query, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    assert pages(files, query) == pages(memory, query)
    assert files.find_points(query, 2) == memory.find_points(query, 2)


searches = given(strategies.batches(), strategies.queries, st.booleans())


@slowly
@searches
def test_search_is_what_plain_python_finds(folder, batches, query, shredded):
    search_is_the_same(folder, batches, query, shredded)


@pytest.mark.slow
@thoroughly
@searches
def test_search_is_what_plain_python_finds_in_many_tries(
    folder, batches, query, shredded
):
    search_is_the_same(folder, batches, query, shredded)


def content(batch):
    """The spans as a bag, attributes by their values and types, not their bytes."""
    return Counter(
        encode([_plain(value) for value in row.values()]) for row in batch.to_pylist()
    )


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and value.keys() == {"metadata", "value"}:
        return decode_attributes(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@slowly
@given(strategies.batches(), st.booleans())
def test_traces_come_back_as_they_were(folder, batches, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    ids = [bytes(15) + bytes([number]) for number in range(4)]
    assert content(files.get_traces(ids)) == content(memory.get_traces(ids))


@slowly
@given(
    strategies.batches(),
    strategies.windows,
    strategies.keys,
    st.sampled_from(["", "", "1", "a", "t"]),
    st.integers(1, 5) | st.just(100),
    st.booleans(),
)
def test_completion_and_statistics_are_the_same(
    folder, batches, window, key, prefix, limit, shredded
):
    memory, files = two_stores(folder, batches, shredded=shredded)
    for store_method in ("get_services", "get_service_statistics"):
        assert getattr(files, store_method)(window) == getattr(memory, store_method)(
            window
        )
    for service in (None, "a"):
        names = memory.get_span_names(service, window)
        assert files.get_span_names(service, window) == names
    found = memory.get_attribute_keys(window, prefix, limit)
    assert files.get_attribute_keys(window, prefix, limit) == found
    values = memory.get_attribute_values(Attribute(key), window, prefix, limit)
    assert repr(
        files.get_attribute_values(Attribute(key), window, prefix, limit)
    ) == repr(values)
