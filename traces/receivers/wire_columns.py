"""OTLP's attributes and events as protobuf bytes, a whole column at a time.

The same messages as `wire_format` writes one by one.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.wire_format import key_value, varint
from traces.variant_columns import Bytes, Ints, binary_array, lengths, running_total

_NOTHING = b""
_LONGEST_VARINT = 10


class Items(NamedTuple):
    """Messages, each with the number of the span that has it."""

    row: Ints
    messages: pa.BinaryArray


def to_lists(items: Sequence[Items], rows: int) -> pa.ListArray:
    """The messages of each row, in the order given."""
    row = np.concatenate([each.row for each in items])
    messages = pa.concat_arrays([each.messages for each in items])
    order = np.argsort(row, kind="stable")
    offsets = running_total(np.bincount(row, minlength=rows))
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), messages.take(pa.array(order))
    )


def attributes(keys: pa.DictionaryArray, values: pa.Array) -> pa.BinaryArray:
    """KeyValue messages of texts, bytes, booleans, 64-bit integers or doubles."""
    return pc.binary_join_element_wise(
        _sized(b"\x0a", keys.dictionary).take(keys.indices),
        *_ENCODERS[values.type](values),
        _NOTHING,
    )


def _of_length(tag: bytes, values: pa.Array) -> list[pa.Array]:
    def before(length: int) -> bytes:
        """What stands between a key and its value of this many bytes."""
        inner = tag + varint(length)
        return b"\x12" + varint(len(inner) + length) + inner

    return [_by_length(values, before), values.cast(pa.binary())]


def _booleans(values: pa.BooleanArray) -> list[pa.Array]:
    both = pa.array([b"\x12\x02\x10\x00", b"\x12\x02\x10\x01"], pa.binary())
    return [both.take(values.cast(pa.int8()))]


def _doubles(values: pa.DoubleArray) -> list[pa.Array]:
    rows: Any = np.empty((len(values), 11), np.uint8)
    rows[:, :3] = np.frombuffer(b"\x12\x09\x21", np.uint8)
    rows[:, 3:] = values.to_numpy().astype("<f8").view(np.uint8).reshape(-1, 8)
    return [binary_rows(rows)]


def _integers(values: pa.Int64Array) -> list[pa.Array]:
    """Seven bits a byte, all but the last byte marked."""
    numbers = values.to_numpy().view(np.uint64)
    sizes = np.ones(len(numbers), np.int64)
    for place in range(1, _LONGEST_VARINT):
        sizes += numbers >= np.uint64(1 << 7 * place)
    shifts = np.arange(0, 7 * int(sizes.max(initial=1)), 7, dtype=np.uint64)
    rows: Any = np.empty((len(numbers), 3 + len(shifts)), np.uint8)
    rows[:, 0], rows[:, 1], rows[:, 2] = 0x12, sizes + 1, 0x18
    rows[:, 3:] = (numbers[:, None] >> shifts) & np.uint64(0x7F) | np.uint64(0x80)
    rows[np.arange(len(rows)), sizes + 2] &= 0x7F
    used = np.arange(rows.shape[1]) < sizes[:, None] + 3
    return [binary_array(rows[used], running_total(sizes + 3))]


_ENCODERS: Final[dict[pa.DataType, Callable[[pa.Array], list[pa.Array]]]] = {
    pa.string(): partial(_of_length, b"\x0a"),
    pa.binary(): partial(_of_length, b"\x3a"),
    pa.bool_(): _booleans,
    pa.float64(): _doubles,
    pa.int64(): _integers,
}


def _sized(tag: bytes, texts: pa.StringArray) -> pa.BinaryArray:
    heads = _by_length(texts, lambda length: tag + varint(length))
    return pc.binary_join_element_wise(heads, texts.cast(pa.binary()), _NOTHING)


def _by_length(texts: pa.StringArray, head: Callable[[int], bytes]) -> pa.BinaryArray:
    """A step for each distinct length, of which there are few."""
    sizes = pa.array(lengths(texts)).dictionary_encode()
    heads = [head(length) for length in sizes.dictionary.to_pylist()]
    return pa.array(heads, pa.binary()).take(sizes.indices)


def attribute(key: str, values: pa.Array) -> Items:
    """KeyValue messages of this key, for the rows whose value is not null."""
    row = np.flatnonzero(values.is_valid())
    distinct = values.drop_null().dictionary_encode()
    messages = [key_value(key, value) for value in distinct.dictionary.to_pylist()]
    return Items(row, pa.array(messages, pa.binary()).take(distinct.indices))


def plain_events(time_unix_nano: Ints, names: pa.StringArray) -> pa.BinaryArray:
    """Event messages without attributes."""
    times: Any = np.empty((len(time_unix_nano), 9), np.uint8)
    times[:, 0] = 0x09
    times[:, 1:] = time_unix_nano.astype("<i8").view(np.uint8).reshape(-1, 8)
    return pc.binary_join_element_wise(
        binary_rows(times), _sized(b"\x12", names), _NOTHING
    )


def binary_rows(rows: Bytes) -> pa.BinaryArray:
    """The rows of a matrix of bytes."""
    count, width = rows.shape
    return binary_array(rows.reshape(-1), np.arange(count + 1) * width)
