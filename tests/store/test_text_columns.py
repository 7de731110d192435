"""Attributes as columns of text: from whichever files, each span once, within limits."""

from unittest.mock import patch

import duckdb
import pytest

from tests.builders import batch, span, span_id
from tests.store.sources import ParquetStore
from traces.query import TraceQuery, Window
from traces.store import text_columns
from traces.store.base import QueryTooExpensive
from traces.store.text_columns import _as_of_duckdb

ALL = TraceQuery(Window(0, 2**62))


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path)


def spans(numbers, **attributes):
    return [span(span_id=span_id(n), attributes=attributes) for n in numbers]


def texts(store, key, most=1_000):
    table = store.get_span_columns(ALL, most).table
    column = table[f"span.{key}"].cast("string").to_pylist()
    ids = (int.from_bytes(each) for each in table["span_id"].to_pylist())
    return dict(sorted(zip(ids, column, strict=True)))


def test_spans_of_shredded_and_of_fresh_files_are_there_once(store):
    store.write(batch(*spans(range(1, 6), a=1)))
    store.compact()
    store.write(batch(*spans(range(4, 9), a=1)))
    assert texts(store, "a") == dict.fromkeys(range(1, 9), "1")


def test_a_key_of_several_types_is_read_beside_those_of_one(store):
    store.write(batch(*spans([1], a=1, b="x"), *spans([2], a="one", b="y")))
    store.compact()
    store.write(batch(*spans([3], a=2.5)))
    assert texts(store, "a") == {1: "1", 2: "one", 3: "2.5"}
    assert texts(store, "b") == {1: "x", 2: "y", 3: None}


def test_what_footers_tell_of_is_read_without_a_table_of_variants(store):
    store.write(batch(*spans(range(5), a=1, b=2.5, c="x", d=True, e=None)))
    store.compact()
    with patch.object(text_columns, "_SHOWN", "a column that is not there"):
        assert texts(store, "b") == dict.fromkeys(range(5), "2.5")


def test_long_texts_that_are_the_same_once_cut_are_one(store):
    store.write(batch(*spans([1], a="x" * 256 + "1"), *spans([2], a="x" * 300)))
    store.compact()
    found = store.get_span_columns(ALL, 10).table["span.a"]
    assert len(found.unify_dictionaries().chunk(0).dictionary) == 1


def test_of_many_keys_fewer_spans_are_read(store):
    store.write(batch(*spans(range(1, 21), **{f"k{n}": n for n in range(10)})))
    store.compact()
    with patch("traces.store.span_columns.MOST_TEXTS", 60):
        found = store.get_span_columns(ALL, 1_000)
    assert (len(found.table), found.matched) == (5, 20)


def test_of_many_spans_that_are_dear_to_read_some_are_read(store):
    store.write(batch(*spans(range(1, 11), a=1)))
    store.compact()
    store.write(batch(*spans(range(11, 21), a=1)))
    with patch("traces.store.span_columns.MOST_VARIED", 5):
        found = store.get_span_columns(ALL, 1_000)
        assert store.get_marked_columns(ALL, ALL.where, 1_000) is None
    assert (len(found.table), found.matched) == (10, 20)


def test_too_many_different_texts_are_refused(store):
    store.write(
        batch(*(each for n in range(9) for each in spans([n], a="x" * 99 + str(n))))
    )
    with (
        patch("traces.store.dictionary_batches.MOST_BYTES", 500),
        pytest.raises(QueryTooExpensive, match="different texts"),
    ):
        store.get_span_columns(ALL, 10)


def test_too_many_keys_of_fresh_spans_are_refused(store):
    store.write(batch(*spans(range(9), a=1, b=2)))
    with (
        patch.object(text_columns, "MOST_VARIED_TEXTS", 17),
        pytest.raises(QueryTooExpensive, match="too many"),
    ):
        store.get_span_columns(ALL, 10)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INTERRUPT Error: Interrupted!", duckdb.InterruptException),
        ("Out of Memory Error: failed to allocate", duckdb.OutOfMemoryException),
        ("Not implemented Error: no", duckdb.NotImplementedException),
        ("Invalid Input Error: no", duckdb.Error),
    ],
)
def test_a_limit_that_is_met_while_reading_is_told_apart(text, kind):
    assert type(_as_of_duckdb(OSError(text))) is kind
