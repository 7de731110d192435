"""The spans that are sent, the same for the same seed: requests of OTLP protobuf."""

import itertools
import os
import random
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

VERSION: Final = 1  # of the spans' shape; in the name of the cached file
SECOND: Final = 10**9
T0_UNIX_NANO: Final = 1_790_000_000 * SECOND
# A store keeps what started long before it arrived apart, which costs more.
OLDEST_CACHED_SECONDS: Final = 12 * 3600
START_SECONDS_AGO: Final = 2 * 3600
MS: Final = 1_000_000
SERVICES: Final = tuple(f"service-{number:02}" for number in range(15))
SPANS_PER_TRACE: Final = 20
SPANS_PER_REQUEST: Final = 1_000
TRACE_INTERVAL_NANO: Final = 72 * MS  # a million spans cover an hour
SPAN_NAMES: Final = tuple(f"operation-{number:02}" for number in range(20))
ERROR_SHARE: Final = 0.02

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Workload:
    """`spans` is rounded up to whole requests; the first span starts at the start."""

    spans: int = 1_000_000
    seed: int = 1
    start_unix_nano: int = T0_UNIX_NANO

    @property
    def request_count(self) -> int:
        return -(-self.spans // SPANS_PER_REQUEST)

    @property
    def trace_count(self) -> int:
        return self.request_count * SPANS_PER_REQUEST // SPANS_PER_TRACE

    @property
    def end_unix_nano(self) -> int:
        """After the start of every span."""
        return self.start_unix_nano + (self.trace_count + 1_000) * TRACE_INTERVAL_NANO


def trace_id(workload: Workload, number: int) -> bytes:
    """The id of the trace of that number; spread as random ids are."""
    return random.Random(f"{workload.seed}/{number}").randbytes(16)


def recent_workload(spans: int, seed: int) -> Workload:
    """One that started hours ago; the newest cached one if that is not too old."""
    now = int(time.time())
    like = _path(Workload(spans, seed, now * SECOND))
    stem = like.stem.rpartition("-")[0]
    starts = [
        int(path.stem.rpartition("-")[2]) for path in like.parent.glob(f"{stem}-*.bin")
    ]
    start = max(starts, default=0)
    if now - start > OLDEST_CACHED_SECONDS:
        start = now - START_SECONDS_AGO
    return Workload(spans, seed, start * SECOND)


def cached_requests(workload: Workload) -> Path:
    """A file of the requests, each after its length; made if it is not there."""
    path = _path(workload)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        write_requests(unfinished, make_requests(workload))
        unfinished.rename(path)
    return path


def _path(workload: Workload) -> Path:
    folder = Path(tempfile.gettempdir()) / f"tracing-ui-benchmark-{os.getuid()}"
    start = workload.start_unix_nano // SECOND
    size = workload.request_count
    return folder / f"v{VERSION}-seed{workload.seed}-{size}-{start}.bin"


def write_requests(path: Path, bodies: Iterable[bytes]) -> None:
    """Each after its length."""
    with path.open("wb") as file:
        for body in bodies:
            file.write(_LENGTH.pack(len(body)) + body)


def read_requests(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(head)[0])


def make_requests(workload: Workload) -> Iterator[bytes]:
    return (_request(workload, number) for number in range(workload.request_count))


def _request(workload: Workload, number: int) -> bytes:
    chance = random.Random(f"{workload.seed}/request/{number}")
    request = ExportTraceServiceRequest()
    scopes = [_scope(request, service) for service in SERVICES]
    per_request = SPANS_PER_REQUEST // SPANS_PER_TRACE
    for trace in range(number * per_request, (number + 1) * per_request):
        start = workload.start_unix_nano + trace * TRACE_INTERVAL_NANO
        _add_trace(scopes, trace_id(workload, trace), start, chance)
    serialized: bytes = request.SerializeToString()
    return serialized


def _scope(request: Any, service: str) -> ScopeSpans:
    group = request.resource_spans.add()
    group.resource.attributes.extend(
        [
            _text("service.name", service),
            _text("service.version", "1.2.3"),
            _text("host.name", f"host-{service}"),
            _text("deployment.environment.name", "production"),
        ]
    )
    scope_spans: ScopeSpans = group.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "benchmark", "1.0.0"
    return scope_spans


def _add_trace(
    scopes: list[ScopeSpans], id_: bytes, start: int, chance: random.Random
) -> None:
    span_ids = [chance.randbytes(8) for _ in range(SPANS_PER_TRACE)]
    for index, span_id in enumerate(span_ids):
        span = scopes[chance.randrange(len(scopes))].spans.add()
        span.trace_id, span.span_id = id_, span_id
        if index:
            span.parent_span_id = span_ids[chance.randrange(index)]
        _fill(span, start + index * MS, chance)


def _fill(span: Span, start: int, chance: random.Random) -> None:
    span.name = SPAN_NAMES[chance.randrange(len(SPAN_NAMES))]
    span.kind = Span.SpanKind.ValueType(chance.randrange(1, 6))
    span.start_time_unix_nano = start
    span.end_time_unix_nano = start + int(chance.lognormvariate(15, 1.5))
    if chance.random() < ERROR_SHARE:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "the card was refused"
    span.attributes.extend(_attributes(chance))


def _attributes(chance: random.Random) -> list[KeyValue]:
    """Ten, of every scalar type; few distinct values and many, as in the field."""
    return [
        _METHODS[chance.randrange(3)],
        _text("url.path", f"/api/v1/items/{chance.randrange(1_000)}"),
        _STATUS_CODES[chance.randrange(5)],
        _ADDRESSES[chance.randrange(20)],
        _PORT,
        _text("user.id", f"u{chance.randrange(10_000)}"),
        _CACHE_HITS[chance.randrange(2)],
        _double("payment.amount", round(chance.random() * 100, 2)),
        _THREADS[chance.randrange(64)],
        _QUERY,
    ]


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _integer(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))


def _double(key: str, value: float) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(double_value=value))


def _boolean(key: str, value: bool) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(bool_value=value))


_METHODS = [_text("http.request.method", name) for name in ("GET", "POST", "PUT")]
_STATUS_CODES = [
    _integer("http.response.status_code", code) for code in (200, 200, 200, 404, 500)
]
_ADDRESSES = [_text("server.address", f"10.0.0.{number}") for number in range(20)]
_PORT = _integer("server.port", 8080)
_CACHE_HITS = [_boolean("cache.hit", value) for value in (False, True)]
_THREADS = [_integer("thread.id", number) for number in range(64)]
_QUERY = _text("db.query.text", "SELECT * FROM orders WHERE id = $1")


def one_trace(id_: bytes, spans: int, start_unix_nano: int) -> Iterator[bytes]:
    """One trace of many spans, a tree a few levels deep, as requests."""
    chance = random.Random(f"trace/{spans}")
    ids = [chance.randbytes(8) for _ in range(spans)]
    for chunk in _chunks(range(spans), SPANS_PER_REQUEST):
        request = ExportTraceServiceRequest()
        scopes = [_scope(request, service) for service in SERVICES]
        for index in chunk:
            span = scopes[index % len(scopes)].spans.add(
                trace_id=id_, span_id=ids[index]
            )
            if index:
                span.parent_span_id = ids[(index - 1) // 8]
            _fill(span, start_unix_nano + index * 10_000, chance)
        yield request.SerializeToString()


def _chunks(numbers: range, size: int) -> Iterator[range]:
    for start in itertools.count(0, size):
        if start >= len(numbers):
            return
        yield numbers[start : start + size]
