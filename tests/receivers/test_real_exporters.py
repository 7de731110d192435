"""Stock OpenTelemetry exporters, told nothing but the endpoint."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.json.http.trace_exporter import (
    OTLPSpanExporter as JsonExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as ProtobufExporter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from tests.receivers.serving import LOOPBACK, Running, running
from traces.variant import decode_attributes

Connect = Callable[[Running], SpanExporter]
ATTRIBUTES: dict[str, Any] = {
    "payment.id": "p-1",
    "payment.amount": 12.5,
    "retries": 2**60,
    "paid": True,
    "items": ["a", "b"],
    "sizes": [1, 2],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as started:
        yield started


def over_grpc(server: Running) -> SpanExporter:
    endpoint = f"http://{LOOPBACK}:{server.grpc_port}"
    return GrpcExporter(endpoint=endpoint, insecure=True)


def over_protobuf(server: Running) -> SpanExporter:
    return ProtobufExporter(endpoint=server.endpoint)


def over_gzip(server: Running) -> SpanExporter:
    return ProtobufExporter(endpoint=server.endpoint, compression=Compression.Gzip)


def over_json(server: Running) -> SpanExporter:
    return JsonExporter(endpoint=server.endpoint)


def record_spans() -> list[ReadableSpan]:
    """A parent with an exception and a link, and a child."""
    resource = Resource.create({"service.name": "payment", "service.version": "1.2"})
    tracer = TracerProvider(resource=resource).get_tracer("shop", "0.1")
    remote = SpanContext(trace_id=7, span_id=9, is_remote=True)
    links = [Link(remote, {"why": "batch"})]
    with tracer.start_as_current_span(
        "charge", kind=SpanKind.SERVER, links=links
    ) as top:
        top.set_attributes(ATTRIBUTES)
        top.add_event("Validating payment request", {"step": 1})
        top.set_status(Status(StatusCode.ERROR, "declined"))
        top.record_exception(ValueError("declined"))
        with tracer.start_as_current_span("save", kind=SpanKind.CLIENT) as child:
            pass
    return [top, child]


CONNECTIONS = [over_grpc, over_protobuf, over_gzip, over_json]


@pytest.mark.parametrize("connect", CONNECTIONS, ids=lambda each: each.__name__)
def test_spans_arrive_equal_through_every_exporter(server: Running, connect: Connect):
    top, child = record_spans()
    before = len(server.store)

    exporter = connect(server)
    assert exporter.export([top, child]) is SpanExportResult.SUCCESS
    exporter.shutdown()

    rows = server.store.spans.slice(before).to_pylist()
    assert [row["name"] for row in rows] == ["charge", "save"]
    for row, span in zip(rows, (top, child), strict=True):
        assert_same(row, span)
    assert rows[1]["parent_span_id"] == rows[0]["span_id"]


def assert_same(row: dict[str, Any], span: ReadableSpan) -> None:
    assert span.context is not None
    assert int.from_bytes(row["trace_id"]) == span.context.trace_id
    assert int.from_bytes(row["span_id"]) == span.context.span_id
    assert row["start_time_unix_nano"] == span.start_time
    assert row["start_time_unix_nano"] + row["duration_nano"] == span.end_time
    assert row["kind"] == span.kind.value + 1
    assert row["status_code"] == span.status.status_code.value
    assert row["status_message"] == (span.status.description or "")
    assert (row["service_name"], row["scope_name"]) == ("payment", "shop")
    assert row["scope_version"] == "0.1"
    assert decode_attributes(row["attributes"]) == plain(span.attributes)
    assert decode_attributes(row["resource_attributes"]) == plain(
        span.resource.attributes
    )
    for sent, stored in zip(span.events, row["events"], strict=True):
        assert (stored["name"], stored["time_unix_nano"]) == (sent.name, sent.timestamp)
        assert decode_attributes(stored["attributes"]) == plain(sent.attributes)
    for link, stored in zip(span.links, row["links"], strict=True):
        assert int.from_bytes(stored["trace_id"]) == link.context.trace_id
        assert int.from_bytes(stored["span_id"]) == link.context.span_id
        assert decode_attributes(stored["attributes"]) == plain(link.attributes)


def plain(attributes: Any) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in (attributes or {}).items()
    }
