"""Jaeger over HTTP and gRPC, against a running server."""

import gzip
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from tests.receivers import jaeger_model, test_jaeger_protobuf
from tests.receivers.jaeger_messages import batch, span
from tests.receivers.memory import MIB, growing_at_most
from tests.receivers.raw_http import exchange
from tests.receivers.serving import (
    LOOPBACK,
    PATIENCE_SECONDS,
    RecordingStore,
    Response,
    Running,
    running,
)
from tests.receivers.test_thrift_reading import HOSTILE
from traces.store.base import StoreUnavailable

THRIFT = {"Content-Type": "application/x-thrift"}
GZIP = {"Content-Encoding": "gzip"}
POST_SPANS = "/jaeger.api_v2.CollectorService/PostSpans"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """One for all: whatever it is sent, it has to go on answering."""
    with running() as started:
        yield started
        assert post(started, batch(span())).code == 202


def post(
    server: Running, body: Any, headers: dict[str, str] = THRIFT, path: str = ""
) -> Response:
    path = path or "/api/traces?format=jaeger.thrift"
    return server.request("POST", path, body, headers, port=server.jaeger.http)


def call(server: Running, method: str, body: bytes, **options: Any) -> bytes:
    with grpc.insecure_channel(
        f"{LOOPBACK}:{server.jaeger.grpc}", **options
    ) as channel:
        answer: bytes = channel.unary_unary(method)(body, timeout=PATIENCE_SECONDS)
        return answer


@pytest.mark.parametrize("path", ["/api/traces", "/api/traces?format=jaeger.thrift"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-thrift",
        "application/vnd.apache.thrift.binary",
        "application/x-thrift; charset=utf-8",
    ],
)
def test_j1_a_batch_is_202_and_stored(content_type, path):
    with running() as server:
        answer = post(server, batch(span()), {"Content-Type": content_type}, path)
        assert (answer.code, answer.body) == (202, b"")
        assert len(server.store) == 1


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_j1_another_type_is_400_as_text(server, content_type):
    answer = post(server, batch(span()), {"Content-Type": content_type})
    assert answer.code == 400
    assert b"application/x-thrift" in answer.body
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("case", HOSTILE)
def test_a9_j1_hostile_thrift_is_400(server, case):
    with growing_at_most(20 * MIB):
        answer = post(server, HOSTILE[case])
    assert answer.code == 400
    assert b"not valid thrift" in answer.body


def test_c3_a_partly_good_batch_is_202_and_says_what_was_refused(server):
    answer = post(server, batch(span(), span(id=0)))
    assert answer.code == 202
    assert b"1 refused: span_id is all zeros" in answer.body


def test_c3_a_batch_of_bad_spans_alone_is_400(server):
    assert post(server, batch(span(id=0))).code == 400


def test_a_gzipped_batch_is_read(server):
    body = gzip.compress(batch(span()))
    assert post(server, body, THRIFT | GZIP).code == 202


def test_b1_a_bomb_is_413_before_it_is_inflated(server):
    bomb = gzip.compress(bytes((64 << 20) + 1), 1)
    with growing_at_most(128 * MIB):
        assert post(server, bomb, THRIFT | GZIP).code == 413


def test_j1_a_store_that_is_away_is_503_with_a_hint():
    def fail(batch: object) -> None:
        raise StoreUnavailable("away")

    with running(RecordingStore(fail)) as server:
        answer = post(server, batch(span()))
        assert answer.code == 503
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("compressed", [False, True])
def test_a12_a_chunked_batch_is_read_like_any_other(server, compressed):
    body = batch(span())
    headers = THRIFT | (GZIP if compressed else {})
    sent = gzip.compress(body) if compressed else body
    pieces = (sent[place : place + 7] for place in range(0, len(sent), 7))
    assert post(server, pieces, headers).code == 202


def head(length: str) -> bytes:
    return (
        "POST /api/traces HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/x-thrift\r\n{length}\r\n\r\n"
    ).encode()


def test_a12_a_length_beside_chunks_is_400_and_closes(server):
    body = batch(span())
    both = head(f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked")
    answers = exchange(server.jaeger.http, both + body, expect=2)
    assert answers.startswith("HTTP/1.1 400")
    assert answers.count("HTTP/1.1 ") == 1


def test_a12_expect_100_continue_and_pipelining_and_http_1_0(server):
    body = batch(span())
    request = head(f"Content-Length: {len(body)}")
    expecting = head(f"Content-Length: {len(body)}\r\nExpect: 100-continue")
    assert (
        exchange(server.jaeger.http, (request + body) * 2, expect=2).count(" 202") == 2
    )
    assert " 202" in exchange(
        server.jaeger.http, request.replace(b"HTTP/1.1", b"HTTP/1.0") + body
    )
    assert "100 Continue" in exchange(server.jaeger.http, expecting + body)


def test_other_paths_and_methods_are_refused_in_text(server):
    port = server.jaeger.http
    assert server.request("POST", "/v1/traces", b"", THRIFT, port=port).code == 404
    assert server.request("GET", "/api/traces", port=port).code == 405
    assert server.request("GET", "/healthz", port=port).code == 200


def test_grpc_spans_are_stored_and_answered_with_nothing():
    with running() as server:
        body = jaeger_model.post(test_jaeger_protobuf.span())
        assert call(server, POST_SPANS, body) == b""
        assert len(server.store) == 1


def refusal(server: Running, body: bytes, **options: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(server, POST_SPANS, body, **options)
    return caught.value


def retry_info(error: Any) -> list[RetryInfo]:
    metadata = dict(error.trailing_metadata())
    found = Status.FromString(metadata.get("grpc-status-details-bin", b""))
    return [each for each in found.details if each.Is(RetryInfo.DESCRIPTOR)]


def test_a6_grpc_bytes_that_are_no_message_are_invalid(server):
    error = refusal(server, b"\xff\xff")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Jaeger protobuf" in error.details()


def test_grpc_a_store_that_is_away_is_unavailable_with_a_hint():
    def fail(batch: object) -> None:
        raise StoreUnavailable("away")

    with running(RecordingStore(fail)) as server:
        error = refusal(server, jaeger_model.post(test_jaeger_protobuf.span()))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert retry_info(error)


def test_b2_a_grpc_bomb_is_exhausted_without_a_hint(server):
    error = refusal(server, bytes((64 << 20) + 1), compression=grpc.Compression.Gzip)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not retry_info(error)


def test_a_stop_answers_what_was_taken():
    waiting, go_on = threading.Event(), threading.Event()

    def wait(batch: object) -> None:
        waiting.set()
        go_on.wait(PATIENCE_SECONDS)

    with running(RecordingStore(wait)) as server:
        answers: list[int] = []
        sender = threading.Thread(
            target=lambda: answers.append(post(server, batch(span())).code)
        )
        sender.start()
        assert waiting.wait(PATIENCE_SECONDS)
        server.stop()
        go_on.set()
        sender.join(PATIENCE_SECONDS)
        assert answers == [202]
