"""OTLP receivers for the tests of the demo: they only remember what came."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage


@dataclass(frozen=True)
class Recorded:
    """A received span, with its attributes as a dict."""

    span: SpanMessage
    resource: dict[str, Any]

    @property
    def service(self) -> str:
        return str(self.resource["service.name"])

    @property
    def name(self) -> str:
        return str(self.span.name)

    @property
    def label(self) -> str:
        return f"{self.service}: {self.name}"

    @property
    def attributes(self) -> dict[str, Any]:
        return as_dict(self.span.attributes)

    @property
    def duration_ms(self) -> float:
        nanoseconds = self.span.end_time_unix_nano - self.span.start_time_unix_nano
        return float(nanoseconds) / 1e6

    @property
    def failed(self) -> bool:
        return bool(self.span.status.code == self.span.status.STATUS_CODE_ERROR)


class RecordedTrace:
    """The spans of one trace, looked up by label."""

    def __init__(self, spans: list[Recorded]) -> None:
        self.spans = spans
        self.by_id = {recorded.span.span_id: recorded for recorded in spans}

    def labelled(self, label: str) -> list[Recorded]:
        return [recorded for recorded in self.spans if recorded.label == label]

    def only(self, label: str) -> Recorded:
        (recorded,) = self.labelled(label)
        return recorded

    def parent(self, recorded: Recorded) -> Recorded | None:
        return self.by_id.get(recorded.span.parent_span_id)

    def path(self, recorded: Recorded | None) -> list[str]:
        """The labels from the root to `recorded`."""
        path: list[str] = []
        while recorded:
            path.insert(0, recorded.label)
            recorded = self.parent(recorded)
        return path


@dataclass
class Collector:
    """What was received over gRPC as spans and as requests, over HTTP as bodies by
    content type."""

    spans: list[Recorded] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)
    endpoint: str = ""

    def trace(self, trace_id: str) -> RecordedTrace:
        wanted = bytes.fromhex(trace_id)
        return RecordedTrace([s for s in self.spans if s.span.trace_id == wanted])


def as_dict(attributes: list[KeyValue]) -> dict[str, Any]:
    return {
        attribute.key: getattr(
            attribute.value, str(attribute.value.WhichOneof("value"))
        )
        for attribute in attributes
    }


class TraceService(service.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.collector.requests.append(request.SerializeToString())
        for group in request.resource_spans:
            resource = as_dict(group.resource.attributes)
            for scope in group.scope_spans:
                self.collector.spans += [Recorded(s, resource) for s in scope.spans]
        return messages.ExportTraceServiceResponse()


@contextmanager
def grpc_collector() -> Iterator[Collector]:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    service.add_TraceServiceServicer_to_server(TraceService(collector), server)
    port = server.add_insecure_port("127.0.0.1:0")
    collector.endpoint = f"http://127.0.0.1:{port}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


@contextmanager
def http_collector() -> Iterator[Collector]:
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            content_type = self.headers["Content-Type"]
            collector.bodies.append((self.path, content_type, body))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(b"{}" if "json" in content_type else b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
