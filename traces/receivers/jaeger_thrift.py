"""Jaeger's thrift, of `jaeger.thrift` and `agent.thrift`, to the wire."""

import struct as binary
from collections.abc import Sequence
from typing import Any, Final

from traces.receivers import thrift_reading as thrift
from traces.receivers.jaeger_spans import (
    CHILD_OF,
    FOLLOWS_FROM,
    JaegerBuilder,
    JaegerSpan,
    Log,
    Reference,
    Tag,
    read_each,
)
from traces.receivers.limits import Limits
from traces.receivers.thrift_reading import Protocol, list_of
from traces.receivers.verdict import BadRequest, Sent, Verdict
from traces.receivers.wire import Read, most_items

EMIT_BATCH: Final = "emitBatch"
EMIT_ZIPKIN_BATCH: Final = "emitZipkinBatch"
_NANO_PER_MICRO = 1_000
_LONGEST_CLIENT = 256
_CLIENT_KEY: Final = "client-uuid"
_DROPPED: Final = {
    "the client's queue was full": "full_queue_dropped_spans",
    "too large for the client to send": "too_large_dropped_spans",
    "the client could not send": "failed_to_emit_spans",
}
_ID: Final = binary.Struct(">q").pack
_TRACE_ID: Final = binary.Struct(">qq").pack
_REFERENCE_KINDS: Final = {0: CHILD_OF, 1: FOLLOWS_FROM}
# By TagType; what is of no known type is taken for text.
_VALUES: Final = {1: "double", 2: "boolean", 3: "integer", 4: "bytes"}


class ThriftTag:
    key = ""
    type = 0
    text = ""
    double = 0.0
    boolean = False
    integer = 0
    bytes = b""


class ThriftLog:
    timestamp = 0
    fields: Sequence[ThriftTag] = ()


class ThriftReference:
    type = -1
    trace_id_low = 0
    trace_id_high = 0
    span_id = 0


class ThriftSpan:
    trace_id_low = 0
    trace_id_high = 0
    span_id = 0
    parent_span_id = 0
    name = ""
    references: Sequence[ThriftReference] = ()
    flags = 0
    start_time = 0
    duration = 0
    tags: Sequence[ThriftTag] = ()
    logs: Sequence[ThriftLog] = ()


class ThriftProcess:
    service = ""
    tags: Sequence[ThriftTag] = ()


class ClientStats:
    """What a client lost so far before it could send."""

    full_queue_dropped_spans = 0
    too_large_dropped_spans = 0
    failed_to_emit_spans = 0


class Batch:
    process = ThriftProcess()
    spans: Sequence[ThriftSpan] = ()
    sequence: int | None = None
    stats: ClientStats | None = None


class EmitBatch:
    batch: Batch | None = None


_TAG: Final = thrift.struct(
    ThriftTag,
    {
        1: ("key", thrift.TEXT),
        2: ("type", thrift.I32),
        3: ("text", thrift.TEXT),
        4: ("double", thrift.DOUBLE),
        5: ("boolean", thrift.BOOL),
        6: ("integer", thrift.I64),
        7: ("bytes", thrift.BYTES),
    },
)
_LOG: Final = thrift.struct(
    ThriftLog, {1: ("timestamp", thrift.I64), 2: ("fields", list_of(_TAG))}
)
_REFERENCE: Final = thrift.struct(
    ThriftReference,
    {
        1: ("type", thrift.I32),
        2: ("trace_id_low", thrift.I64),
        3: ("trace_id_high", thrift.I64),
        4: ("span_id", thrift.I64),
    },
)
_SPAN: Final = thrift.struct(
    ThriftSpan,
    {
        1: ("trace_id_low", thrift.I64),
        2: ("trace_id_high", thrift.I64),
        3: ("span_id", thrift.I64),
        4: ("parent_span_id", thrift.I64),
        5: ("name", thrift.TEXT),
        6: ("references", list_of(_REFERENCE)),
        7: ("flags", thrift.I32),
        8: ("start_time", thrift.I64),
        9: ("duration", thrift.I64),
        10: ("tags", list_of(_TAG)),
        11: ("logs", list_of(_LOG)),
    },
)
_PROCESS: Final = thrift.struct(
    ThriftProcess, {1: ("service", thrift.TEXT), 2: ("tags", list_of(_TAG))}
)
_STATS: Final = thrift.struct(
    ClientStats,
    {
        1: ("full_queue_dropped_spans", thrift.I64),
        2: ("too_large_dropped_spans", thrift.I64),
        3: ("failed_to_emit_spans", thrift.I64),
    },
)
_BATCH: Final = thrift.struct(
    Batch,
    {
        1: ("process", _PROCESS),
        2: ("spans", list_of(_SPAN)),
        3: ("sequence", thrift.I64),
        4: ("stats", _STATS),
    },
)
_EMIT_BATCH: Final = thrift.struct(EmitBatch, {1: ("batch", _BATCH)})


