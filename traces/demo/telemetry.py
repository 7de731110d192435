"""The stock OpenTelemetry set-up of one service: resource, provider, exporter."""

import importlib
import os
import uuid

from flask import Flask
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.propagators import (
    TraceResponsePropagator,
    set_global_response_propagator,
)
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from traces.demo import environment

VERSION = "1.4.2"
ENVIRONMENT = "demo"
EXPORT_DELAY_MS = 500
"""Shorter than the SDK's five seconds, so that a trace is there when one looks."""

EXPORTER_MODULES = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "http/json": "opentelemetry.exporter.otlp.json.http.trace_exporter",
}


def start_telemetry(service_name: str) -> TracerProvider:
    """Makes the provider of this process and traces every `requests` call it makes."""
    provider = TracerProvider(resource=service_resource(service_name))
    exporter = new_exporter(os.environ.get(environment.OTLP_PROTOCOL, "grpc"))
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_DELAY_MS)
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    RequestsInstrumentor().instrument()
    return provider


def new_exporter(protocol: str) -> SpanExporter:
    """The stock exporter; it reads its endpoint from the environment itself."""
    # Only the one in use is imported: each brings a stack of its own into six processes.
    module = importlib.import_module(EXPORTER_MODULES[protocol])
    exporter: SpanExporter = module.OTLPSpanExporter()
    return exporter


def service_resource(service_name: str) -> Resource:
    """Who the spans come from; the environment under its name of today and its old one."""
    return Resource.create(
        {
            "service.name": service_name,
            "service.namespace": "shop",
            "service.version": VERSION,
            "service.instance.id": str(uuid.uuid4()),
            "deployment.environment.name": ENVIRONMENT,
            "deployment.environment": ENVIRONMENT,
            "process.pid": os.getpid(),
        }
    )


def trace_requests_to(app: Flask) -> None:
    """Traces what `app` serves and names the trace in each answer's `traceresponse`."""
    set_global_response_propagator(TraceResponsePropagator())  # type: ignore[no-untyped-call]
    FlaskInstrumentor().instrument_app(app, excluded_urls="/healthz$")  # type: ignore[no-untyped-call]
