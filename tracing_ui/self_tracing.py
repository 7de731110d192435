"""The web process traces itself: one span for each page and API request.

Only `SELF_TRACING` brings this module in, as a middleware, and only the web process has
middlewares: with the setting off, and in every other process, OpenTelemetry's SDK is
not even imported. So nothing that receives a span makes one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final
from uuid import uuid4

import requests
from django.http import HttpRequest, HttpResponse
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from propagation import W3CPropagator
from tracing_ui.security import GetResponse
from tracing_ui.supervise.listening import receiver_addresses

SERVICE_NAME: Final = "tracing-ui"
EXPORT_DELAY_MS: Final = 1000
EXPORT_TIMEOUT_SECONDS: Final = 3
"""Retries included. A stopping server waits for it, as ingest is gone by then."""

MAX_ATTRIBUTE_LENGTH: Final = 1024
METHODS: Final = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
)
W3C: Final = W3CPropagator()


def self_tracing(get_response: GetResponse) -> GetResponse:
    """Middleware: continues the caller's trace, or begins one.

    A span holds what is listed here and nothing else that a caller sends: no query
    string, header or body, and no text of an exception. It ends when the response
    begins to be sent."""
    tracer = provider().get_tracer(__name__)

    def middleware(request: HttpRequest) -> HttpResponse:
        with server_span(tracer, request) as span:
            response = get_response(request)
            describe(span, request, response)
        return response

    return middleware


@contextmanager
def server_span(tracer: Tracer, request: HttpRequest) -> Iterator[Span]:
    method = method_of(request)
    with tracer.start_as_current_span(
        "HTTP" if method == "_OTHER" else method,
        context=W3C.extract(request.headers),
        kind=SpanKind.SERVER,
        attributes={
            "http.request.method": method,
            "url.path": request.path,
            "url.scheme": request.scheme or "http",
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def describe(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    """What is known only once the request is routed and answered."""
    span.set_attribute("http.response.status_code", response.status_code)
    if request.resolver_match:
        route = f"/{request.resolver_match.route}"
        span.set_attribute("http.route", route)
        span.update_name(f"{method_of(request)} {route}")
    if response.status_code >= 500:
        span.set_attribute("error.type", str(response.status_code))
        span.set_status(StatusCode.ERROR)


def method_of(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "_OTHER"


@cache
def provider() -> TracerProvider:
    """Of this process; not the global one, so that no library adds spans of its own."""
    made = TracerProvider(
        resource=Resource.create(
            {"service.name": SERVICE_NAME, "service.instance.id": str(uuid4())}
        ),
        span_limits=SpanLimits(max_span_attribute_length=MAX_ATTRIBUTE_LENGTH),
    )
    made.add_span_processor(
        BatchSpanProcessor(own_exporter(), schedule_delay_millis=EXPORT_DELAY_MS)
    )
    return made


def own_exporter() -> OTLPSpanExporter:
    """To our own receiver, past any proxy that the environment names."""
    session = requests.Session()
    session.trust_env = False
    return OTLPSpanExporter(
        receiver_addresses()["OTLP/HTTP"],
        timeout=EXPORT_TIMEOUT_SECONDS,
        session=session,
    )
