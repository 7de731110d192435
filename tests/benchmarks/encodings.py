"""What taking the same spans costs in each encoding, on a server of its own.

From the sockets to the commit, as for OTLP protobuf, with which each is compared: a
receiver must not cost much because of the dialect that a sender happens to speak.
"""

import socket
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.benchmarks import encoders, jaeger_encoders
from tests.benchmarks.client import PROTOBUF, TIMEOUT_SECONDS, send_file
from tests.benchmarks.encoders import Requests
from tests.benchmarks.figures import MICRO, Figure
from tests.benchmarks.report import tell
from tests.benchmarks.server import Server
from tests.benchmarks.workload import (
    SPANS_PER_REQUEST,
    Workload,
    make_requests,
    read_requests,
    write_requests,
)

MOST_REQUESTS: Final = 100
MOST_TIMES_PROTOBUF: Final = 2.5
CONNECTIONS: Final = 4
DATAGRAMS_PER_SECOND: Final = 200
QUIET_SECONDS: Final = 3
POLL_SECONDS: Final = 0.2
JSON: Final = "application/json"


class Way(NamedTuple):
    """How an encoding is sent: where, and what its bodies are made by.

    Without a path its bodies are datagrams."""

    encoding: str
    name: str
    encode: Callable[[Requests], Iterator[bytes]]
    port: str  # the variable that sets it; one unknown is not measured
    path: str = ""
    content_type: str = ""


_OTLP: Final = ("OTLP_HTTP_PORT", "/v1/traces")
_ZIPKIN: Final = ("ZIPKIN_PORT", "/api/v2/spans")
FIRST: Final = Way(
    "otlp/protobuf", "OTLP protobuf", encoders.otlp_protobuf, *_OTLP, PROTOBUF
)
OTHERS: Final = (
    Way("otlp/json", "OTLP JSON", encoders.otlp_json, *_OTLP, JSON),
    Way("zipkin/json", "Zipkin JSON", encoders.zipkin_json, *_ZIPKIN, JSON),
    Way(
        "zipkin/protobuf",
        "Zipkin protobuf",
        encoders.zipkin_protobuf,
        *_ZIPKIN,
        PROTOBUF,
    ),
    Way(
        "jaeger/compact",
        "Jaeger over UDP, compact thrift",
        jaeger_encoders.datagrams,
        "JAEGER_COMPACT_PORT",
    ),
    Way(
        "jaeger/thrift",
        "Jaeger over HTTP, thrift",
        jaeger_encoders.batches,
        "JAEGER_HTTP_PORT",
        "/api/traces",
        "application/x-thrift",
    ),
)


class Cost(NamedTuple):
    name: str
    cpu_micro: float  # a span
    lost: int  # spans, on their way in datagrams


def encoding_figures(folder: Path, workload: Workload) -> list[Figure]:
    folder.mkdir()
    messages = [
        ExportTraceServiceRequest.FromString(body)
        for body in islice(make_requests(workload), MOST_REQUESTS)
    ]
    with Server(folder) as server:
        ways = [way for way in OTHERS if way.port in server.environ]
        _measure(server, FIRST, messages)  # so that nothing is done for the first time
        first, *others = [_measure(server, way, messages) for way in (FIRST, *ways)]
    return _figures(first, others)


def _figures(first: Cost, others: Sequence[Cost]) -> list[Figure]:
    figures = [_cpu(first)]
    for cost in others:
        ratio = cost.cpu_micro / first.cpu_micro
        name = f"{cost.name}, ingest, times OTLP protobuf"
        figures += [_cpu(cost), Figure(name, ratio, "", MOST_TIMES_PROTOBUF)]
    return figures


def _cpu(cost: Cost) -> Figure:
    note = f"{cost.lost} spans lost on the way" if cost.lost else ""
    return Figure(f"{cost.name}, ingest, CPU a span", cost.cpu_micro, "µs", note=note)


def _measure(
    server: Server, way: Way, messages: Sequence[ExportTraceServiceRequest]
) -> Cost:
    tell(f"Sending {way.name}.")
    file = server.folder / "bodies.bin"
    write_requests(file, way.encode(messages))
    sent = len(messages) * SPANS_PER_REQUEST
    stored, cpu = _stored(server, way.encoding), server.costs().ingest
    _send(server, way, file)
    added = _await_stored(server, way.encoding, stored + sent) - stored
    micro = (server.costs().ingest - cpu) * MICRO / max(added, 1)
    return Cost(way.name, micro, sent - added)


def _send(server: Server, way: Way, file: Path) -> None:
    port = server.environ[way.port]
    if way.path:
        url = f"http://127.0.0.1:{port}{way.path}"
        send_file(file, url, CONNECTIONS, way.content_type)
    else:
        _send_datagrams(file, int(port))


def _send_datagrams(file: Path, port: int) -> None:
    """No faster than a receiver of the wanted cost can take them on one processor."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for body in read_requests(file):
            sender.sendto(body, ("127.0.0.1", port))
            time.sleep(1 / DATAGRAMS_PER_SECOND)


def _await_stored(server: Server, encoding: str, wanted: int) -> int:
    """How many are stored in the end: datagrams may be lost."""
    stored, changed = _stored(server, encoding), time.monotonic()
    while stored < wanted and time.monotonic() < changed + QUIET_SECONDS:
        time.sleep(POLL_SECONDS)
        if (now := _stored(server, encoding)) != stored:
            stored, changed = now, time.monotonic()
    return stored


def _stored(server: Server, encoding: str) -> int:
    """By the counters of the process."""
    url = f"http://127.0.0.1:{server.environ['OTLP_HTTP_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        text = answer.read().decode()
    wanted = f'spans_stored_total{{encoding="{encoding}"}} '
    counts = [line.split()[-1] for line in text.splitlines() if wanted in line]
    return sum(map(int, counts))
