from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.spans import SPAN_SCHEMA
from traces.variant import decode_attributes, encode
from traces.variant_columns import (
    Keys,
    Pieces,
    encode_objects,
    offsets_of,
    running_total,
)

keys = st.text(st.sampled_from("ab.é☃"), max_size=4)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=70)
    | st.binary(max_size=70)
)
maps = st.lists(st.dictionaries(keys, scalars, max_size=6), max_size=8)


def column(rows: list[list[tuple[str, Any]]]) -> Any:
    """Encode rows of key and value pairs by columns."""
    entries = [entry for row in rows for entry in row]
    names = pa.array([key.encode() for key, _ in entries], pa.binary())
    distinct = names.dictionary_encode()
    pool = pa.array([encode(value).value for _, value in entries], pa.binary())
    return encode_objects(
        running_total(np.array([len(row) for row in rows], np.int64)),
        Keys(distinct.indices.to_numpy().astype(np.int64), distinct.dictionary),
        Pieces(pool, np.arange(len(entries))),
    )


def maps_in(variant: pa.StructArray) -> list[dict[str, Any]]:
    return [decode_attributes(cell) for cell in variant.to_pylist()]


@given(maps)
def test_maps_come_back_as_they_were(rows: list[dict[str, Any]]):
    encoded = column([list(row.items()) for row in rows])

    assert maps_in(encoded.variant) == rows
    assert len(encoded.repeated) == 0


@settings(max_examples=20)
@given(maps)
def test_duckdb_reads_the_same_maps(rows: list[dict[str, Any]]):
    variant = column([list(row.items()) for row in rows]).variant
    table = pa.table([variant], schema=pa.schema([SPAN_SCHEMA.field("attributes")]))

    with duckdb.connect() as connection:
        connection.register("t", table)
        read = connection.sql("select attributes from t").to_arrow_table()

    assert maps_in(read["attributes"]) == rows


@pytest.mark.parametrize("count", [255, 256, 257, 70_000])
def test_wide_maps_widen_the_header(count: int):
    row = [(f"key{i}", i) for i in range(count)]

    assert maps_in(column([row, [("a", "b")]]).variant) == [dict(row), {"a": "b"}]


@pytest.mark.parametrize("size", [0, 63, 64, 255, 256, 65_535, 65_536])
def test_long_values_widen_the_offsets(size: int):
    row = [("a", "x" * size), ("b", 1)]

    assert maps_in(column([row]).variant) == [dict(row)]


def test_a_row_that_repeats_a_key_is_named_and_left_empty():
    encoded = column([[("a", 1)], [("b", 1), ("b", 2)], [("c", 3)]])

    assert encoded.repeated.tolist() == [1]
    assert maps_in(encoded.variant) == [{"a": 1}, {}, {"c": 3}]


def test_rows_with_the_same_keys_in_another_order_stay_apart():
    encoded = column([[("a", 1), ("b", 2)], [("b", 3), ("a", 4)]])

    assert maps_in(encoded.variant) == [{"a": 1, "b": 2}, {"a": 4, "b": 3}]


def test_shapes_that_collide_fall_back_to_rows(monkeypatch: pytest.MonkeyPatch):
    def zeros(count: int) -> Any:
        return np.zeros(count, np.uint64)

    monkeypatch.setattr("traces.variant_columns._random_words", zeros)
    rows: list[list[tuple[str, Any]]] = [[("a", 1)], [("b", 2)], [("c", 3), ("d", 4)]]

    assert maps_in(column(rows).variant) == [dict(row) for row in rows]


def test_offsets_of_a_slice_are_its_own():
    array = pa.array([b"one", b"two", b"three"]).slice(1)

    assert np.diff(offsets_of(array)).tolist() == [3, 5]
