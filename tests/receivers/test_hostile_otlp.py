"""Malformed, oversized and misdirected requests against a running server."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status

from tests.builders import T0
from tests.receivers.messages import (
    SPAN_HEX,
    TRACE_HEX,
    json_request,
    json_span,
    protobuf,
    request,
    span_message,
)
from tests.receivers.raw_http import exchange
from tests.receivers.serving import (
    JSON,
    LOOPBACK,
    PROTOBUF,
    RecordingStore,
    Running,
    running,
)
from traces.receivers.body import inflate
from traces.receivers.verdict import TooLarge
from traces.variant import decode_attributes

GZIP = {"Content-Encoding": "gzip"}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """One for all: whatever it is sent, it has to go on answering."""
    with running() as started:
        yield started
        assert started.post(protobuf(span_message())).code == 200


@pytest.mark.parametrize("content_type", [None, "", "x", "application/grpc"])
def test_a2_a_missing_or_wrong_content_type_is_415(
    server: Running, content_type: str | None
):
    headers = {} if content_type is None else {"Content-Type": content_type}

    assert server.post(b"", headers).code == 415


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate", "gzip, gzip", "x"])
def test_a2_b3_an_unknown_content_encoding_is_415(server: Running, encoding: str):
    response = server.post(b"", PROTOBUF | {"Content-Encoding": encoding})

    assert response.code == 415
    assert response.headers["accept-encoding"] == "gzip"


def test_a2_json_under_the_protobuf_type_is_400(server: Running):
    assert server.post(json_request(json_span())).code == 400


def test_a3_json_and_protobuf_of_one_request_store_the_same():
    attributes = {"s": "x", "i": 5, "d": 1.5, "b": True, "raw": b"\xff", "none": None}
    message = span_message(
        kind=2, attributes=attributes, events=[{"name": "e", "time_unix_nano": T0}]
    )
    written = [
        {"key": "s", "value": {"stringValue": "x"}},
        {"key": "i", "value": {"intValue": "5"}},
        {"key": "d", "value": {"doubleValue": 1.5}},
        {"key": "b", "value": {"boolValue": True}},
        {"key": "raw", "value": {"bytesValue": "/w=="}},
        {"key": "none", "value": {}},
    ]
    event = {"name": "e", "timeUnixNano": str(T0), "attributes": None}
    twin = json_span(kind=2, attributes=written, events=[event], links=[], status=None)
    with running() as server:
        assert server.post(protobuf(message)).body == b""
        assert server.post(json_request(twin), JSON).body == b"{}"
        first, second = server.store.batches

    assert first.equals(second)


@pytest.mark.parametrize(
    "empty",
    [{}, {"attributes": None}, {"attributes": []}, {"events": [], "links": None}],
)
def test_a3_nulls_and_empty_arrays_are_absent(empty: Any):
    with running() as server:
        assert server.post(json_request(json_span(**empty)), JSON).body == b"{}"
        (row,) = server.store.spans.to_pylist()

    assert decode_attributes(row["attributes"]) == {}


GOOD = json_request(json_span())
NOT_JSON = {
    "nothing": b"",
    "NaN": b'{"resourceSpans": NaN}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "bytes after": GOOD + b"x",
    "two documents": GOOD + GOOD,
    "cut off": GOOD[:-2],
    "bad UTF-8": b'{"a": "\xff"}',
    "400 deep and open": b"[" * 400,
    "100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a4_what_is_not_json_is_400(server: Running, body: bytes):
    response = server.post(body, JSON)

    assert response.code == 400
    assert "JSON" in json.loads(response.body)["message"]


WRONG_OUTLINE = [b"[]", b"null", b'"x"', b"5", b'{"resourceSpans": {}}']
WRONG_OUTLINE += [b'{"resourceSpans": [5]}', b'{"resourceSpans":[{"resource":[]}]}']


@pytest.mark.parametrize("body", WRONG_OUTLINE, ids=repr)
def test_a4_json_of_another_outline_is_400(server: Running, body: bytes):
    assert server.post(body, JSON).code == 400


WRONG_SPANS: dict[str, Any] = {
    "no object": 5,
    "name is a number": json_span(name=5),
    "5,000 digits": json_span(startTimeUnixNano="9" * 5_000),
    "5,000 digits, bare": json_span(startTimeUnixNano=10**300),
    "negative time": json_span(startTimeUnixNano=-1),
    "time is a boolean": json_span(startTimeUnixNano=True),
    "time is half": json_span(startTimeUnixNano=0.5),
    "time of underscores": json_span(startTimeUnixNano="1_0"),
    "int64 overflows": json_span(
        attributes=[{"key": "k", "value": {"intValue": str(2**63)}}]
    ),
    "bool is a text": json_span(
        attributes=[{"key": "k", "value": {"boolValue": "true"}}]
    ),
    "bytes are no base64": json_span(
        attributes=[{"key": "k", "value": {"bytesValue": "a"}}]
    ),
    "double is a word": json_span(
        attributes=[{"key": "k", "value": {"doubleValue": "two"}}]
    ),
    "attributes are an object": json_span(attributes={"k": "v"}),
    "flags overflow": json_span(flags=2**32),
}


@pytest.mark.parametrize("span", WRONG_SPANS.values(), ids=WRONG_SPANS.keys())
def test_a4_a_span_of_wrong_types_is_refused_alone(span: Any):
    with running() as server:
        response = server.post(json_request(json_span(9), span), JSON)

        partial = json.loads(response.body)["partialSuccess"]
        assert partial["rejectedSpans"] == "1"
        assert partial["errorMessage"]
        assert len(server.store) == 1


def test_a4_of_duplicate_members_the_last_counts():
    span = json.dumps(json_span())[:-1] + ', "name": "last"}'
    body = json_request("SPAN").replace(b'"SPAN"', span.encode())
    with running() as server:
        assert server.post(body, JSON).code == 200
        assert server.store.spans["name"].to_pylist() == ["last"]


def test_a4_deep_nesting_is_emptied_with_a_warning():
    value: Any = {"intValue": 1}
    for _ in range(150):
        value = {"arrayValue": {"values": [value]}}
    span = json_span(attributes=[{"key": "k", "value": value}])
    with running() as server:
        response = server.post(json_request(span), JSON)

        assert "nested" in response.body.decode()
        assert len(server.store) == 1


def unary(server: Running, path: str, body: bytes) -> grpc.RpcError:
    with (
        grpc.insecure_channel(f"{LOOPBACK}:{server.grpc_port}") as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        channel.unary_unary(path)(body, timeout=30)
    return raised.value


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05", b"\x00", b"garbage" * 99])
def test_a6_garbage_over_grpc_is_invalid_argument(server: Running, body: bytes):
    error = unary(server, EXPORT, body)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("path", ["/x/y", EXPORT + "2"])
def test_a6_an_unknown_method_is_unimplemented(server: Running, path: str):
    assert unary(server, path, b"").code() is grpc.StatusCode.UNIMPLEMENTED


CRASHES = [ValueError, KeyError, OSError, MemoryError, RuntimeError, AssertionError]


@pytest.mark.parametrize("crash", CRASHES)
def test_a6_a13_a_crash_is_unavailable_never_unknown(crash: type[Exception]):
    def fail(_batch: Any) -> None:
        raise crash("secret path /etc")

    with running(RecordingStore(fail)) as server:
        error = unary(server, EXPORT, protobuf(span_message()))
        response = server.post(protobuf(span_message()))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert response.code == 503
    assert response.headers["retry-after"]
    for text in (str(error.details()), Status.FromString(response.body).message):
        assert text
        assert "secret" not in text


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a12_chunked_bodies_mean_the_same(server: Running, encode: Any):
    body = encode(protobuf(span_message()))
    headers = PROTOBUF | (GZIP if encode is gzip.compress else {})
    before = len(server.store)

    chunks = iter([body[:3], body[3:]])
    assert server.post(chunks, headers, encode_chunked=True).code == 200
    assert len(server.store) == before + 1


HEAD = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a12_content_length_with_transfer_encoding_is_400_and_closes(server: Running):
    head = HEAD + "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n"

    answers = exchange(server.http_port, head + "2\r\n{}\r\n0\r\n\r\n", expect=2)

    assert answers.startswith("HTTP/1.1 400")
    assert answers.count("HTTP/1.1") == 1


def test_a12_http_1_0_is_answered(server: Running):
    head = HEAD.replace("HTTP/1.1", "HTTP/1.0") + "content-length: 2\r\n\r\n{}"

    assert " 200 " in exchange(server.http_port, head)


def test_a12_pipelined_requests_are_answered_in_order(server: Running):
    good = HEAD + "content-length: 2\r\n\r\n{}"
    bad = HEAD + "content-length: 2\r\n\r\nxx"

    answers = exchange(server.http_port, good + bad + good, expect=3)

    codes = [part[:3] for part in answers.split("HTTP/1.1 ")[1:]]
    assert codes == ["200", "400", "200"]


@pytest.mark.parametrize("sent", ["x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\0" * 50])
def test_a13_what_is_not_http_gets_a_status_too(server: Running, sent: str):
    answers = exchange(server.http_port, sent)

    assert answers.startswith("HTTP/1.1 400")
    assert json.loads(answers.partition("\r\n\r\n")[2])["message"]


def test_a13_an_unknown_path_is_a_json_status(server: Running):
    response = server.request("GET", "/<script>")

    assert response.code == 404
    assert json.loads(response.body)["code"] == 5
    assert response.headers["x-content-type-options"] == "nosniff"


def test_b1_a_gzip_bomb_is_413_before_it_is_inflated(server: Running):
    bomb = gzip.compress(bytes((64 << 20) + 1))
    assert len(bomb) < 100_000

    assert server.post(bomb, PROTOBUF | GZIP).code == 413


def test_b1_inflating_stops_at_the_limit():
    endless = zlib.compressobj(wbits=31)
    bomb = endless.compress(bytes(50 << 20)) + endless.flush()

    with pytest.raises(TooLarge):
        inflate(bomb, 1_000)


def test_b2_a_gzip_bomb_over_grpc_is_resource_exhausted(server: Running):
    bomb = request(span_message(name="n" * (64 << 20)))
    with (
        grpc.insecure_channel(f"{LOOPBACK}:{server.grpc_port}") as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        channel.unary_unary(EXPORT)(
            bomb.SerializeToString(), timeout=60, compression=grpc.Compression.Gzip
        )

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in dict(raised.value.trailing_metadata())


PLAIN = protobuf(span_message())
SQUEEZED = gzip.compress(PLAIN)
BAD_GZIP = {
    "not gzip": PLAIN,
    "nothing": b"",
    "cut off": SQUEEZED[:-3],
    "cut off head": SQUEEZED[:5],
    "junk after": SQUEEZED + b"junk",
    "cut off second member": SQUEEZED + SQUEEZED[:9],
    "bad checksum": SQUEEZED[:-8] + bytes(8),
}


@pytest.mark.parametrize("body", BAD_GZIP.values(), ids=BAD_GZIP.keys())
def test_b3_bad_gzip_is_400_and_nothing_of_it_is_stored(server: Running, body: bytes):
    before = len(server.store)

    assert server.post(body, PROTOBUF | GZIP).code == 400
    assert len(server.store) == before


def test_b3_gzip_in_gzip_is_400(server: Running):
    assert server.post(gzip.compress(SQUEEZED), PROTOBUF | GZIP).code == 400


@pytest.mark.parametrize("extra", [0, 1])
def test_b4_the_limit_is_exact(extra: int):
    body = protobuf(span_message())
    with running(body_bytes=len(body) - extra) as server:
        assert server.post(body).code == (413 if extra else 200)
        squeezed = server.post(gzip.compress(body), PROTOBUF | GZIP)
        assert squeezed.code == (413 if extra else 200)


def test_b4_a_declared_length_over_the_limit_is_refused_unread(server: Running):
    head = HEAD + f"content-length: {10**12}\r\n\r\n"

    assert exchange(server.http_port, head).startswith("HTTP/1.1 413")


def test_b4_a_body_longer_than_declared_is_400(server: Running):
    answers = exchange(
        server.http_port, HEAD + "content-length: 2\r\n\r\n{}{}", expect=2
    )

    assert "HTTP/1.1 400" in answers


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "2\r\ncontent-length: 3"])
def test_b4_a_senseless_length_is_400(server: Running, length: str):
    answers = exchange(server.http_port, HEAD + f"content-length: {length}\r\n\r\n{{}}")

    assert answers.startswith("HTTP/1.1 400")


def test_b6_a_span_of_everything_is_taken_and_said(server: Running):
    span = span_message(
        attributes={f"k{n}": n for n in range(2_000)} | {"v": "x"},
        events=[{}] * 2_000,
        links=[{}] * 2_000,
    )
    span.attributes[0].value.string_value = "x" * 100_000
    span.attributes[1].key = "k" * 10_000

    response = server.post(protobuf(span))

    assert response.code == 200
    message = response.body.decode("latin-1")
    for what in ("attributes", "values", "keys", "events", "links"):
        assert what in message
    row = server.store.spans.slice(len(server.store) - 1).to_pylist()[0]
    assert row["dropped_attributes_count"] == 2_001 - 512
    assert row["dropped_events_count"] == row["dropped_links_count"] == 2_000 - 1_024


HUGE_HEADERS = {
    "one header": HEAD + "x: " + "y" * 1_000_000 + "\r\n\r\n",
    "many headers": HEAD
    + "".join(f"h{n}: 0123456789\r\n" for n in range(10_000))
    + "\r\n",
    "url": "GET /" + "u" * 1_000_000 + " HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("sent", HUGE_HEADERS.values(), ids=HUGE_HEADERS.keys())
def test_b9_huge_headers_are_refused(server: Running, sent: str):
    assert exchange(server.http_port, sent).startswith("HTTP/1.1 431")


def test_b9_headers_count_per_request_not_per_connection(server: Running):
    head = HEAD + "x: " + "y" * 1_000 + "\r\ncontent-length: 2\r\n\r\n{}"

    answers = exchange(server.http_port, head * 100, expect=100)

    assert answers.count("HTTP/1.1 200") == 100


def test_ids_of_spaces_are_not_hex(server: Running):
    span = json_span(traceId=TRACE_HEX[:30] + "  ", spanId=SPAN_HEX)

    assert server.post(json_request(span), JSON).code == 400


@pytest.mark.parametrize("sent", ["", "POST /v1/tra", HEAD])
def test_e8_headers_that_never_end_are_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: str
):
    monkeypatch.setattr("traces.receivers.http_protocol._HEADER_SECONDS", 0.05)
    with running() as server:
        assert exchange(server.http_port, sent) == ""


def test_e8_a_body_that_never_ends_is_cut_off_and_gives_its_bytes_back(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("traces.receivers.body._IDLE_SECONDS", 0.05)
    with running() as server:
        answers = exchange(server.http_port, HEAD + "content-length: 99\r\n\r\n{")

        assert answers.startswith("HTTP/1.1 503")
        assert server.ingest.inflight.bytes == 0
