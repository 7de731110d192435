"""Zipkin's requirements, one by one, against a running server."""

import gzip
import json
from typing import Any

import pytest

from tests.receivers.raw_http import exchange
from tests.receivers.serving import (
    JSON,
    PROTOBUF,
    RecordingStore,
    Response,
    Running,
    running,
)
from tests.receivers.zipkin import zipkin_json, zipkin_protobuf, zipkin_span
from tests.receivers.zipkin_v1 import moment, thrift_list, v1_span
from traces.store.base import StoreUnavailable

GZIP = {"Content-Encoding": "gzip"}
V2 = "/api/v2/spans"
V1 = "/api/v1/spans"
GOOD = zipkin_json(zipkin_span())
V1_SPAN = v1_span(annotations=[moment("cs"), moment("cr", 3)])
V1_JSON = zipkin_json(V1_SPAN)
V1_THRIFT = thrift_list(V1_SPAN)
THRIFT = {"Content-Type": "application/x-thrift"}


@pytest.fixture
def server():
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def hostile():
    """One for all: whatever it is sent, it has to go on answering."""
    with running() as started:
        yield started
        assert post(started, GOOD).code == 202


def post(
    server: Running, body: Any, headers: Any = JSON, path: str = V2, **options: Any
) -> Response:
    port = server.zipkin_port
    return server.request("POST", path, body, headers, port=port, **options)


def get(server: Running, path: str, method: str = "GET", **headers: str) -> Response:
    return server.request(method, path, None, headers, port=server.zipkin_port)


def refusal(response: Response) -> str:
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"
    return response.body.decode()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (GOOD, JSON),
        (GOOD, {}),
        (GOOD, {"Content-Type": "Application/JSON; charset=utf-8"}),
        (zipkin_protobuf(zipkin_span()), PROTOBUF),
        (gzip.compress(GOOD), JSON | GZIP),
        (gzip.compress(zipkin_protobuf(zipkin_span())), PROTOBUF | GZIP),
    ],
    ids=["json", "no type", "parameters", "protobuf", "gzip", "gzipped protobuf"],
)
def test_z1_spans_are_taken_with_202_and_an_empty_body(
    server: Running, body: bytes, headers: dict[str, str]
):
    response = post(server, body, headers)

    assert (response.code, response.body) == (202, b"")
    assert len(server.store) == 1


@pytest.mark.parametrize("body", [b"", b"[]"])
@pytest.mark.parametrize("headers", [JSON, {}], ids=["json", "no type"])
def test_z1_nothing_is_taken_too(server: Running, body: bytes, headers: Any):
    assert post(server, body, headers).code == 202


def test_z1_an_empty_protobuf_body_is_taken(server: Running):
    assert post(server, b"", PROTOBUF).code == 202


def test_p1_the_202_comes_after_the_write():
    with running() as server:
        assert post(server, GOOD).code == 202
        assert len(server.store) == 1


MALFORMED = {
    "object": (b"{}", JSON),
    "no JSON": (b"[", JSON),
    "a span of nothing": (b"[{}]", JSON),
    "json under the protobuf type": (GOOD, PROTOBUF),
    "protobuf under the json type": (zipkin_protobuf(zipkin_span()), JSON),
}


@pytest.mark.parametrize(("body", "headers"), MALFORMED.values(), ids=MALFORMED.keys())
def test_z1_a2_malformed_is_400_with_a_reason_in_plain_text(
    server: Running, body: bytes, headers: dict[str, str]
):
    response = post(server, body, headers)

    assert response.code == 400
    assert len(refusal(response)) > 10
    assert len(server.store) == 0


def test_z1_v1_at_v2_is_400_and_names_both(server: Running):
    response = post(server, zipkin_json(zipkin_span(binaryAnnotations=[])))

    assert response.code == 400
    assert "v1 JSON" in refusal(response)
    assert "v2 JSON" in refusal(response)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (V1_JSON, JSON),
        (V1_JSON, {}),
        (V1_THRIFT, THRIFT),
        (gzip.compress(V1_THRIFT), THRIFT | GZIP),
        (b"", THRIFT),
        (b"[]", JSON),
    ],
    ids=["json", "no type", "thrift", "gzip", "no thrift", "no spans"],
)
def test_z1_version_1_is_taken_at_its_own_path(
    server: Running, body: bytes, headers: dict[str, str]
):
    response = post(server, body, headers, V1)

    assert (response.code, response.body) == (202, b"")
    assert len(server.store) == (len(body) > 2)


def test_z1_v2_at_v1_is_400_and_names_both(server: Running):
    response = post(server, GOOD, JSON, V1)

    assert response.code == 400
    assert "v1 JSON" in refusal(response)
    assert "v2 JSON" in refusal(response)


def test_z1_a2_malformed_thrift_is_400_and_protobuf_is_415(server: Running):
    assert post(server, V1_JSON, THRIFT, V1).code == 400
    assert post(server, b"", PROTOBUF, V1).code == 415


