"""Batches of Jaeger's thrift taken apart, a list for each field of their spans."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import numpy as np

from traces.receivers.jaeger_spans import Tag
from traces.receivers.jaeger_thrift_structs import (
    TAG_DEFAULTS,
    ThriftLog,
    ThriftReference,
    ThriftSpan,
    ThriftTag,
)
from traces.receivers.jaeger_thrift_tags import BOOLEAN, BYTES, DOUBLE, INTEGER, TEXT
from traces.variant_columns import Ints

# By TagType; what is of no known type is taken for text.
KINDS: Final = {
    TEXT: "text",
    DOUBLE: "double",
    BOOLEAN: "boolean",
    INTEGER: "integer",
    BYTES: "bytes",
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
    return [(decode_text(key_of(tag)), _value(tag)) for tag in tags]


def _value(tag: ThriftTag) -> Any:
    kind, value = kind_and_value(tag)
    return decode_text(value) if kind == TEXT else value


def kind_and_value(tag: ThriftTag) -> tuple[int, Any]:
    """The value of a text in bytes."""
    said = _get("type", tag)
    kind = said if said in KINDS else TEXT
    return kind, _get(KINDS[kind], tag)


def key_of(tag: ThriftTag) -> bytes:
    key: bytes = _get("key", tag)
    return key


def _get(name: str, tag: ThriftTag) -> Any:
    return getattr(tag, name, TAG_DEFAULTS[name])


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
        self.tags: list[Ints] = []  # places in the stream, batch by batch

    def add(self, spans: Sequence[ThriftSpan]) -> None:
        self.spans_of_batch.append(len(spans))
        for name, values in self.fields.items():
            values += map(attrgetter(name), spans)
        self.logs += _flatten("logs", spans, self.logs_of_span)
        self.references += _flatten("references", spans, self.references_of_span)
        tags = _flatten("tags", spans, self.tags_of_span)
        self.tags.append(np.fromiter(tags, np.int64))


def _flatten(
    name: str, spans: Sequence[ThriftSpan], counts: list[int]
) -> Iterable[Any]:
    lists = list(map(attrgetter(name), spans))
    counts += map(len, lists)
    return chain.from_iterable(lists)
