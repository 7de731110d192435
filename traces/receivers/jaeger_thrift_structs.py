"""The structs of Jaeger's thrift that are read, of `jaeger.thrift` and `agent.thrift`."""

from collections.abc import Sequence
from typing import Any, Final

from traces.receivers import thrift_reading as thrift
from traces.receivers.thrift_reading import list_of


class ThriftTag:
    """Without defaults, see `TAG_DEFAULTS`: objects that have slots take half the memory.

    Texts are bytes, as what is no UTF-8 is replaced later.
    """

    __slots__ = ("boolean", "bytes", "double", "integer", "key", "text", "type")


TAG_DEFAULTS: Final = {
    "key": b"",
    "type": 0,
    "text": b"",
    "double": 0.0,
    "boolean": False,
    "integer": 0,
    "bytes": b"",
}


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
    tags: Sequence[Any] = ()  # objects, or their places in a `PLACED_BATCH`
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


TAG: Final = thrift.struct(
    ThriftTag,
    {
        1: ("key", thrift.BYTES),
        2: ("type", thrift.I32),
        3: ("text", thrift.BYTES),
        4: ("double", thrift.DOUBLE),
        5: ("boolean", thrift.BOOL),
        6: ("integer", thrift.I64),
        7: ("bytes", thrift.BYTES),
    },
)
_LOG: Final = thrift.struct(
    ThriftLog, {1: ("timestamp", thrift.I64), 2: ("fields", list_of(TAG))}
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


_PROCESS: Final = thrift.struct(
    ThriftProcess, {1: ("service", thrift.TEXT), 2: ("tags", list_of(TAG))}
)
_STATS: Final = thrift.struct(
    ClientStats,
    {
        1: ("full_queue_dropped_spans", thrift.I64),
        2: ("too_large_dropped_spans", thrift.I64),
        3: ("failed_to_emit_spans", thrift.I64),
    },
)


def _batch_of(tag: thrift.Kind) -> thrift.Kind:
    """With these as the tags of spans."""
    span = thrift.struct(
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
            10: ("tags", list_of(tag)),
            11: ("logs", list_of(_LOG)),
        },
    )
    return thrift.struct(
        Batch,
        {
            1: ("process", _PROCESS),
            2: ("spans", list_of(span)),
            3: ("sequence", thrift.I64),
            4: ("stats", _STATS),
        },
    )


BATCH: Final = _batch_of(TAG)
# Most of what spans hold are tags, and an object for each costs more than all the rest.
PLACED_BATCH: Final = _batch_of(thrift.PLACE)
EMIT_BATCH_ARGUMENTS: Final = thrift.struct(EmitBatch, {1: ("batch", PLACED_BATCH)})
