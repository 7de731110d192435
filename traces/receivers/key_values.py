"""Columns of OTLP attributes, each KeyValue still in its protobuf bytes, to VARIANT.

`PlainKeyValues` reads nearly all of them by columns. What is written in an unusual way
(nested values, other field orders, anything over a limit) goes through
`key_value.Reader`, one by one.
"""

import itertools
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.key_value import REPEATED_KEY, Reader, parse_any_value
from traces.receivers.limits import Limits
from traces.receivers.plain_key_values import (
    ARRAY,
    INT_PIECE,
    MAP,
    ODD,
    PADDING,
    PlainKeyValues,
    write_ints,
)
from traces.variant import Variant, encode
from traces.variant_columns import (
    Ints,
    Pieces,
    binary_array,
    empty_maps,
    encode_objects,
    offsets_of,
    running_total,
    variant_array,
)

_NO_NAMES: Final = encode(0).metadata
_PART = 500_000

DROPPED_ATTRIBUTES = "attributes beyond the limit were dropped"


class Attributes(NamedTuple):
    """A VARIANT column, how many attributes each row lost, and what was altered.

    `remarks` pairs each remark with the rows it is about.
    """

    variant: pa.StructArray
    dropped: Ints
    remarks: list[tuple[str, Ints]]


def encode_attributes(lists: pa.ListArray, limits: Limits) -> Attributes:
    """Raises BadRequest for bytes that are no KeyValue or text that is not UTF-8."""
    offsets = offsets_of(lists)
    messages, offsets = lists.flatten(), offsets - offsets[0]
    counts = np.diff(offsets)
    if not len(messages):
        return Attributes(empty_maps(len(lists)), counts, [])
    dropped = np.maximum(counts - limits.attributes, 0)
    remarks: list[tuple[str, Ints]] = []
    if dropped.any():
        remarks.append((DROPPED_ATTRIBUTES, np.flatnonzero(dropped)))
        place = np.arange(len(messages)) - np.repeat(offsets[:-1], counts)
        messages = messages.filter(pa.array(place < limits.attributes))
        offsets = running_total(counts - dropped)
    variant, more = _encode_in_parts(messages, offsets, limits)
    return Attributes(variant, dropped, remarks + more)


def _encode_in_parts(
    messages: pa.BinaryArray, offsets: Ints, limits: Limits
) -> tuple[pa.StructArray, list[tuple[str, Ints]]]:
    """A part is about `_PART` messages: each of them takes a hundred bytes."""
    if len(messages) <= _PART:
        return _encode_part(messages, offsets, limits)
    cuts = np.searchsorted(offsets, np.arange(_PART, len(messages), _PART))
    firsts = np.unique([0, *cuts, len(offsets) - 1]).tolist()
    variants, remarks = [], []
    for first, last in itertools.pairwise(firsts):
        start, end = offsets[[first, last]].tolist()
        part = messages.slice(start, end - start)
        variant, more = _encode_part(part, offsets[first : last + 1] - start, limits)
        variants.append(variant)
        remarks += [(text, rows + first) for text, rows in more]
    return pa.concat_arrays(variants), remarks


def _encode_part(
    messages: pa.BinaryArray, offsets: Ints, limits: Limits
) -> tuple[pa.StructArray, list[tuple[str, Ints]]]:
    return _Rows(messages, offsets, PlainKeyValues(messages, limits), limits).encode()