def read_batches(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is one Batch, in the binary protocol."""

    def read_one(builder: JaegerBuilder, body: bytes) -> None:
        _add(builder, thrift.read(body, _BATCH, Protocol.BINARY, most_items(limits)))

    return read_each(bodies, limits, read_one)


def read_compact_messages(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is one message that calls `emitBatch`, in the compact protocol."""
    return _read_messages(bodies, limits, Protocol.COMPACT)


def read_binary_messages(bodies: Sequence[bytes], limits: Limits) -> Read:
    """The same, in the binary protocol."""
    return _read_messages(bodies, limits, Protocol.BINARY)


def _read_messages(bodies: Sequence[bytes], limits: Limits, protocol: Protocol) -> Read:
    def read_one(builder: JaegerBuilder, body: bytes) -> None:
        call = thrift.open_call(body, protocol)
        if call.method != EMIT_BATCH:
            raise BadRequest(f"the method {call.method!r} is not {EMIT_BATCH}")
        read: EmitBatch = thrift.read(
            call.arguments, _EMIT_BATCH, protocol, most_items(limits)
        )
        if read.batch is None:
            raise BadRequest(f"{EMIT_BATCH} without a batch")
        _add(builder, read.batch).sent = _sent(read.batch)

    return read_each(bodies, limits, read_one)


def _add(builder: JaegerBuilder, batch: Batch) -> Verdict:
    process = batch.process
    resource = builder.open_resource(process.service, _tags(process.tags))
    for span in batch.spans:
        builder.add(_span(span), resource)
    return builder.verdict


def _sent(batch: Batch) -> Sent | None:
    """None for a client without a name of its own, as two might be taken for one."""
    client = dict(_tags(batch.process.tags)).get(_CLIENT_KEY)
    if client is None or (batch.sequence is None and batch.stats is None):
        return None
    stats = batch.stats or ClientStats()
    dropped = {reason: getattr(stats, field) for reason, field in _DROPPED.items()}
    return Sent(repr(client)[:_LONGEST_CLIENT], batch.sequence, dropped)


def _span(span: ThriftSpan) -> JaegerSpan:
    return JaegerSpan(
        _TRACE_ID(span.trace_id_high, span.trace_id_low),
        _ID(span.span_id),
        span.name,
        span.flags,
        span.start_time * _NANO_PER_MICRO,
        span.duration * _NANO_PER_MICRO,
        _tags(span.tags),
        [_reference(each) for each in span.references],
        [
            Log(each.timestamp * _NANO_PER_MICRO, _tags(each.fields))
            for each in span.logs
        ],
        _ID(span.parent_span_id) if span.parent_span_id else b"",
    )


def _reference(reference: ThriftReference) -> Reference:
    return Reference(
        _REFERENCE_KINDS.get(reference.type, ""),
        _TRACE_ID(reference.trace_id_high, reference.trace_id_low),
        _ID(reference.span_id),
    )


def _tags(tags: Sequence[ThriftTag]) -> list[Tag]:
    return [(tag.key, tag.text if not tag.type else _typed(tag)) for tag in tags]


def _typed(tag: ThriftTag) -> Any:
    return getattr(tag, _VALUES.get(tag.type, "text"))
