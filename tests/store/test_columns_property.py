"""Columns from files are those that plain Python makes of rows, whatever is asked."""

from hypothesis import given
from hypothesis import strategies as st

from tests.store import strategies
from tests.store.test_search_property import folder, slowly, two_stores
from traces.spans import EXCERPT_COLUMNS

__all__ = ["folder"]

parts = st.integers(1, 4) | st.just(1_000)
shredding = st.booleans()


def same(one, other):
    assert one.table.column_names == other.table.column_names
    assert (one.matched, one.left_out) == (other.matched, other.left_out)
    assert rows(one) == rows(other)


def rows(columns):
    """In order of what is told apart; of spans with one id and equal fields any order."""
    found = columns.table.to_pylist()
    order = [[repr(row[name]) for name in EXCERPT_COLUMNS] for row in found]
    assert [row[:2] for row in order] == sorted(row[:2] for row in order)
    return sorted(map(repr, found))


@slowly
@given(strategies.batches(), strategies.queries, parts, shredding)
def test_columns_of_spans_are_the_same(folder, batches, query, most, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    same(files.get_span_columns(query, most), memory.get_span_columns(query, most))


@slowly
@given(strategies.batches(), strategies.queries, strategies.queries, parts, shredding)
def test_columns_of_roots_are_the_same(folder, batches, query, without, most, shredded):
    memory, files = two_stores(folder, batches, shredded=shredded)
    for rest in (None, without):
        found = files.get_root_columns(query, most, rest)
        expected = memory.get_root_columns(query, most, rest)
        assert (found.matched, found.table["trace_id"].to_pylist()) == (
            expected.matched,
            expected.table["trace_id"].to_pylist(),
        )


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
