"""Jaeger's thrift as columns."""

import struct as binary
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from traces.receivers.jaeger_columns import JaegerColumns, Tags, Values
from traces.receivers.jaeger_spans import (
    BAD_END,
    BAD_START,
    CHILD_OF,
    FOLLOWS_FROM,
    Log,
    Parent,
    Reference,
    choose_parent,
    to_event,
)
from traces.receivers.jaeger_thrift_lists import (
    KINDS,
    SpanLists,
    decode_text,
    key_of,
    kind_and_value,
    tags_of,
)
from traces.receivers.jaeger_thrift_structs import TAG, ThriftTag
from traces.receivers.jaeger_thrift_tags import (
    BOOLEAN,
    BYTES,
    DOUBLE,
    INTEGER,
    ODD,
    TEXT,
    PlainTags,
    read_plain_tags,
)
from traces.receivers.thrift_reading import Stream
from traces.receivers.wire import Fault
from traces.receivers.wire_columns import Items, binary_rows
from traces.spans import SPAN_ID_BYTES
from traces.variant import INT64_MAX
from traces.variant_columns import Bytes, Ints, Mask, running_total

_NANO_PER_MICRO: Final = 1_000
_LAST_MICRO: Final = INT64_MAX // _NANO_PER_MICRO
_REFERENCE_KINDS: Final = {0: CHILD_OF, 1: FOLLOWS_FROM}
_ID: Final = binary.Struct(">q").pack
_NONE: Final = np.zeros(0, np.int64)
_TYPES: Final = {
    TEXT: pa.binary(),
    DOUBLE: pa.float64(),
    BOOLEAN: pa.bool_(),
    INTEGER: pa.int64(),
    BYTES: pa.binary(),
}


def time_faults(start: Ints, duration: Ints) -> list[Fault]:
    """Microseconds, which may be any numbers."""
    bad_start = _outside(start)
    # Neither overflows: a start is small now, and so is what it can take.
    lasting = np.clip(duration, -_LAST_MICRO - 1, _LAST_MICRO + 1)
    end = np.where(bad_start, 0, start) + lasting
    return [Fault(BAD_START, bad_start), Fault(BAD_END, _outside(end))]


def _outside(micro: Ints) -> Mask:
    return (micro < 0) | (micro > _LAST_MICRO)


def to_columns(lists: SpanLists, stream: Stream) -> JaegerColumns:
    """The batch of each span is its resource."""
    fields = {
        name: np.array(values, np.int64)
        for name, values in lists.fields.items()
        if name != "name"
    }
    start, duration = fields["start_time"], fields["duration"]
    faults = time_faults(start, duration)
    bad = np.logical_or.reduce([fault.spans for fault in faults])
    start, duration = np.where(bad, 0, start), np.where(bad, 0, duration)
    trace_id = _trace_ids(fields["trace_id_high"], fields["trace_id_low"])
    parents = _Parents(lists, trace_id, fields["parent_span_id"])
    return JaegerColumns(
        resource=np.repeat(np.arange(len(lists.spans_of_batch)), lists.spans_of_batch),
        trace_id=binary_rows(trace_id),
        span_id=binary_rows(_id_rows(fields["span_id"])),
        parent_span_id=binary_rows(parents.rows),
        name=pa.array(lists.fields["name"], pa.string()),
        flags=fields["flags"],
        start_time_unix_nano=start * _NANO_PER_MICRO,
        end_time_unix_nano=(start + duration) * _NANO_PER_MICRO,
        tags=_tags(lists, stream),
        events=_events(lists),
        links=parents.links,
        faults=faults,
    )


def _id_rows(numbers: Ints) -> Bytes:
    rows: Bytes = numbers.astype(">i8").view(np.uint8).reshape(-1, SPAN_ID_BYTES)
    return rows


def _trace_ids(high: Ints, low: Ints) -> Bytes:
    return np.hstack([_id_rows(high), _id_rows(low)])


