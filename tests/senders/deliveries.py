"""Two ways for a sender's trace to reach a server: the sender itself, and its capture."""

import http.client
import json
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS, Running
from tests.senders.environments import Sent, send
from tests.senders.ways import Way

SAMPLES = Path(__file__).parents[1] / "samples" / "wire"
Deliver = Callable[[Way, Running], Sent]


def live(way: Way, server: Running) -> Sent:
    """Over HTTP and gRPC all is stored when this returns; datagrams have no answer."""
    return send(way.sender, *way.to(**_ports(server)))


def captured(way: Way, server: Running) -> Sent:
    """What `live` does, with what the sender sent when it was captured."""
    folder = SAMPLES / way.sender
    said = json.loads((folder / f"{way.mode}.json").read_text())
    ports = _ports(server)
    for message in said["messages"]:
        body = (folder / message["file"]).read_bytes()
        _replay(ports[message["port"]], body, message["target"], message["headers"])
    return Sent(**said["sent"])


DELIVERIES = [
    captured,
    pytest.param(live, marks=[pytest.mark.senders, pytest.mark.slow]),
]


def _ports(server: Running) -> dict[str, int]:
    return {
        "otlp_http": server.http_port,
        "otlp_grpc": server.grpc_port,
        "zipkin": server.zipkin_port,
        **{f"jaeger_{name}": port for name, port in vars(server.jaeger).items()},
    }


def _replay(port: int, body: bytes, target: str, headers: dict[str, str]) -> None:
    if target == "datagram":
        _send_datagram(port, body)
    elif target.startswith("/"):
        _call(port, body, target)
    else:
        _request(port, body, target, headers)


def _send_datagram(port: int, body: bytes) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sending:
        sending.sendto(body, (LOOPBACK, port))


def _call(port: int, body: bytes, method: str) -> None:
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        channel.unary_unary(method)(body, timeout=PATIENCE_SECONDS)


def _request(port: int, body: bytes, target: str, headers: dict[str, str]) -> None:
    method, path = target.split()
    # An iterator of unknown length is what http.client sends in chunks.
    sent: Any = iter([body]) if "transfer-encoding" in headers else body
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_SECONDS)
    with closing(connection):
        connection.request(method, path, sent, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert answer.status in (200, 202), answer.read()
