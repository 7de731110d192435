"""Jaeger's protobuf, of `jaeger.api_v2`, to the wire.

Columns are read from the bytes, as OTLP's are, and then put together span by span for
the mapping that all of Jaeger's encodings share.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.jaeger_spans import (
    CHILD_OF,
    FOLLOWS_FROM,
    JaegerBuilder,
    JaegerSpan,
    Log,
    Reference,
    Tag,
)
from traces.receivers.limits import Limits
from traces.receivers.protobuf_columns import Schema
from traces.receivers.verdict import BadRequest
from traces.receivers.wire import Read, most_items, too_many_spans
from traces.spans import TRACE_ID_BYTES
from traces.variant_columns import lengths, offsets_of

_NANO_PER_SECOND = 10**9
# An empty span takes two bytes: a body below twice the limit cannot be over it.
_SMALLEST_SPAN = 2
_SHORT_TRACE_ID_BYTES = 8
_REFERENCE_KINDS: Final = {0: CHILD_OF, 1: FOLLOWS_FROM}
# By ValueType; what is of no known type is taken for text.
_VALUES: Final = {1: "boolean", 2: "integer", 3: "double", 4: "bytes"}

_SCHEMA: Final = Schema(
    "Jaeger",
    {
        "KeyValue": {
            "key": (1, "STRING"),
            "type": (2, "INT32"),
            "text": (3, "STRING"),
            "boolean": (4, "BOOL"),
            "integer": (5, "INT64"),
            "double": (6, "DOUBLE"),
            "bytes": (7, "BYTES"),
        },
        "Time": {"seconds": (1, "INT64"), "nanos": (2, "INT32")},
        "Log": {"timestamp": (1, "Time"), "fields": (2, "BYTES*")},
        "Reference": {
            "trace_id": (1, "BYTES"),
            "span_id": (2, "BYTES"),
            "type": (3, "INT32"),
        },
        "Process": {"service": (1, "STRING"), "tags": (2, "BYTES*")},
        "Span": {
            "trace_id": (1, "BYTES"),
            "span_id": (2, "BYTES"),
            "name": (3, "STRING"),
            "references": (4, "BYTES*"),
            "flags": (5, "UINT32"),
            "start_time": (6, "Time"),
            "duration": (7, "Time"),
            "tags": (8, "BYTES*"),
            "logs": (9, "BYTES*"),
            "process": (10, "Process"),
            "warnings": (12, "STRING*"),
        },
        "Batch": {"spans": (1, "Span*"), "process": (2, "Process")},
        "Request": {"batch": (1, "Batch")},
        "CountedBatch": {"spans": (1, "BYTES*")},
        "CountedRequest": {"batch": (1, "CountedBatch")},
    },
)
_KEY_VALUES: Final = _SCHEMA.messages("KeyValue")
_LOGS: Final = _SCHEMA.messages("Log")
_REFERENCES: Final = _SCHEMA.messages("Reference")
_REQUESTS: Final = _SCHEMA.messages("Request")
_COUNTED_REQUESTS: Final = _SCHEMA.messages("CountedRequest")


def read_requests(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is one PostSpansRequest.

    Raises BadRequest when any of the bodies is bad, without saying which.
    """
    for body in bodies:
        if len(body) > _SMALLEST_SPAN * limits.spans_per_request:
            _require_few_spans(body, limits)
    batches = _REQUESTS.decode(bodies).field("batch")
    spans = batches.field("spans").flatten()
    most = most_items(limits) * len(bodies)
    _require_few(most, spans.field("tags"), spans.field("logs"))
    _require_few(most, spans.field("references"), spans.field("process").field("tags"))
    builder = JaegerBuilder(limits)
    every = zip(_spans(spans, most), _processes(spans, most), strict=True)
    counts = lengths(batches.field("spans")).tolist()
    for process, count in zip(_processes(batches, most), counts, strict=True):
        builder.open_request()
        shared = builder.open_resource(*(process or _NO_PROCESS))
        for _ in range(count):
            span, own = next(every)
            builder.add(span, builder.open_resource(*own) if own else shared)
    return builder.build()