def _rows(counts: Sequence[int]) -> Ints:
    """For each item of all spans the number of its span."""
    return np.repeat(np.arange(len(counts)), counts)


def _tags(lists: SpanLists, stream: Stream) -> Tags:
    places = np.concatenate([_NONE, *lists.tags])
    plain = read_plain_tags(stream.data, places, stream.protocol)
    at = np.flatnonzero(plain.kind == ODD)
    # One by one, as each may be written in another way.
    odd = [stream.read_at(place, TAG) for place in places[at].tolist()]
    keys = plain.keys([key_of(tag) for tag in odd]).dictionary_encode()
    words = pa.array(map(decode_text, keys.dictionary.to_pylist()), pa.string())
    return Tags(
        _rows(lists.tags_of_span),
        pa.DictionaryArray.from_arrays(keys.indices, words),
        [*_plain_values(plain), *_odd_values(at, odd)],
    )


def _plain_values(plain: PlainTags) -> Iterator[Values]:
    for kind in KINDS:
        place = np.flatnonzero(plain.kind == kind)
        if len(place):
            yield Values(place, _decoded(plain.values(kind), kind))


def _odd_values(at: Ints, tags: Sequence[ThriftTag]) -> Iterator[Values]:
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for place, tag in zip(at.tolist(), tags, strict=True):
        kind, value = kind_and_value(tag)
        found[kind][place] = value
    for kind, values in found.items():
        array = pa.array(values.values(), _TYPES[kind])
        yield Values(np.array(list(values), np.int64), _decoded(array, kind))


def _decoded(values: pa.Array, kind: int) -> pa.Array:
    return _texts(values) if kind == TEXT else values


def _texts(array: pa.BinaryArray) -> pa.StringArray:
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array(map(decode_text, array.to_pylist()), pa.string())


def _events(lists: SpanLists) -> Items:
    """Log by log, as each has a time of its own and few spans have any."""
    messages = [
        to_event(Log(each.timestamp * _NANO_PER_MICRO, tags_of(each.fields)))
        for each in lists.logs
    ]
    return Items(_rows(lists.logs_of_span), pa.array(messages, pa.binary()))


class _Parents:
    """By columns where a span has no reference but its parent's, of its own trace."""

    def __init__(self, lists: SpanLists, trace_id: Bytes, beside: Ints) -> None:
        self._lists, self._trace_id, self._beside = lists, trace_id, beside
        counts = np.array(lists.references_of_span, np.int64)
        row = _rows(lists.references_of_span)
        named = self._column("span_id")
        usual = (counts[row] == 1) & ((beside[row] == 0) | (beside[row] == named))
        ids = _trace_ids(self._column("trace_id_high"), self._column("trace_id_low"))
        usual &= (ids == trace_id[row]).all(axis=1)
        parent = beside.copy()
        parent[row[usual]] = named[usual]
        self.rows = _id_rows(parent)
        self.links = self._choose(np.unique(row[~usual]), running_total(counts))

    def _column(self, name: str) -> Ints:
        found = [getattr(each, name) for each in self._lists.references]
        return np.array(found, np.int64)

    def _choose(self, rows: Ints, ends: Ints) -> Items:
        numbers: list[int] = []
        links: list[bytes] = []
        for row in rows.tolist():
            parent = self._parent(row, slice(*ends[row : row + 2].tolist()))
            self.rows[row] = list(parent.span_id.rjust(SPAN_ID_BYTES, b"\0"))
            numbers += [row] * len(parent.links)
            links += parent.links
        return Items(np.array(numbers, np.int64), pa.array(links, pa.binary()))

    def _parent(self, row: int, own: slice) -> Parent:
        beside = int(self._beside[row])
        return choose_parent(
            self._trace_id[row].tobytes(),
            _ID(beside) if beside else b"",
            [
                Reference(
                    _REFERENCE_KINDS.get(each.type, ""),
                    _ID(each.trace_id_high) + _ID(each.trace_id_low),
                    _ID(each.span_id),
                )
                for each in self._lists.references[own]
            ],
        )
