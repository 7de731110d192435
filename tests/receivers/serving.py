"""A real ingest server in a thread, over a store that the test chooses."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.grpc_server import OTLP_EXPORT, GrpcListener
from traces.receivers.http import HttpReceiver
from traces.receivers.http_listener import HttpListener, listening_socket
from traces.receivers.jaeger_grpc import POST_SPANS, sampling_question
from traces.receivers.jaeger_http import JAEGER_ROUTES
from traces.receivers.limits import Limits, limits_from_settings
from traces.receivers.otlp_http import OTLP_ROUTES
from traces.receivers.sampling import StrategyFile
from traces.receivers.sampling_http import SamplingService
from traces.receivers.server import IngestServer, Listener
from traces.receivers.udp_listener import UdpListener
from traces.receivers.zipkin_http import ZIPKIN_PAGES, ZIPKIN_ROUTES
from traces.spans import SpanBatch, empty_batch

LOOPBACK = "127.0.0.1"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class JaegerPorts:
    http: int
    grpc: int
    compact: int
    binary: int
    sampling: int


class RecordingStore:
    """Remembers what was written; `before_write` may raise or wait."""

    def __init__(self, before_write: Callable[[SpanBatch], None] | None = None) -> None:
        self.batches: list[SpanBatch] = []
        self.before_write = before_write

    def write(self, batch: SpanBatch) -> None:
        if self.before_write:
            self.before_write(batch)
        self.batches.append(batch)

    @property
    def spans(self) -> SpanBatch:
        return pa.concat_tables([empty_batch(), *self.batches])

    def __len__(self) -> int:
        return int(self.spans.num_rows)


@dataclass(frozen=True)
class Response:
    code: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Running:
    """A server that answers; `stop` asks it to drain, as a signal would."""

    store: RecordingStore
    ingest: GroupCommit
    server: IngestServer
    http_port: int
    grpc_port: int
    zipkin_port: int
    jaeger: "JaegerPorts"
    stop: Callable[[], None]
    thread: threading.Thread

    def post(
        self, body: Any, headers: Mapping[str, str] = PROTOBUF, **options: Any
    ) -> Response:
        return self.request("POST", "/v1/traces", body, headers, **options)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
        **options: Any,
    ) -> Response:
        connection = http.client.HTTPConnection(
            LOOPBACK, port or self.http_port, timeout=PATIENCE_SECONDS
        )
        try:
            connection.request(method, path, body, dict(headers or {}), **options)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, found, answer.read())
        finally:
            connection.close()

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.http_port}/v1/traces"


def await_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.002)


def limits(**changes: int) -> Limits:
    return replace(limits_from_settings(), **changes)


def loopback_socket() -> socket.socket:
    return listening_socket(socket.AF_INET, (LOOPBACK, 0))


def datagram_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((LOOPBACK, 0))
    return bound


def jaeger_listeners(
    ingest: GroupCommit, strategies: str, udp: Mapping[str, int]
) -> tuple[list[Listener], JaegerPorts]:
    """`udp`: changed bounds of its listeners."""
    file = StrategyFile(strategies)
    listeners: dict[str, Listener] = {
        "http": HttpListener(HttpReceiver(ingest, JAEGER_ROUTES), loopback_socket()),
        "grpc": GrpcListener(
            ingest, f"{LOOPBACK}:0", POST_SPANS, sampling_question(file)
        ),
        "compact": UdpListener(
            ingest, datagram_socket(), Encoding.JAEGER_COMPACT, **udp
        ),
        "binary": UdpListener(ingest, datagram_socket(), Encoding.JAEGER_BINARY, **udp),
        "sampling": HttpListener(SamplingService(file), loopback_socket()),
    }
    ports = {name: listener.port for name, listener in listeners.items()}
    return list(listeners.values()), JaegerPorts(**ports)


@contextmanager
def running(
    store: RecordingStore | None = None,
    *,
    origins: Collection[str] = (),
    max_wait_seconds: float = 0.001,
    datagram_wait_seconds: float = 0.001,
    max_spans: int = 20_000,
    max_inflight_bytes: int = 256 << 20,
    strategies: str = "",
    udp: Mapping[str, int] | None = None,
    **changed_limits: int,
) -> Iterator[Running]:
    store = RecordingStore() if store is None else store
    started: list[Running] = []
    ready = threading.Event()

    async def serve() -> None:
        ingest = GroupCommit(
            store.write,
            limits(**changed_limits),
            max_wait_seconds=max_wait_seconds,
            datagram_wait_seconds=datagram_wait_seconds,
            max_spans=max_spans,
            max_inflight_bytes=max_inflight_bytes,
        )
        http = HttpListener(
            HttpReceiver(ingest, OTLP_ROUTES, origins), loopback_socket()
        )
        grpc = GrpcListener(ingest, f"{LOOPBACK}:0", OTLP_EXPORT)
        zipkin = HttpListener(
            HttpReceiver(ingest, ZIPKIN_ROUTES, origins, ZIPKIN_PAGES),
            loopback_socket(),
        )
        jaeger, jaeger_ports = jaeger_listeners(ingest, strategies, udp or {})
        server = IngestServer(ingest, [http, grpc, zipkin, *jaeger])
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(server.stop)

        started.append(
            Running(
                store=store,
                ingest=ingest,
                server=server,
                http_port=http.port,
                grpc_port=grpc.port,
                zipkin_port=zipkin.port,
                jaeger=jaeger_ports,
                stop=stop,
                thread=thread,
            )
        )
        await server.serve(ready.set)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(PATIENCE_SECONDS), "the server did not start"
    try:
        yield started[0]
    finally:
        started[0].stop()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "the server did not stop"
