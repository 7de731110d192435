"""The listeners of this process, one for each receiver that is switched on."""

import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Final, NamedTuple

from django.conf import settings

from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.grpc_server import OTLP_EXPORT, GrpcListener, Method
from traces.receivers.http import PAGES, HttpReceiver, Page, Route
from traces.receivers.http_listener import BACKLOG, HttpListener
from traces.receivers.jaeger_grpc import POST_SPANS, sampling_question
from traces.receivers.jaeger_http import JAEGER_ROUTES
from traces.receivers.otlp_http import OTLP_ROUTES
from traces.receivers.sampling import strategies_from_settings
from traces.receivers.sampling_http import SamplingService
from traces.receivers.server import Listener
from traces.receivers.udp_listener import UdpListener
from traces.receivers.zipkin_http import ZIPKIN_PAGES, ZIPKIN_ROUTES
from tracing_ui.supervise.listening import receiver_ports
from tracing_ui.supervise.ports import Port

Make = Callable[[GroupCommit, "Opened"], Listener]


class Opened(NamedTuple):
    """A port that is ours; gRPC binds its own socket, so there is none."""

    port: Port
    socket: socket.socket | None


def _http(routes: Mapping[str, Route], pages: Mapping[str, Page] = PAGES) -> Make:
    def make(ingest: GroupCommit, opened: Opened) -> Listener:
        assert opened.socket
        origins = settings.CORS_ALLOWED_ORIGINS
        receiver = HttpReceiver(ingest, routes, origins, pages)
        return HttpListener(receiver, opened.socket)

    return make


def _grpc(method: Method) -> Make:
    def make(ingest: GroupCommit, opened: Opened) -> Listener:
        return GrpcListener(ingest, _grpc_address(opened.port), method)

    return make


def _grpc_address(port: Port) -> str:
    host = f"[{port.host}]" if ":" in port.host else port.host
    return f"{host}:{port.number}"


def _jaeger_grpc(ingest: GroupCommit, opened: Opened) -> Listener:
    question = sampling_question(strategies_from_settings())
    return GrpcListener(ingest, _grpc_address(opened.port), POST_SPANS, question)


def _sampling(ingest: GroupCommit, opened: Opened) -> Listener:
    assert opened.socket
    return HttpListener(SamplingService(strategies_from_settings()), opened.socket)


def _udp(encoding: Encoding) -> Make:
    def make(ingest: GroupCommit, opened: Opened) -> Listener:
        assert opened.socket
        return UdpListener(ingest, opened.socket, encoding)

    return make


_GRPC: Final[dict[str, Make]] = {
    "OTLP_GRPC_PORT": _grpc(OTLP_EXPORT),
    "JAEGER_GRPC_PORT": _jaeger_grpc,
}
_WITH_SOCKET: Final[dict[str, Make]] = {
    "OTLP_HTTP_PORT": _http(OTLP_ROUTES),
    "ZIPKIN_PORT": _http(ZIPKIN_ROUTES, ZIPKIN_PAGES),
    "JAEGER_HTTP_PORT": _http(JAEGER_ROUTES),
    "JAEGER_COMPACT_PORT": _udp(Encoding.JAEGER_COMPACT),
    "JAEGER_BINARY_PORT": _udp(Encoding.JAEGER_BINARY),
    "SAMPLING_PORT": _sampling,
}


def open_ports(stack: ExitStack) -> list[Opened]:
    """All at once, so that a busy one shows before anything is taken.

    Raises PortUnavailable with what to change; the sockets close with the stack.
    """
    return [_open(port, stack) for port in receiver_ports().values()]


def _open(port: Port, stack: ExitStack) -> Opened:
    if port.variable in _GRPC:
        port.require_free()
        return Opened(port, None)
    return Opened(port, stack.enter_context(port.open(BACKLOG)))


def make_listeners(ingest: GroupCommit, opened: Iterable[Opened]) -> list[Listener]:
    makers = _GRPC | _WITH_SOCKET
    return [makers[each.port.variable](ingest, each) for each in opened]
