import math
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.variant import (
    VARIANT,
    VARIANT_FIELD_METADATA,
    Variant,
    decode,
    encode,
    encode_attributes,
)

TRICKY: list[Any] = [
    None,
    True,
    False,
    0,
    2**53 + 1,
    -(2**63),
    2**63 - 1,
    -0.0,
    math.inf,
    5e-324,
    "",
    "x" * 63,
    "x" * 64,
    "naïve ☃",
    b"",
    b"\x00\xff",
    [],
    [1, "a", [True, None]],
    {},
    {"a.b": {"c": [1.5]}, "a": "", "": 0},
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_back_as_it_was(value: Any):
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", TRICKY, ids=repr)
def test_a_tricky_value_comes_back_with_its_type(value: Any):
    decoded = decode(encode(value))

    assert decoded == value
    assert type(decoded) is type(value)


def test_nan_and_minus_zero_survive():
    assert repr(decode(encode(math.nan))) == "nan"
    assert repr(decode(encode(-0.0))) == "-0.0"


def test_an_integer_beyond_64_bits_is_refused():
    with pytest.raises(OverflowError):
        encode(2**63)


@pytest.mark.parametrize("value", TRICKY, ids=repr)
def test_duckdb_reads_and_writes_the_same_values(value: Any):
    field = pa.field("v", VARIANT, metadata=VARIANT_FIELD_METADATA)
    table = pa.Table.from_arrays(
        [encode_attributes([{"k": value}])], schema=pa.schema([field])
    )

    with duckdb.connect() as connection:
        connection.register("t", table)
        row = connection.sql("select v from t").to_arrow_table()["v"][0].as_py()

    decoded = decode(Variant(row["metadata"], row["value"]))
    assert decoded == {"k": value}
    assert isinstance(decoded, dict)
    assert type(decoded["k"]) is type(value)
