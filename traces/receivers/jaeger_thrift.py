"""Jaeger's thrift, of `jaeger.thrift` and `agent.thrift`, to the wire."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

import numpy as np

from traces.receivers import thrift_reading as thrift
from traces.receivers.jaeger_columns import Resources, to_wire
from traces.receivers.jaeger_spans import Tag, resource_attributes
from traces.receivers.jaeger_thrift_columns import time_faults, to_columns
from traces.receivers.jaeger_thrift_lists import SpanLists, tags_of
from traces.receivers.jaeger_thrift_structs import (
    EMIT_BATCH_ARGUMENTS,
    PLACED_BATCH,
    Batch,
    ClientStats,
    EmitBatch,
)
from traces.receivers.limits import Limits
from traces.receivers.thrift_reading import Call, Protocol, Stream
from traces.receivers.verdict import BadRequest, Sent, Verdict
from traces.receivers.wire import Read, most_items, too_many_spans

EMIT_BATCH: Final = "emitBatch"
EMIT_ZIPKIN_BATCH: Final = "emitZipkinBatch"
_LONGEST_CLIENT = 256
_CLIENT_KEY: Final = "client-uuid"
_DROPPED: Final = {
    "the client's queue was full": "full_queue_dropped_spans",
    "too large for the client to send": "too_large_dropped_spans",
    "the client could not send": "failed_to_emit_spans",
}


def read_batches(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is one Batch, in the binary protocol."""
    most = most_items(limits)
    with closing(Stream(bodies, PLACED_BATCH, Protocol.BINARY, most)) as stream:
        return _read_each(stream, len(bodies), stream.read, limits)


def read_compact_messages(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is one message that calls `emitBatch`, in the compact protocol."""
    return _read_messages(bodies, limits, Protocol.COMPACT)


def read_binary_messages(bodies: Sequence[bytes], limits: Limits) -> Read:
    """The same, in the binary protocol."""
    return _read_messages(bodies, limits, Protocol.BINARY)


def _read_messages(bodies: Sequence[bytes], limits: Limits, protocol: Protocol) -> Read:
    calls = [_open_call(body, protocol) for body in bodies]
    arguments = [b"" if isinstance(c, BadRequest) else c.arguments for c in calls]
    most = most_items(limits)

    def read_one(number: int) -> Batch:
        call = calls[number]
        if isinstance(call, BadRequest):
            raise call
        if call.method != EMIT_BATCH:
            raise BadRequest(f"the method {call.method!r} is not {EMIT_BATCH}")
        read: EmitBatch = stream.read(number)
        if read.batch is None:
            raise BadRequest(f"{EMIT_BATCH} without a batch")
        return read.batch

    with closing(Stream(arguments, EMIT_BATCH_ARGUMENTS, protocol, most)) as stream:
        return _read_each(stream, len(bodies), read_one, limits, _sent)


def _open_call(body: bytes, protocol: Protocol) -> Call | BadRequest:
    try:
        return thrift.open_call(body, protocol)
    except BadRequest as error:
        return error


def _no_word(batch: Batch, tags: Sequence[Tag]) -> None:
    """What is posted is answered: nothing has to be guessed from numbers."""


def _read_each(
    stream: Stream,
    bodies: int,
    read_one: Callable[[int], Batch],
    limits: Limits,
    sent: Callable[[Batch, Sequence[Tag]], Sent | None] = _no_word,
) -> Read:
    lists = SpanLists()
    resources, verdicts = [], []
    for number in range(bodies):
        try:
            batch = read_one(number)
            _require_few_spans(batch, limits)
            tags = tags_of(batch.process.tags)
            verdict = Verdict(sent=sent(batch, tags))
        except BadRequest as error:
            batch, tags, verdict = Batch(), [], Verdict(error=error)
        resources.append(resource_attributes(batch.process.service, tags))
        lists.add(batch.spans)
        verdicts.append(verdict)
    numbers = np.arange(bodies)
    columns = to_columns(lists, stream)
    return to_wire(columns, Resources(resources, numbers), verdicts)


def _require_few_spans(batch: Batch, limits: Limits) -> None:
    """Spans that will be refused do not count."""
    if len(batch.spans) > limits.spans_per_request:
        start = np.array([span.start_time for span in batch.spans])
        faults = time_faults(start, np.array([span.duration for span in batch.spans]))
        bad = np.logical_or.reduce([fault.spans for fault in faults])
        if len(bad) - bad.sum() > limits.spans_per_request:
            raise too_many_spans(limits)


def _sent(batch: Batch, tags: Sequence[Tag]) -> Sent | None:
    """By the tags of the process. None for a client without a name of its own, as two might be taken for one."""
    client = dict(tags).get(_CLIENT_KEY)
    if client is None or (batch.sequence is None and batch.stats is None):
        return None
    stats = batch.stats or ClientStats()
    dropped = {reason: getattr(stats, field) for reason, field in _DROPPED.items()}
    return Sent(repr(client)[:_LONGEST_CLIENT], batch.sequence, dropped)
