"""The stock OpenTelemetry SDK and exporters, told nothing but where to send."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
)

from tests.end_to_end.serving import Server

EXPORTERS = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "http/json": "opentelemetry.exporter.otlp.json.http.trace_exporter",
}
EVERY_TYPE: dict[str, Any] = {
    "text": "naïve ☃ \N{GRINNING FACE} <b>&amp;</b>",
    "text.empty": "",
    "text.number": "42",
    "flag.yes": True,
    "flag.no": False,
    "count": 42,
    "count.beyond.double": 2**53 + 1,
    "count.largest": 2**63 - 1,
    "count.smallest": -(2**63),
    "ratio": 0.1,
    "ratio.whole": 3.0,
    "ratio.tiny": 5e-324,
    "list.text": ["a", "", "ü"],
    "list.count": [1, 2**53 + 1, -1],
    "list.ratio": [0.5, 1.0],
    "list.flag": [True, False],
    "list.empty": [],
}
ELSEWHERE = SpanContext(
    0x0123456789ABCDEF0123456789ABCDEF,
    0x0123456789ABCDEF,
    is_remote=True,
    trace_flags=TraceFlags(1),
)


def send_trace(
    server: Server, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[ReadableSpan, ...]:
    """The spans of one trace as the SDK made them, once the exporter has sent them."""
    endpoint = server.otlp_grpc if protocol == "grpc" else server.otlp_http
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    exporter = importlib.import_module(EXPORTERS[protocol]).OTLPSpanExporter()
    kept = InMemorySpanExporter()
    with provider_of(BatchSpanProcessor(exporter), SimpleSpanProcessor(kept)) as made:
        make_spans(made.get_tracer("shop.checkout", "1.2.3"), protocol)
        assert made.force_flush()
    return kept.get_finished_spans()


@contextmanager
def provider_of(*processors: Any) -> Iterator[TracerProvider]:
    resource = Resource.create({"service.name": "checkout", "host.cpus": 8})
    provider = TracerProvider(resource=resource)
    for processor in processors:
        provider.add_span_processor(processor)
    try:
        yield provider
    finally:
        provider.shutdown()


def make_spans(tracer: Tracer, protocol: str) -> None:
    with tracer.start_as_current_span(
        "POST /checkout",
        kind=SpanKind.SERVER,
        attributes=EVERY_TYPE | {"test.protocol": protocol},
        links=[Link(ELSEWHERE, {"link.reason": "retry", "link.try": 2**53 + 1})],
    ) as root:
        root.add_event("cart read", {"items": 3, "sizes": [1, 2]})
        charge(tracer)


def charge(tracer: Tracer) -> None:
    with tracer.start_as_current_span("charge card", kind=SpanKind.CLIENT) as span:
        span.record_exception(ValueError("card ✗ refused"))
        span.set_status(StatusCode.ERROR, "card refused")
