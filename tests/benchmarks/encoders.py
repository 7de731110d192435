"""The workload's requests as other encodings would carry the same spans.

Attributes keep their types where the encoding has any; Zipkin has only texts.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from traces.receivers.wire_format import field_tag, sized, varint

Requests = Iterable[ExportTraceServiceRequest]
NANO_PER_MICRO: Final = 1_000
KINDS: Final = {
    Span.SPAN_KIND_SERVER: "SERVER",
    Span.SPAN_KIND_CLIENT: "CLIENT",
    Span.SPAN_KIND_PRODUCER: "PRODUCER",
    Span.SPAN_KIND_CONSUMER: "CONSUMER",
}
ZIPKIN_KIND_NUMBERS: Final = {"CLIENT": 1, "SERVER": 2, "PRODUCER": 3, "CONSUMER": 4}
OTLP_JSON_VALUES: Final = {
    "string_value": lambda value: {"stringValue": value},
    "int_value": lambda value: {"intValue": str(value)},
    "double_value": lambda value: {"doubleValue": value},
    "bool_value": lambda value: {"boolValue": value},
}


def otlp_protobuf(requests: Requests) -> Iterator[bytes]:
    return (request.SerializeToString() for request in requests)


def otlp_json(requests: Requests) -> Iterator[bytes]:
    for request in requests:
        groups = [
            {
                "resource": {"attributes": _otlp_attributes(group.resource)},
                "scopeSpans": [
                    {
                        "scope": {
                            "name": scope_spans.scope.name,
                            "version": scope_spans.scope.version,
                        },
                        "spans": [_otlp_span(span) for span in scope_spans.spans],
                    }
                    for scope_spans in group.scope_spans
                ],
            }
            for group in request.resource_spans
        ]
        yield _compact({"resourceSpans": groups})


def _otlp_span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _otlp_attributes(span),
        "status": {"message": span.status.message, "code": span.status.code},
    }


def _otlp_attributes(holder: Any) -> list[dict[str, Any]]:
    return [
        {"key": each.key, "value": OTLP_JSON_VALUES[kind](getattr(each.value, kind))}
        for each in holder.attributes
        if (kind := each.value.WhichOneof("value"))
    ]


def zipkin_json(requests: Requests) -> Iterator[bytes]:
    for spans in _zipkin_lists(requests):
        yield _compact(spans)


def zipkin_protobuf(requests: Requests) -> Iterator[bytes]:
    for spans in _zipkin_lists(requests):
        yield b"".join([_bytes(1, _zipkin_message(span)) for span in spans])


def _zipkin_lists(requests: Requests) -> Iterator[list[dict[str, Any]]]:
    for request in requests:
        yield [_zipkin_span(service, span) for service, span in _spans(request)]


def _zipkin_span(service: str, span: Span) -> dict[str, Any]:
    tags = {key: _text(value) for key, value in attributes_of(span).items()}
    if span.status.code == Status.STATUS_CODE_ERROR:
        tags["error"] = span.status.message
    written: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // NANO_PER_MICRO,
        "duration": duration_micro(span),
        "localEndpoint": {"serviceName": service},
        "tags": tags,
    }
    if span.parent_span_id:
        written["parentId"] = span.parent_span_id.hex()
    if span.kind in KINDS:
        written["kind"] = KINDS[span.kind]
    return written


def _zipkin_message(span: dict[str, Any]) -> bytes:
    parts = [
        _bytes(1, bytes.fromhex(span["traceId"])),
        _bytes(2, bytes.fromhex(span.get("parentId", ""))),
        _bytes(3, bytes.fromhex(span["id"])),
        _number(4, ZIPKIN_KIND_NUMBERS.get(span.get("kind", ""), 0)),
        _bytes(5, span["name"].encode()),
        field_tag(6, 1) + struct.pack("<Q", span["timestamp"]),
        _number(7, span["duration"]),
        _bytes(8, _bytes(1, span["localEndpoint"]["serviceName"].encode())),
    ]
    for key, value in span["tags"].items():
        parts.append(_bytes(11, _bytes(1, key.encode()) + _bytes(2, value.encode())))
    return b"".join(parts)


def _bytes(number: int, content: bytes) -> bytes:
    return sized(field_tag(number, 2), content) if content else b""


def _number(number: int, value: int) -> bytes:
    return field_tag(number, 0) + varint(value) if value else b""


def _spans(request: Any) -> Iterator[tuple[str, Span]]:
    for group in request.resource_spans:
        service = attributes_of(group.resource)["service.name"]
        for scope_spans in group.scope_spans:
            for span in scope_spans.spans:
                yield service, span


def attributes_of(holder: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value"))
        for each in holder.attributes
    }


def duration_micro(span: Span) -> int:
    nano = span.end_time_unix_nano - span.start_time_unix_nano
    return max(nano // NANO_PER_MICRO, 1)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
