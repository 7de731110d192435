"""Zipkin v1 thrift, of `zipkinCore.thrift`: a bare list of spans, in binary."""

import struct as binary
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

import numpy as np

from traces.receivers import thrift_reading as thrift
from traces.receivers.limits import Limits
from traces.receivers.thrift_reading import list_of
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import Read, most_items, too_many_spans
from traces.receivers.wire_format import Scalar
from traces.receivers.zipkin_spans import Endpoint
from traces.receivers.zipkin_v1_spans import Tag, V1Annotation, V1Span, to_v2_columns
from traces.receivers.zipkin_wire import to_wire

_UINT64_MAX: Final = 2**64 - 1
_IPV6_BYTES: Final = 16
_LONGEST_REMEMBERED: Final = 256


class _Endpoint:
    ipv4 = 0
    port = 0
    service_name = ""
    ipv6 = b""


class _Annotation:
    timestamp = 0
    value = ""
    endpoint: _Endpoint | None = None


class _BinaryAnnotation:
    key = ""
    value = b""
    type = -1
    endpoint: _Endpoint | None = None


class _Span:
    trace_id = 0
    trace_id_high = 0
    name = ""
    id = 0
    parent_id = 0
    annotations: Sequence[_Annotation] = ()
    binary_annotations: Sequence[_BinaryAnnotation] = ()
    debug = False
    timestamp = 0
    duration = 0


_ENDPOINT: Final = thrift.struct(
    _Endpoint,
    {
        1: ("ipv4", thrift.I32),
        2: ("port", thrift.I16),
        3: ("service_name", thrift.TEXT),
        4: ("ipv6", thrift.BYTES),
    },
)
_ANNOTATION: Final = thrift.struct(
    _Annotation,
    {
        1: ("timestamp", thrift.I64),
        2: ("value", thrift.TEXT),
        3: ("endpoint", _ENDPOINT),
    },
)
_BINARY_ANNOTATION: Final = thrift.struct(
    _BinaryAnnotation,
    {
        1: ("key", thrift.TEXT),
        2: ("value", thrift.BYTES),
        3: ("type", thrift.I32),
        4: ("endpoint", _ENDPOINT),
    },
)
_SPAN: Final = thrift.struct(
    _Span,
    {
        1: ("trace_id", thrift.I64),
        3: ("name", thrift.TEXT),
        4: ("id", thrift.I64),
        5: ("parent_id", thrift.I64),
        6: ("annotations", list_of(_ANNOTATION)),
        8: ("binary_annotations", list_of(_BINARY_ANNOTATION)),
        9: ("debug", thrift.BOOL),
        10: ("timestamp", thrift.I64),
        11: ("duration", thrift.I64),
        12: ("trace_id_high", thrift.I64),
    },
)


def _number(layout: str) -> Callable[[bytes], Any]:
    unpack = binary.Struct(layout).unpack
    return lambda raw: unpack(raw)[0]


# By AnnotationType, big-endian.
_VALUES: Final[dict[int, Callable[[bytes], Scalar]]] = {
    0: lambda raw: _number(">b")(raw) != 0,
    1: lambda raw: raw,
    2: _number(">h"),
    3: _number(">i"),
    4: _number(">q"),
    5: _number(">d"),
    6: lambda raw: raw.decode(errors="replace"),
}


def read_thrift(bodies: Sequence[bytes], limits: Limits) -> Read:
    """A bad request has its error in its verdict."""
    spans: list[_Span] = []
    counts: list[int] = []
    verdicts: list[Verdict] = []
    for body in bodies:
        verdict, found = Verdict(), []
        try:
            found = _spans(body, limits)
        except BadRequest as error:
            verdict = Verdict(error=error)
        spans += found
        verdicts.append(verdict)
        counts.append(len(found))
    columns = to_v2_columns(
        list(map(_span, spans)),
        [list(map(_tag, span.binary_annotations)) for span in spans],
        np.repeat(np.arange(len(bodies)), counts),
    )
    return to_wire(columns, verdicts)


def _spans(body: bytes, limits: Limits) -> list[_Span]:
    if not body:
        return []
    spans = thrift.read_list(body, _SPAN, most_items(limits))
    if len(spans) > limits.spans_per_request:
        raise too_many_spans(limits)
    return spans


def _span(span: _Span) -> V1Span:
    return V1Span(
        trace_id=_hex(span.trace_id_high) + _hex(span.trace_id),
        id=_hex(span.id),
        parent_id=_hex(span.parent_id),
        name=span.name,
        timestamp=span.timestamp,
        duration=span.duration,
        debug=span.debug,
        annotations=[
            V1Annotation(each.timestamp, each.value, _endpoint(each.endpoint))
            for each in span.annotations
        ],
    )


def _hex(signed: int) -> str:
    return f"{signed & _UINT64_MAX:016x}"


def _tag(annotation: _BinaryAnnotation) -> Tag:
    raw = annotation.value
    read = _VALUES.get(annotation.type)
    try:
        value = read(raw) if read else raw
    except binary.error:  # of another length than its type
        value = raw
    return Tag(annotation.key, value, _endpoint(annotation.endpoint))


def _endpoint(endpoint: _Endpoint | None) -> Endpoint | None:
    if endpoint is None:
        return None
    parts = (endpoint.service_name, endpoint.ipv4, endpoint.ipv6, endpoint.port)
    few_bytes = len(parts[0]) + len(parts[2]) <= _LONGEST_REMEMBERED
    return _remembered(*parts) if few_bytes else _made(*parts)


def _made(service_name: str, ipv4: int, ipv6: bytes, port: int) -> Endpoint:
    return Endpoint(
        service_name,
        str(IPv4Address(ipv4 & 0xFFFFFFFF)) if ipv4 else None,
        str(IPv6Address(ipv6)) if len(ipv6) == _IPV6_BYTES else None,
        port & 0xFFFF,
    )


# Each annotation comes with its endpoint, which is the same for most.
_remembered = lru_cache(maxsize=1_000)(_made)
