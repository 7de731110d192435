"""Builders of OTLP requests, as protobuf messages and as JSON."""

import json
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.builders import T0, span_id, trace_id
from tests.receivers.serving import Response

TRACE_HEX = trace_id(1).hex()
SPAN_HEX = span_id(1).hex()


def any_value(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
    return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))


def key_values(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=k, value=any_value(v)) for k, v in attributes.items()]


def span_message(number: int = 1, **fields: Any) -> Span:
    """A good span; `attributes` may be a dict."""
    if isinstance(fields.get("attributes"), dict):
        fields["attributes"] = key_values(fields["attributes"])
    defaults: dict[str, Any] = {
        "trace_id": trace_id(1),
        "span_id": span_id(number),
        "name": "GET /",
        "start_time_unix_nano": T0,
        "end_time_unix_nano": T0 + 5,
    }
    return Span(**(defaults | fields))


def request(*spans: Span, service: str | None = "shop", scope: str = "") -> Any:
    built = ExportTraceServiceRequest()
    resource_spans = built.resource_spans.add()
    if service is not None:
        resource_spans.resource.attributes.extend(key_values({"service.name": service}))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return built


def protobuf(*spans: Span, **options: Any) -> bytes:
    encoded: bytes = request(*spans, **options).SerializeToString()
    return encoded


def json_span(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE_HEX,
        "spanId": span_id(number).hex(),
        "name": "GET /",
        "startTimeUnixNano": str(T0),
        "endTimeUnixNano": str(T0 + 5),
    } | fields


def json_request(*spans: Any, service: str = "shop") -> bytes:
    resource = {
        "attributes": [{"key": "service.name", "value": {"stringValue": service}}]
    }
    scope_spans = [{"scope": {}, "spans": list(spans)}]
    document = {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}
    return json.dumps(document).encode()


def partial_success(response: Response) -> Any:
    return ExportTraceServiceResponse.FromString(response.body).partial_success