class _Rows:
    """Puts plain and odd attributes together, row by row."""

    def __init__(
        self,
        messages: pa.BinaryArray,
        offsets: Ints,
        plain: PlainKeyValues,
        limits: Limits,
    ) -> None:
        self.messages, self.offsets, self.plain = messages, offsets, plain
        self.limits = limits
        self.row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        self.remarks: dict[str, set[int]] = {}
        self.arrays: dict[int, bytes] = {}
        self.whole: dict[int, Variant] = {}

    def encode(self) -> tuple[pa.StructArray, list[tuple[str, Ints]]]:
        self._read_odd()
        variant, repeated = self._encode_plain()
        for row in repeated.tolist():
            self._remark(REPEATED_KEY, row)
            self._read_whole(row)
        if self.whole:
            variant = self._replace(variant)
        return variant, [
            (text, np.array(sorted(rows))) for text, rows in self.remarks.items()
        ]

    def _read_odd(self) -> None:
        """Row by row, because each is a case of its own and they are few."""
        kind = self.plain.kind
        for row in np.unique(self.row[(kind == ODD) | (kind == MAP)]).tolist():
            self._read_whole(row)
        for entry in np.flatnonzero(kind == ARRAY).tolist():
            row = int(self.row[entry])
            if row not in self.whole:
                self._read_array(entry, row)

    def _read_array(self, entry: int, row: int) -> None:
        reader = Reader(self.limits)
        plain = self.plain
        inner = plain.bytes[plain.inner[entry] : plain.end[entry]].tobytes()
        variant = encode(reader.value(parse_any_value(inner)))
        if variant.metadata != _NO_NAMES:  # a map inside: the row needs its names
            self._read_whole(row)
            return
        self.arrays[entry] = variant.value
        for text in reader.remarks:
            self._remark(text, row)

    def _read_whole(self, row: int) -> None:
        start, end = self.offsets[row : row + 2].tolist()
        reader = Reader(self.limits)
        messages = self.messages.slice(start, end - start).to_pylist()
        self.whole[row] = encode(reader.attributes(messages))
        for text in reader.remarks:
            self._remark(text, row)

    def _remark(self, text: str, row: int) -> None:
        self.remarks.setdefault(text, set()).add(row)

    def _encode_plain(self) -> tuple[pa.StructArray, Ints]:
        kept, offsets = np.arange(len(self.row)), self.offsets
        if self.whole:
            whole = np.zeros(len(offsets) - 1, np.bool_)
            whole[list(self.whole)] = True
            kept = np.flatnonzero(~whole[self.row])
            offsets = running_total(np.where(whole, 0, np.diff(offsets)))
        keys = self.plain.keys(kept)
        pool, at = self._pieces()
        return encode_objects(offsets, keys, Pieces(pool, at[kept]))

    def _pieces(self) -> tuple[pa.BinaryArray, Ints]:
        data, start, end = self.plain.make_pieces()
        stretches = np.empty(2 * len(start) + 1, np.int64)
        stretches[0:-1:2], stretches[1::2] = start, end
        stretches[-1] = len(data) - len(PADDING)
        at = 2 * np.arange(len(start))
        pools = [binary_array(data, stretches)]
        for entries, pool in (self._short_ints(), self._array_pieces()):
            if len(entries):
                at[entries] = sum(map(len, pools)) + np.arange(len(entries))
                pools.append(pool)
        return (pa.concat_arrays(pools) if len(pools) > 1 else pools[0]), at

    def _short_ints(self) -> tuple[Ints, pa.BinaryArray]:
        entries = self.plain.short_ints
        at = np.arange(len(entries) + 1) * INT_PIECE
        data = np.zeros(int(at[-1]), np.uint8)
        write_ints(data, at[:-1], self.plain.short_numbers)
        return entries, binary_array(data, at)

    def _array_pieces(self) -> tuple[Ints, pa.BinaryArray]:
        entries = np.array(list(self.arrays), np.int64)
        return entries, pa.array(self.arrays.values(), pa.binary())

    def _replace(self, variant: pa.StructArray) -> pa.StructArray:
        count = len(variant)
        at = np.arange(count)
        at[list(self.whole)] = count + np.arange(len(self.whole))
        odd = list(self.whole.values())
        metadata = pa.array([v.metadata for v in odd], pa.binary())
        value = pa.array([v.value for v in odd], pa.binary())
        both = pa.concat_arrays([variant, variant_array(metadata, value)])
        return both.take(pa.array(at))
