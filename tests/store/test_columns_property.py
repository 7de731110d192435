"""Columns from files are those that plain Python makes of rows, whatever is asked."""

from hypothesis import given
from hypothesis import strategies as st

from tests.store import strategies
from tests.store.test_search_property import folder, slowly, two_stores

__all__ = ["folder"]

parts = st.integers(1, 4) | st.just(1_000)
shredding = st.booleans()


def same(one, other):
    assert one.table.column_names == other.table.column_names
    assert (one.matched, one.left_out) == (other.matched, other.left_out)
    assert rows(one) == rows(other)


def rows(columns):
    return sorted(map(repr, columns.table.to_pylist()))


def traces(columns):
    return sorted(columns.table["trace_id"].to_pylist())


@slowly
@given(strategies.batches(), strategies.queries, parts, shredding)
def test_columns_of_spans_are_the_same(folder, batches, query, most, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    same(files.get_span_columns(query, most), memory.get_span_columns(query, most))


@slowly
@given(strategies.batches(), strategies.queries, strategies.queries, shredding)
def test_marked_columns_are_the_same(folder, batches, query, other, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    found, expected = (
        store.get_marked_columns(query, other.where, 1_000) for store in (files, memory)
    )
    same(found, expected)


@slowly
@given(strategies.batches(), strategies.queries, strategies.queries, parts, shredding)
def test_columns_of_roots_are_the_same(folder, batches, query, without, most, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    for rest in (None, without):
        found = files.get_root_columns(query, most, rest)
        expected = memory.get_root_columns(query, most, rest)
        assert (found.matched, traces(found)) == (expected.matched, traces(expected))


@slowly
@given(strategies.batches(), strategies.keys, shredding)
def test_excerpts_of_traces_are_the_same(folder, batches, key, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    ids = [bytes(15) + bytes([number]) for number in range(1, 3)]
    found, expected = (
        store.get_excerpt_of(ids, [key], [key], 1_000).to_pylist()
        for store in (files, memory)
    )
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
