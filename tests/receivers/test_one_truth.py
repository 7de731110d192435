"""A14: one trace through every protocol and encoding is one canonical trace.

Each way sends the same spans to a real server; then each two ways are compared in what
both have words for.
"""

import socket
from itertools import combinations

import grpc
import pytest

from tests.receivers.one_truth import (
    FEATURES,
    WAYS,
    Way,
    in_zipkins_words,
    pairwise,
    told_spans,
)
from tests.receivers.rows import rows_of
from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS, await_until, running

POST_SPANS = "/jaeger.api_v2.CollectorService/PostSpans"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PAIRS = list(combinations(WAYS, 2))


def stored(way: Way):
    """The rows of the trace, as a server stores it that is told of it this way."""
    spans = told_spans()
    with running() as server:
        body = way.encode(spans)
        if way.path:
            port = server.jaeger.http
            port = {"otlp_http": server.http_port, "zipkin": server.zipkin_port}.get(
                way.port, port
            )
            headers = {"Content-Type": way.content_type}
            answer = server.request("POST", way.path, body, headers, port)
            assert answer.code in (200, 202), answer.body
        elif way.port in ("compact", "binary"):
            # Datagrams hold 65,000 bytes: some spans at a time.
            for at in range(0, len(spans), 20):
                _send(getattr(server.jaeger, way.port), way.encode(spans[at : at + 20]))
        elif way.port == "otlp_grpc":
            _call(server.grpc_port, EXPORT, body)
        else:
            _call(server.jaeger.grpc, POST_SPANS, body)
        await_until(lambda: len(server.store) == len(spans))
        rows = rows_of(server.store.spans)
    return sorted(rows, key=lambda row: row["span_id"])


def _send(port: int, datagram: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, (LOOPBACK, port))


def _call(port: int, method: str, body: bytes) -> None:
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        channel.unary_unary(method)(body, timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def canonical():
    return {way.name: stored(way) for way in WAYS}


@pytest.mark.parametrize(
    ("one", "other"), PAIRS, ids=lambda way: way.name.replace(" ", "-")
)
def test_a14_two_ways_of_telling_a_trace_tell_the_same(canonical, one, other):
    for told, again in zip(canonical[one.name], canonical[other.name], strict=True):
        assert other.lossy(one.lossy(told)) == other.lossy(one.lossy(again))


def test_nothing_is_lost_that_a_dialect_has_words_for(canonical):
    """The losses are those that are named, and each way's own words lose no more."""
    for way in WAYS:
        for row in canonical[way.name]:
            assert way.lossy(row) == row, way.name
    otlp = canonical["OTLP protobuf"]
    assert any(row["links"] for row in otlp)
    assert any(row["events"] for row in otlp)
    assert any(row != in_zipkins_words(row) for row in otlp)


def test_every_pair_of_features_is_in_some_span():
    chosen = list(pairwise())
    for one, other in combinations(FEATURES, 2):
        found = {(repr(each[one]), repr(each[other])) for each in chosen}
        assert len(found) == len(FEATURES[one]) * len(FEATURES[other])
    assert len(chosen) < 100
