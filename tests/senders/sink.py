"""A sink that takes what any sender sends, says yes, and keeps the bytes."""

import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import grpc

LOOPBACK = "127.0.0.1"
LARGEST_DATAGRAM = 65_535
HTTP_PORTS = ("otlp_http", "zipkin", "jaeger_http", "jaeger_sampling")
GRPC_PORTS = ("otlp_grpc", "jaeger_grpc")
UDP_PORTS = ("jaeger_compact", "jaeger_binary")
KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "expect",
    "b3",
)
SAMPLE_ALL = (
    b'{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}'
)


@dataclass(frozen=True)
class Message:
    """One body, datagram or gRPC request, and where it was sent to."""

    port: str
    target: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sink:
    """`messages` are in their order of arrival."""

    ports: dict[str, int]
    messages: list[Message]


@contextmanager
def sink() -> Iterator[Sink]:
    messages: list[Message] = []
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(listen(name, messages))
            for names, listen in (
                (HTTP_PORTS, _http),
                (GRPC_PORTS, _grpc),
                (UDP_PORTS, _udp),
            )
            for name in names
        }
        yield Sink(ports, messages)


@contextmanager
def _http(port: str, messages: list[Message]) -> Iterator[int]:
    handler = type("Handler", (_Handler,), {"port": port, "messages": messages})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    port: ClassVar[str]
    messages: ClassVar[list[Message]]

    def do_GET(self) -> None:
        self._keep(b"")
        self._answer(200, SAMPLE_ALL, "application/json")

    def do_POST(self) -> None:
        self._keep(self._body())
        otlp = self.port == "otlp_http"
        json = "json" in self.headers["content-type"]
        body = b"{}" if otlp and json else b""
        self._answer(200 if otlp else 202, body, self.headers["content-type"])

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _keep(self, body: bytes) -> None:
        found = {n: self.headers[n] for n in KEPT_HEADERS if n in self.headers}
        target = f"{self.command} {self.path}"
        self.messages.append(Message(self.port, target, body, found))

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _grpc(port: str, messages: list[Message]) -> Iterator[int]:
    class AnyMethod(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, call: Any) -> Any:
            def keep(body: bytes, _: Any) -> bytes:
                messages.append(Message(port, call.method, body))
                return b""

            return grpc.unary_unary_rpc_method_handler(keep)

    server = grpc.server(futures.ThreadPoolExecutor(2), [AnyMethod()])
    bound = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait()


@contextmanager
def _udp(port: str, messages: list[Message]) -> Iterator[int]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listening:
        listening.bind((LOOPBACK, 0))
        address = listening.getsockname()

        def receive() -> None:
            # An empty datagram, our own, is the end.
            while body := listening.recv(LARGEST_DATAGRAM):
                messages.append(Message(port, "datagram", body))

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield address[1]
        finally:
            listening.sendto(b"", address)
            thread.join()