def _require_few_spans(body: bytes, limits: Limits) -> None:
    """Before the spans are decoded: 64 MiB of empty ones would take gigabytes."""
    spans = _COUNTED_REQUESTS.decode([body]).field("batch").field("spans")
    if len(spans.flatten()) > limits.spans_per_request:
        raise too_many_spans(limits)


def _require_few(most: int, *lists: pa.ListArray) -> None:
    """Before the items are decoded, which are counted request by request later."""
    if sum(len(each.flatten()) for each in lists) > most:
        raise BadRequest(f"a request may hold {most} tags, logs and references at most")


class _Process(NamedTuple):
    service: str
    tags: list[Tag]


_NO_PROCESS: Final = _Process("", [])


def _processes(holders: pa.StructArray, most: int) -> Iterator[_Process | None]:
    """The process within each of the holders, None where there is none."""
    processes = holders.field("process")
    services = processes.field("service").to_pylist()
    tags = _tags(processes.field("tags"), most)
    present = processes.is_valid().to_pylist()
    for service, own, is_there in zip(services, tags, present, strict=True):
        yield _Process(service, own) if is_there else None


def _spans(spans: pa.StructArray, most: int) -> Iterator[JaegerSpan]:
    columns = (
        map(_padded, spans.field("trace_id").to_pylist()),
        spans.field("span_id").to_pylist(),
        spans.field("name").to_pylist(),
        spans.field("flags").to_pylist(),
        _nanos(spans.field("start_time")),
        _nanos(spans.field("duration")),
        _tags(spans.field("tags"), most),
        _references(spans.field("references")),
        _logs(spans.field("logs"), most),
        [b""] * len(spans),
        spans.field("warnings").to_pylist(),
    )
    return map(JaegerSpan, *columns)


def _padded(trace_id: bytes) -> bytes:
    if len(trace_id) == _SHORT_TRACE_ID_BYTES:
        return trace_id.rjust(TRACE_ID_BYTES, b"\x00")
    return trace_id


def _nanos(times: pa.StructArray) -> list[int]:
    """Python's numbers, because seconds times a billion may be more than 64 bits."""
    seconds = times.field("seconds").to_pylist()
    nanos = times.field("nanos").to_pylist()
    return [
        (second or 0) * _NANO_PER_SECOND + (nano or 0)
        for second, nano in zip(seconds, nanos, strict=True)
    ]


def _split(lists: pa.ListArray, items: list[Any]) -> list[list[Any]]:
    """The items, which are those of all lists, by list."""
    offsets = offsets_of(lists)
    ends = (offsets - offsets[0]).tolist()
    return [items[start:end] for start, end in pairwise(ends)]


def _tags(lists: pa.ListArray, most: int) -> list[list[Tag]]:
    _require_few(most, lists)
    read = _KEY_VALUES.decode(lists.flatten().to_pylist())
    values = read.field("text").to_pylist()
    types = read.field("type").to_numpy()
    for number, name in _VALUES.items():
        places = np.flatnonzero(types == number)
        if len(places):
            found = read.field(name).take(pa.array(places)).to_pylist()
            for place, value in zip(places.tolist(), found, strict=True):
                values[place] = value
    keys = read.field("key").to_pylist()
    return _split(lists, list(zip(keys, values, strict=True)))


def _references(lists: pa.ListArray) -> list[list[Reference]]:
    read = _REFERENCES.decode(lists.flatten().to_pylist())
    rows = zip(
        read.field("type").to_pylist(),
        read.field("trace_id").to_pylist(),
        read.field("span_id").to_pylist(),
        strict=True,
    )
    found = [
        Reference(_REFERENCE_KINDS.get(kind, ""), _padded(trace_id), span_id)
        for kind, trace_id, span_id in rows
    ]
    return _split(lists, found)


def _logs(lists: pa.ListArray, most: int) -> list[list[Log]]:
    read = _LOGS.decode(lists.flatten().to_pylist())
    fields = _tags(read.field("fields"), most)
    times = _nanos(read.field("timestamp"))
    return _split(lists, list(map(Log, times, fields)))
