"""OTLP's attributes and events as protobuf bytes, a whole column at a time.

The same messages as `wire_format` writes one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.wire_format import key_value, varint
from traces.variant_columns import Bytes, Ints, binary_array, lengths, running_total

_NOTHING = b""


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


def text_attributes(keys: pa.DictionaryArray, values: pa.StringArray) -> pa.BinaryArray:
    """KeyValue messages of texts."""
    return pc.binary_join_element_wise(
        _sized(b"\x0a", keys.dictionary).take(keys.indices),
        _by_length(values, _before_text),
        values.cast(pa.binary()),
        _NOTHING,
    )


def _before_text(length: int) -> bytes:
    """What stands between a key and its text of this many bytes."""
    inner = b"\x0a" + varint(length)
    return b"\x12" + varint(len(inner) + length) + inner


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