def test_c3_bad_spans_are_refused_alone_and_counted(server: Running):
    bad = [zipkin_span(traceId="0"), zipkin_span(traceId="x"), zipkin_span(id="")]
    good = [zipkin_span(id=f"{n:x}") for n in range(1, 98)]

    assert post(server, zipkin_json(*bad, *good)).code == 202
    assert len(server.store) == 97
    metrics = get(server, "/metrics").body.decode()
    assert 'spans_stored_total{encoding="zipkin/json"} 97' in metrics
    assert 'spans_received_total{encoding="zipkin/json"} 100' in metrics
    assert post(server, zipkin_json(*bad)).code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_a2_another_method_is_405(server: Running, method: str):
    response = get(server, V2, method)

    assert response.code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("given", ["text/plain", "application/x-thrift", "x"])
def test_a2_another_content_type_is_415_and_says_which(server: Running, given: str):
    response = post(server, GOOD, {"Content-Type": given})

    assert response.code == 415
    assert "application/x-protobuf" in refusal(response)


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate", "gzip, gzip"])
def test_a2_b3_another_content_encoding_is_415(server: Running, encoding: str):
    assert post(server, GOOD, JSON | {"Content-Encoding": encoding}).code == 415


@pytest.mark.parametrize("path", ["/", "/v1/traces", "/api/v2/span", "/<script>"])
def test_a13_an_unknown_path_is_404_in_plain_text(server: Running, path: str):
    response = get(server, path)

    assert response.code == 404
    assert V2 in refusal(response)


def test_health_is_up(server: Running):
    response = get(server, "/health")

    assert (response.code, json.loads(response.body)) == (200, {"status": "UP"})
    assert response.headers["content-type"] == "application/json"
    assert get(server, "/healthz").code == 200


def test_health_is_down_while_it_stops(server: Running):
    server.ingest.drain()
    response = get(server, "/health")

    assert (response.code, json.loads(response.body)) == (503, {"status": "DOWN"})
    assert response.headers["retry-after"]


@pytest.mark.parametrize("error", [StoreUnavailable("disk /etc"), ValueError("/etc")])
def test_p5_transient_trouble_is_503_with_a_hint(error: Exception):
    def fail(_batch: Any) -> None:
        raise error

    with running(RecordingStore(fail)) as server:
        response = post(server, GOOD)

    assert response.code == 503
    assert response.headers["retry-after"]
    assert "send again" in refusal(response)
    assert "/etc" not in refusal(response)


def test_oh12_browsers_of_listed_origins_may_send():
    page = "https://shop.example"
    with running(origins=[page]) as server:
        preflight = get(
            server,
            V2,
            "OPTIONS",
            **{"Origin": page, "Access-Control-Request-Headers": "content-type"},
        )
        answer = post(server, GOOD, JSON | {"Origin": page})
        other = post(server, GOOD, JSON | {"Origin": page + ".evil"})

    assert preflight.code == 204
    assert preflight.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-allow-origin"] == page
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a12_chunked_bodies_mean_the_same(server: Running, encode: Any):
    body = encode(GOOD)
    headers = JSON | (GZIP if encode is gzip.compress else {})

    chunks = iter([body[:3], body[3:]])
    assert post(server, chunks, headers, encode_chunked=True).code == 202
    assert len(server.store) == 1


HEAD = f"POST {V2} HTTP/1.1\r\nhost: x\r\n"


def test_a12_content_length_with_transfer_encoding_is_400(hostile: Running):
    head = HEAD + "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n"

    answers = exchange(hostile.zipkin_port, head + "2\r\n[]\r\n0\r\n\r\n", expect=2)

    assert answers.startswith("HTTP/1.1 400")
    assert answers.count("HTTP/1.1") == 1


def test_a12_expect_100_continue_and_pipelining(hostile: Running):
    waiting = HEAD + "expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    assert " 202 " in exchange(hostile.zipkin_port, waiting, after_continue="[]")

    plain = HEAD + "content-length: 2\r\n\r\n[]"
    assert exchange(hostile.zipkin_port, plain * 3, expect=3).count(" 202 ") == 3


def test_b1_a_gzip_bomb_is_413(hostile: Running):
    bomb = gzip.compress(bytes((64 << 20) + 1))

    assert post(hostile, bomb, JSON | GZIP).code == 413


SQUEEZED = gzip.compress(GOOD)
BAD_GZIP = {
    "not gzip": GOOD,
    "cut off": SQUEEZED[:-3],
    "junk after": SQUEEZED + b"junk",
    "gzip in gzip": gzip.compress(SQUEEZED),
}


@pytest.mark.parametrize("body", BAD_GZIP.values(), ids=BAD_GZIP.keys())
def test_b3_bad_gzip_is_400(hostile: Running, body: bytes):
    before = len(hostile.store)

    assert post(hostile, body, JSON | GZIP).code == 400
    assert len(hostile.store) == before


@pytest.mark.parametrize("extra", [0, 1])
def test_b4_the_limit_is_exact(extra: int):
    with running(body_bytes=len(GOOD) - extra) as server:
        assert post(server, GOOD).code == (413 if extra else 202)
        assert post(server, SQUEEZED, JSON | GZIP).code == (413 if extra else 202)


@pytest.mark.parametrize("length", ["-1", "x", "2\r\ncontent-length: 3"])
def test_b4_a_senseless_length_is_400(hostile: Running, length: str):
    answers = exchange(
        hostile.zipkin_port, HEAD + f"content-length: {length}\r\n\r\n[]"
    )

    assert answers.startswith("HTTP/1.1 400")
