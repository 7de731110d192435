"""Batches of Jaeger's thrift taken apart, a list for each field of their spans."""

from collections.abc import Iterable, Sequence
from itertools import chain, compress
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from traces.receivers.jaeger_spans import Tag
from traces.receivers.jaeger_thrift_structs import (
    TAG_DEFAULTS,
    ThriftLog,
    ThriftReference,
    ThriftSpan,
    ThriftTag,
)

TEXT: Final = 0
# By TagType; what is of no known type is taken for text.
KINDS: Final = {TEXT: "text", 1: "double", 2: "boolean", 3: "integer", 4: "bytes"}
_TYPES: Final = {
    "text": pa.binary(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "bytes": pa.binary(),
}
_FIELDS: Final = (
    "trace_id_high",
    "trace_id_low",
    "span_id",
    "parent_span_id",
    "name",
    "flags",
    "start_time",
    "duration",
)


def decode_text(text: bytes) -> str:
    """Bad UTF-8 becomes U+FFFD, never an error and never a lone surrogate."""
    return text.decode(errors="replace")


def tags_of(tags: Iterable[ThriftTag]) -> list[Tag]:
    """One by one, where they are few."""
    return [(decode_text(_get("key", tag)), _value(tag)) for tag in tags]


def _value(tag: ThriftTag) -> Any:
    kind = KINDS.get(_get("type", tag), KINDS[TEXT])
    value = _get(kind, tag)
    return decode_text(value) if kind == KINDS[TEXT] else value


def _get(name: str, tag: ThriftTag) -> Any:
    return getattr(tag, name, TAG_DEFAULTS[name])


class _Numbers(dict[bytes, int]):
    """Numbers keys as they are asked for."""

    def __missing__(self, key: bytes) -> int:
        number = self[key] = len(self)
        return number


class SpanLists:
    """What many spans hold, field by field.

    They are added batch by batch so that the objects of one are gone before the next
    is read: memory that is in the processor's cache still is used again.
    """

    def __init__(self) -> None:
        self.spans_of_batch: list[int] = []
        self.fields: dict[str, list[Any]] = {name: [] for name in _FIELDS}
        self.tags_of_span: list[int] = []
        self.logs_of_span: list[int] = []
        self.references_of_span: list[int] = []
        self.logs: list[ThriftLog] = []
        self.references: list[ThriftReference] = []
        self.words: dict[bytes, int] = _Numbers()
        self.keys: list[Any] = []  # numbers of the words, batch by batch
        self.kinds: list[Any] = []
        # The values of each kind, texts as bytes.
        self.values: dict[int, list[pa.Array]] = {kind: [] for kind in KINDS}

    def add(self, spans: Sequence[ThriftSpan]) -> None:
        self.spans_of_batch.append(len(spans))
        for name, values in self.fields.items():
            values += map(attrgetter(name), spans)
        self.logs += _flatten("logs", spans, self.logs_of_span)
        self.references += _flatten("references", spans, self.references_of_span)
        self._add_tags(list(_flatten("tags", spans, self.tags_of_span)))

    def _add_tags(self, tags: list[ThriftTag]) -> None:
        number = self.words.__getitem__
        self.keys.append(_array(list(map(number, _column("key", tags)))))
        kinds = _array(_column("type", tags))
        kinds[(kinds < 0) | (kinds >= len(KINDS))] = TEXT
        self.kinds.append(kinds)
        for kind in np.flatnonzero(np.bincount(kinds)).tolist():
            # Bytes, as a mask of numpy's makes an object for each of its items.
            mine = compress(tags, (kinds == kind).tobytes())
            values = _column(KINDS[kind], list(mine))
            self.values[kind].append(pa.array(values, _TYPES[KINDS[kind]]))


def _array(numbers: list[int]) -> Any:
    """Nearly always each fits a byte, and is then put there several times faster."""
    try:
        return np.frombuffer(bytearray(numbers), np.uint8)
    except ValueError:
        return np.array(numbers, np.int64)


def _flatten(
    name: str, spans: Sequence[ThriftSpan], counts: list[int]
) -> Iterable[Any]:
    lists = list(map(attrgetter(name), spans))
    counts += map(len, lists)
    return chain.from_iterable(lists)


def _column(name: str, tags: Sequence[ThriftTag]) -> list[Any]:
    try:
        return list(map(attrgetter(name), tags))
    except AttributeError:
        return [_get(name, tag) for tag in tags]
