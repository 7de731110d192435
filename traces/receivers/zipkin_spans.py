"""Zipkin's span as an object, for the encodings that are read object by object.

The types are msgspec's, which fills them straight from JSON: a sixth of what dicts
cost, most of it because the garbage collector need not look at them.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated, Final

import msgspec
import numpy as np
import pyarrow as pa

from traces.receivers.wire import Fault
from traces.receivers.wire_columns import Items
from traces.receivers.zipkin_columns import (
    Annotations,
    Endpoints,
    Tags,
    ZipkinColumns,
    ids_from_hex,
)
from traces.spans import SPAN_ID_BYTES, TRACE_ID_BYTES, SpanKind
from traces.variant import INT64_MAX, INT64_MIN
from traces.variant_columns import Ints

Int64 = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]
# An object of its own, so that it can be told from whatever a sender wrote.
ABSENT: Final = msgspec.Raw()
BAD_TRACE_ID: Final = "traceId is not lower-case hexadecimal of 1 to 32 digits"
BAD_ID: Final = "id is not lower-case hexadecimal of 1 to 16 digits"
_KINDS: Final = {
    "": SpanKind.INTERNAL,
    "SERVER": SpanKind.SERVER,
    "CLIENT": SpanKind.CLIENT,
    "PRODUCER": SpanKind.PRODUCER,
    "CONSUMER": SpanKind.CONSUMER,
}
_UNKNOWN_KIND: Final = 127


class Endpoint(msgspec.Struct, gc=False, rename="camel"):
    service_name: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    port: Int64 | None = None


class Annotation(msgspec.Struct, gc=False, rename="camel"):
    timestamp: Int64
    value: str | None = None
    endpoint: msgspec.Raw = ABSENT  # only in version 1


class ZipkinSpan(msgspec.Struct, gc=False, rename="camel"):
    trace_id: str | None = None
    id: str | None = None
    parent_id: str | None = None
    kind: str | None = None
    name: str | None = None
    timestamp: Int64 | None = None
    duration: Int64 | None = None
    debug: bool | None = None
    shared: bool | None = None
    local_endpoint: Endpoint | None = None
    remote_endpoint: Endpoint | None = None
    annotations: list[Annotation] | None = None
    tags: dict[str, str] | None = None
    binary_annotations: msgspec.Raw = ABSENT  # only in version 1


_NOWHERE: Final = Endpoint()


def to_columns(
    spans: Sequence[ZipkinSpan],
    request: Ints,
    typed: Sequence[Sequence[bytes]] = (),
) -> ZipkinColumns:
    """`request` is the number of each span's request, `typed` the KeyValue messages
    of each span that are no tags; none if empty."""
    trace_ids = ids_from_hex(_texts(s.trace_id for s in spans), TRACE_ID_BYTES)
    span_ids = ids_from_hex(_texts(s.id for s in spans), SPAN_ID_BYTES)
    parents = _texts(s.parent_id or "0" for s in spans)
    parent_ids = ids_from_hex(parents, SPAN_ID_BYTES)
    kinds = [_KINDS.get(s.kind or "", _UNKNOWN_KIND) for s in spans]
    return ZipkinColumns(
        request=request,
        trace_id=trace_ids.rows,
        span_id=span_ids.rows,
        parent_id=parent_ids.rows,
        bad_parent=parent_ids.bad,
        kind=np.array(kinds, np.int64),
        name=_texts(s.name for s in spans),
        timestamp=np.array([s.timestamp or 0 for s in spans], np.int64),
        duration=np.array([s.duration or 0 for s in spans], np.int64),
        debug=np.array([s.debug is True for s in spans], np.bool_),
        shared=np.array([s.shared is True for s in spans], np.bool_),
        local=_endpoints([s.local_endpoint or _NOWHERE for s in spans]),
        remote=_endpoints([s.remote_endpoint or _NOWHERE for s in spans]),
        annotations=_annotations([s.annotations or () for s in spans]),
        tags=_tags([s.tags or {} for s in spans]),
        typed=_typed(typed),
        faults=[Fault(BAD_TRACE_ID, trace_ids.bad), Fault(BAD_ID, span_ids.bad)],
    )


def _texts(texts: Iterable[str | None]) -> pa.StringArray:
    return pa.array([text or "" for text in texts], pa.string())


def _endpoints(endpoints: Sequence[Endpoint]) -> Endpoints:
    return Endpoints(
        service=_texts(e.service_name for e in endpoints),
        address=_texts(e.ipv4 or e.ipv6 for e in endpoints),
        port=np.array([e.port or 0 for e in endpoints], np.int64),
    )


def _annotations(lists: Sequence[Sequence[Annotation]]) -> Annotations:
    flat = list(chain.from_iterable(lists))
    return Annotations(
        row=_rows(lists),
        timestamp=np.array([a.timestamp for a in flat], np.int64),
        values=_texts(a.value for a in flat),
    )


def _tags(maps: Sequence[dict[str, str]]) -> Tags:
    return Tags(
        row=_rows(maps),
        keys=pa.array(list(chain.from_iterable(maps)), pa.string()),
        values=pa.array(
            list(chain.from_iterable(tags.values() for tags in maps)), pa.string()
        ),
    )


def _typed(lists: Sequence[Sequence[bytes]]) -> Items:
    messages = pa.array(list(chain.from_iterable(lists)), pa.binary())
    return Items(_rows(lists), messages)


def _rows(holders: Sequence[Sequence[object] | dict[str, str]]) -> Ints:
    counts = np.fromiter(map(len, holders), np.int64, len(holders))
    return np.repeat(np.arange(len(holders)), counts)
