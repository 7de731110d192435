"""Zipkin v2 protobuf, `ListOfSpans`, by columns."""

import ipaddress
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.limits import Limits
from traces.receivers.protobuf_columns import Schema, parents
from traces.receivers.verdict import Verdict
from traces.receivers.wire import (
    Fault,
    Read,
    most_items,
    too_many_items,
    too_many_spans,
)
from traces.receivers.wire_columns import Items
from traces.receivers.zipkin_columns import (
    Annotations,
    Endpoints,
    Tags,
    ZipkinColumns,
    ids_from_bytes,
)
from traces.receivers.zipkin_wire import to_wire
from traces.spans import SPAN_ID_BYTES, TRACE_ID_BYTES, SpanKind
from traces.variant import INT64_MAX
from traces.variant_columns import Ints, Mask

BAD_TRACE_ID: Final = "trace_id is not 8 or 16 bytes"
BAD_ID: Final = "id is not 8 bytes"
_SHORT_TRACE_ID_BYTES: Final = 8
_IP_BYTES: Final = {"ipv4": 4, "ipv6": 16}
# A span, a tag or an annotation takes two bytes at least.
_SMALLEST: Final = 2
_KINDS: Final = {
    0: SpanKind.INTERNAL,
    1: SpanKind.CLIENT,
    2: SpanKind.SERVER,
    3: SpanKind.PRODUCER,
    4: SpanKind.CONSUMER,
}
_UNKNOWN_KIND: Final = 127
_SCHEMA: Final = Schema(
    "Zipkin",
    {
        "Endpoint": {
            "service_name": (1, "STRING"),
            "ipv4": (2, "BYTES"),
            "ipv6": (3, "BYTES"),
            "port": (4, "INT32"),
        },
        "Annotation": {"timestamp": (1, "FIXED64"), "value": (2, "STRING")},
        # On the wire a map is a list of its entries.
        "Tag": {"key": (1, "STRING"), "value": (2, "STRING")},
        "Span": {
            "trace_id": (1, "BYTES"),
            "parent_id": (2, "BYTES"),
            "id": (3, "BYTES"),
            "kind": (4, "INT32"),
            "name": (5, "STRING"),
            "timestamp": (6, "FIXED64"),
            "duration": (7, "UINT64"),
            "local_endpoint": (8, "Endpoint"),
            "remote_endpoint": (9, "Endpoint"),
            "annotations": (10, "Annotation*"),
            "tags": (11, "Tag*"),
            "debug": (12, "BOOL"),
            "shared": (13, "BOOL"),
        },
        "ListOfSpans": {"spans": (1, "Span*")},
        "ListOfBytes": {"spans": (1, "BYTES*")},
        "CountedSpan": {"annotations": (10, "BYTES*"), "tags": (11, "BYTES*")},
        "ListOfCounted": {"spans": (1, "CountedSpan*")},
    },
)
_LISTS: Final = _SCHEMA.messages("ListOfSpans")
_LISTS_OF_BYTES: Final = _SCHEMA.messages("ListOfBytes")
_LISTS_OF_COUNTED: Final = _SCHEMA.messages("ListOfCounted")


def read_protobuf(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Raises BadRequest when any of the bodies is bad, without saying which."""
    for body in bodies:
        _require_few(body, limits)
    lists = _LISTS.decode(bodies).field("spans")
    columns = _to_columns(lists.flatten(), parents(lists))
    return to_wire(columns, [Verdict() for _ in bodies])


def _require_few(body: bytes, limits: Limits) -> None:
    """Before all is decoded: 64 MiB of nothing would take gigabytes."""
    if len(body) > _SMALLEST * limits.spans_per_request:
        spans = _LISTS_OF_BYTES.decode([body]).field("spans").flatten()
        if len(spans) > limits.spans_per_request:
            raise too_many_spans(limits)
    if len(body) > _SMALLEST * most_items(limits):
        counted = _LISTS_OF_COUNTED.decode([body]).field("spans").flatten()
        items = sum(len(counted.field(n).flatten()) for n in ("annotations", "tags"))
        if items > most_items(limits):
            raise too_many_items(limits)


def _to_columns(spans: pa.StructArray, request: Ints) -> ZipkinColumns:
    trace_ids = ids_from_bytes(
        spans.field("trace_id"), TRACE_ID_BYTES, also=_SHORT_TRACE_ID_BYTES
    )
    span_ids = ids_from_bytes(spans.field("id"), SPAN_ID_BYTES, also=SPAN_ID_BYTES)
    parent_ids = ids_from_bytes(spans.field("parent_id"), SPAN_ID_BYTES, also=0)
    return ZipkinColumns(
        request=request,
        trace_id=trace_ids.rows,
        span_id=span_ids.rows,
        parent_id=parent_ids.rows,
        bad_parent=parent_ids.bad,
        kind=_kinds(spans.field("kind")),
        name=spans.field("name"),
        timestamp=_micro(spans.field("timestamp")),
        duration=_micro(spans.field("duration")),
        debug=_mask(spans.field("debug")),
        shared=_mask(spans.field("shared")),
        local=_endpoints(spans.field("local_endpoint")),
        remote=_endpoints(spans.field("remote_endpoint")),
        annotations=_annotations(spans.field("annotations")),
        tags=_tags(spans.field("tags")),
        typed=Items(np.zeros(0, np.int64), pa.array([], pa.binary())),
        faults=[Fault(BAD_TRACE_ID, trace_ids.bad), Fault(BAD_ID, span_ids.bad)],
    )


def _kinds(numbers: pa.Array) -> Ints:
    values = numbers.to_numpy()
    kinds = np.full(len(values), _UNKNOWN_KIND)
    for number, kind in _KINDS.items():
        kinds[values == number] = kind
    return kinds


def _micro(numbers: pa.Array) -> Ints:
    """Unsigned on the wire; what is too much stays so."""
    capped: Ints = np.minimum(numbers.to_numpy(), np.uint64(INT64_MAX)).view(np.int64)
    return capped


def _mask(booleans: pa.BooleanArray) -> Mask:
    mask: Mask = booleans.to_numpy(zero_copy_only=False)
    return mask


def _endpoints(endpoints: pa.StructArray) -> Endpoints:
    service, ipv4, ipv6, port = map(
        endpoints.field, ("service_name", "ipv4", "ipv6", "port")
    )
    return Endpoints(
        service=_filled(service),
        address=pc.coalesce(_addresses(ipv4, 4), _addresses(ipv6, 16), ""),
        port=pc.fill_null(port, 0).to_numpy().astype(np.int64),
    )


def _filled(texts: pa.StringArray) -> pa.StringArray:
    return pc.fill_null(texts, "")


def _addresses(addresses: pa.BinaryArray, width: int) -> pa.StringArray:
    """As text, null for what is none; a step for each distinct one."""
    distinct = addresses.dictionary_encode()
    texts = [
        str(ipaddress.ip_address(each)) if len(each) == width else None
        for each in distinct.dictionary.to_pylist()
    ]
    return pa.array(texts, pa.string()).take(distinct.indices)


def _annotations(lists: pa.ListArray) -> Annotations:
    flat = lists.flatten()
    return Annotations(
        parents(lists), _micro(flat.field("timestamp")), flat.field("value")
    )


def _tags(lists: pa.ListArray) -> Tags:
    flat = lists.flatten()
    return Tags(parents(lists), flat.field("key"), flat.field("value"))
