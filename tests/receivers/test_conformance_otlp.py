"""OTLP's requirements, one by one, against a running server."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest as BadRequestDetail
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceStub,
)

from tests.builders import T0, span_id, trace_id
from tests.receivers.messages import (
    SPAN_HEX,
    TRACE_HEX,
    json_request,
    json_span,
    partial_success,
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
    Response,
    Running,
    running,
)
from traces.store.base import StoreUnavailable
from traces.variant import decode_attributes

GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
def server():
    with running() as started:
        yield started


@pytest.fixture
def small():
    with running(body_bytes=2_000, compressed_bytes=1_000) as started:
        yield started


def export(server: Running, message: Any, **options: Any) -> Any:
    with grpc.insecure_channel(f"{LOOPBACK}:{server.grpc_port}") as channel:
        return TraceServiceStub(channel).Export(message, timeout=30, **options)


def refused(server: Running, message: Any, **options: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        export(server, message, **options)
    return raised.value


def rpc_status(error: grpc.RpcError) -> Any:
    metadata = dict(error.trailing_metadata())
    return Status.FromString(metadata["grpc-status-details-bin"])


def status_of(response: Response) -> Any:
    assert response.headers["content-type"] == PROTOBUF["Content-Type"]
    return Status.FromString(response.body)


def away(_batch: Any) -> None:
    raise StoreUnavailable("the disk is away")


# Both transports.


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_o1_plain_and_gzip_bodies_are_taken(server: Running, encode: Any):
    headers = PROTOBUF | (GZIP if encode is gzip.compress else {})

    assert server.post(encode(protobuf(span_message())), headers).code == 200
    assert len(server.store) == 1


def test_o2_a_body_over_the_limit_is_413(small: Running):
    response = small.post(protobuf(span_message(name="n" * 3_000)))

    assert response.code == 413
    assert "2000" in status_of(response).message
    assert len(small.store) == 0


def test_o2_a_body_over_the_limit_after_decompression_is_413(small: Running):
    body = gzip.compress(protobuf(span_message(name="n" * 3_000)))
    assert len(body) < 200

    assert small.post(body, PROTOBUF | GZIP).code == 413


def test_o2_a_compressed_body_over_its_limit_is_413(small: Running):
    noise = bytes(n * n * 7 % 251 for n in range(1_400))

    assert small.post(gzip.compress(noise, 0), PROTOBUF | GZIP).code == 413


def test_o2_over_grpc_it_is_resource_exhausted_without_a_retry_hint(small: Running):
    error = refused(small, request(span_message(name="n" * 3_000)))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in dict(error.trailing_metadata())


def test_o3_the_error_message_is_shortened_to_stay_small(server: Running):
    spans = [{"traceId": "x", "spanId": SPAN_HEX}] * 5_000

    response = server.post(json_request(*spans), JSON)

    assert response.code == 400
    assert len(response.body) < 10_000


@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_o4_full_success_leaves_partial_success_unset(
    server: Running, headers: dict[str, str]
):
    good = (
        protobuf(span_message()) if headers == PROTOBUF else json_request(json_span())
    )

    response = server.post(good, headers)

    assert response.code == 200
    assert response.body == (b"" if headers == PROTOBUF else b"{}")


def test_o4_partial_success_counts_what_was_refused_and_says_why(server: Running):
    body = protobuf(span_message(1), span_message(2, trace_id=b"short"))

    partial = partial_success(server.post(body))

    assert partial.rejected_spans == 1
    assert "trace_id is not 16 bytes" in partial.error_message
    assert len(server.store) == 1


def test_o4_partial_success_in_json(server: Running):
    body = json_request(json_span(1), json_span(2, spanId="0" * 16))

    partial = json.loads(server.post(body, JSON).body)["partialSuccess"]

    assert partial["rejectedSpans"] == "1"
    assert "span_id is all zeros" in partial["errorMessage"]


def test_o4_a_warning_has_no_rejected_spans_and_a_message(server: Running):
    partial = partial_success(server.post(protobuf(span_message(kind=99))))

    assert partial.rejected_spans == 0
    assert partial.error_message


def test_o4_partial_success_over_grpc(server: Running):
    response = export(server, request(span_message(1), span_message(2, span_id=b"")))

    assert response.partial_success.rejected_spans == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"", PROTOBUF), (b"{}", JSON), (json_request(), JSON), (protobuf(), PROTOBUF)],
    ids=["no bytes", "no members", "json envelope", "protobuf envelope"],
)
def test_o5_an_empty_request_succeeds(
    server: Running, body: bytes, headers: dict[str, str]
):
    assert server.post(body, headers).code == 200


def test_o5_an_empty_request_over_grpc_succeeds(server: Running):
    assert export(server, ExportTraceServiceRequest()) == ExportTraceServiceResponse()


def test_o6_a_resent_request_is_taken_again(server: Running):
    body = protobuf(span_message())

    assert [server.post(body).code for _ in range(3)] == [200] * 3


def test_o7_unknown_fields_are_ignored(server: Running):
    unknown = b"\xfa\x7f\x03new"

    assert server.post(protobuf(span_message()) + unknown).code == 200
    assert len(server.store) == 1


def test_o7_the_upper_bits_of_flags_are_kept(server: Running):
    server.post(protobuf(span_message(flags=0xDEAD_BE01)))

    assert server.store.spans["flags"].to_pylist() == [0xDEAD_BE01]


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"trace_id": b"x" * 17},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"span_id": b"x" * 16},
    ],
    ids=str,
)
def test_o8_bad_ids_are_refused(server: Running, fields: dict[str, bytes]):
    response = server.post(protobuf(span_message(1), span_message(2, **fields)))

    assert partial_success(response).rejected_spans == 1
    assert server.store.spans["span_id"].to_pylist() == [span_id(1)]


# OTLP/HTTP.


def test_oh1_both_encodings_share_a_port(server: Running):
    assert server.post(protobuf(span_message(1))).code == 200
    assert server.post(json_request(json_span(2)), JSON).code == 200
    assert len(server.store) == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_oh2_another_method_is_405_and_says_what_is_allowed(
    server: Running, method: str
):
    response = server.request(method, "/v1/traces")

    assert response.code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/protobuf2", "application/xml"]
)
def test_oh2_another_content_type_is_415(server: Running, content_type: str):
    headers = {"Content-Type": content_type} if content_type else {}

    assert server.post(b"", headers).code == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON"]
)
def test_oh2_parameters_and_case_of_the_content_type_do_not_matter(
    server: Running, content_type: str
):
    response = server.post(b"{}", {"Content-Type": content_type})

    assert response.code == 200
    assert response.headers["content-type"] == "application/json"


def test_oh3_several_gzip_members_are_one_body(server: Running):
    body = protobuf(span_message())
    members = gzip.compress(body[:20]) + gzip.compress(body[20:])

    assert server.post(members, PROTOBUF | GZIP).code == 200
    assert len(server.store) == 1


@pytest.mark.parametrize("accepted", ["identity", "gzip"])
def test_oh3_the_answer_is_never_compressed_against_the_clients_will(
    server: Running, accepted: str
):
    response = server.post(b"", PROTOBUF | {"Accept-Encoding": accepted})

    assert "content-encoding" not in response.headers


def test_oh4_success_is_200_with_an_encoded_response(server: Running):
    response = server.post(protobuf(span_message()))

    assert response.code == 200
    assert response.headers["content-type"] == "application/x-protobuf"
    assert (
        ExportTraceServiceResponse.FromString(response.body)
        == ExportTraceServiceResponse()
    )


REFUSALS = {
    "400": (400, "POST", "/v1/traces", b"\xff", {}),
    "404": (404, "POST", "/v1/metrics", b"", {}),
    "405": (405, "PUT", "/v1/traces", b"", {}),
    "413": (413, "POST", "/v1/traces", b"x" * 3_000, {}),
    "415": (415, "POST", "/v1/traces", b"", {"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_oh5_every_refusal_is_a_status_in_the_requests_encoding(
    small: Running, case: Any, headers: dict[str, str]
):
    code, method, path, body, extra = case

    response = small.request(method, path, body, headers | extra)

    assert response.code == code
    assert response.headers["content-type"] == headers["Content-Type"]
    if headers == JSON:
        assert json.loads(response.body)["message"]
    else:
        assert Status.FromString(response.body).message


def test_oh5_without_a_known_encoding_the_status_is_json(server: Running):
    response = server.post(b"", {"Content-Type": "text/html"})

    assert json.loads(response.body)["message"]


def test_oh6_bad_content_is_400_with_bad_request_details(server: Running):
    status = status_of(server.post(b"\xff"))
    detail = BadRequestDetail()

    assert status.code == 3
    assert status.details[0].Unpack(detail)
    assert detail.field_violations[0].description == status.message


def test_oh7_a_store_that_is_away_is_503_with_retry_after():
    with running(RecordingStore(away)) as server:
        response = server.post(protobuf(span_message()))

    assert response.code == 503
    assert int(response.headers["retry-after"]) > 0
    retry = RetryInfo()
    assert status_of(response).details[0].Unpack(retry)
    assert "disk" not in status_of(response).message


def test_oh7_too_many_bytes_in_flight_is_503_with_retry_after():
    with running(max_inflight_bytes=100) as server:
        response = server.post(protobuf(span_message(name="n" * 200)))
        assert server.post(protobuf(span_message())).code == 200

    assert response.code == 503
    assert response.headers["retry-after"]


def test_oh8_a_connection_serves_many_requests(server: Running):
    head = (
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\n"
        "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )

    answers = exchange(server.http_port, head * 3, expect=3)

    assert answers.count("HTTP/1.1 200") == 3


def test_oh8_chunked_bodies_are_read_whole(server: Running):
    body = protobuf(*(span_message(n) for n in range(1, 50)))
    chunks = [body[i : i + 700] for i in range(0, len(body), 700)]

    assert server.post(iter(chunks), PROTOBUF, encode_chunked=True).code == 200
    assert len(server.store) == 49


def test_oh8_expect_100_continue_is_answered(server: Running):
    head = (
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        "content-length: 2\r\nexpect: 100-continue\r\n\r\n"
    )

    answers = exchange(server.http_port, head, after_continue="{}")

    assert answers.startswith("HTTP/1.1 100")
    assert "HTTP/1.1 200" in answers


@pytest.mark.parametrize("change", [str.lower, str.upper], ids=["lower", "upper"])
def test_oh9_ids_in_json_are_hex_of_any_case(server: Running, change: Any):
    trace, parent = "abcdef0123456789" * 2, "fedcba9876543210"
    span = json_span(
        traceId=change(trace),
        parentSpanId=change(parent),
        links=[{"traceId": change(trace), "spanId": change(parent)}],
    )

    server.post(json_request(span), JSON)

    (row,) = server.store.spans.to_pylist()
    assert row["trace_id"].hex() == row["links"][0]["trace_id"].hex() == trace
    assert row["parent_span_id"].hex() == row["links"][0]["span_id"].hex() == parent


def test_oh9_base64_ids_are_refused_per_span(server: Running):
    as_base64 = base64.b64encode(trace_id(1)).decode()

    response = server.post(
        json_request(json_span(1), json_span(2, traceId=as_base64)), JSON
    )

    partial = json.loads(response.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert len(server.store) == 1


@pytest.mark.parametrize("kind", [3, "SPAN_KIND_CLIENT", "3"])
def test_oh10_enums_are_integers_and_names_are_understood(server: Running, kind: Any):
    span = json_span(kind=kind, status={"code": "STATUS_CODE_ERROR", "message": "boom"})

    server.post(json_request(span), JSON)

    (row,) = server.store.spans.to_pylist()
    assert (row["kind"], row["status_code"], row["status_message"]) == (3, 2, "boom")


def test_oh10_unknown_fields_are_ignored_and_original_names_understood(
    server: Running,
):
    span = {
        "trace_id": TRACE_HEX,
        "span_id": SPAN_HEX,
        "start_time_unix_nano": T0,
        "end_time_unix_nano": T0,
        "invented": {"deep": [1]},
        "attributes": [{"key": "k", "value": {"string_value": "v"}}],
    }

    assert server.post(json_request(span), JSON).body == b"{}"
    (row,) = server.store.spans.to_pylist()
    assert decode_attributes(row["attributes"]) == {"k": "v"}


@pytest.mark.parametrize("write", [str, int], ids=["text", "number"])
def test_oh11_64_bit_integers_are_texts_or_numbers(server: Running, write: Any):
    number = 2**63 - 1
    value = {"key": "n", "value": {"intValue": write(number)}}
    span = json_span(
        startTimeUnixNano=write(T0), endTimeUnixNano=write(T0 + 9), attributes=[value]
    )

    server.post(json_request(span), JSON)

    (row,) = server.store.spans.to_pylist()
    assert (row["start_time_unix_nano"], row["duration_nano"]) == (T0, 9)
    assert decode_attributes(row["attributes"]) == {"n": number}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_oh11_doubles_may_be_nan_and_the_infinities(server: Running, text: str):
    span = json_span(attributes=[{"key": "d", "value": {"doubleValue": text}}])

    server.post(json_request(span), JSON)

    (row,) = server.store.spans.to_pylist()
    assert str(decode_attributes(row["attributes"])["d"]) == str(float(text))


def test_oh11_bytes_are_base64(server: Running):
    value = {"bytesValue": base64.b64encode(b"\x00\xff").decode()}

    server.post(
        json_request(json_span(attributes=[{"key": "b", "value": value}])), JSON
    )

    (row,) = server.store.spans.to_pylist()
    assert decode_attributes(row["attributes"]) == {"b": b"\x00\xff"}


PREFLIGHT = {
    "Origin": "https://shop.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,content-encoding,x-team",
}


def test_oh12_a_listed_origin_may_send_after_a_preflight():
    with running(origins=["https://shop.example"]) as server:
        preflight = server.request("OPTIONS", "/v1/traces", None, PREFLIGHT)
        sent = server.post(b"{}", JSON | {"Origin": "https://shop.example"})
        refused = server.post(b"x", JSON | {"Origin": "https://shop.example"})

    assert preflight.code == 204
    allowed = preflight.headers["access-control-allow-headers"]
    assert allowed == PREFLIGHT["Access-Control-Request-Headers"]
    for response in (preflight, sent, refused):
        origin = response.headers["access-control-allow-origin"]
        assert origin == "https://shop.example"
    assert (sent.code, refused.code) == (200, 400)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.evil.example"]
)
def test_oh12_another_origin_gets_no_leave(origin: str):
    with running(origins=["https://shop.example"]) as server:
        response = server.request(
            "OPTIONS", "/v1/traces", None, PREFLIGHT | {"Origin": origin}
        )

    assert response.code == 405
    assert "access-control-allow-origin" not in response.headers


def test_oh12_without_listed_origins_cors_is_off(server: Running):
    response = server.request("OPTIONS", "/v1/traces", None, PREFLIGHT)

    assert response.code == 405
    assert not any(name.startswith("access-control") for name in response.headers)


# OTLP/gRPC.


def test_og1_concurrent_calls_with_gzip_are_all_stored(server: Running):
    with (
        grpc.insecure_channel(f"{LOOPBACK}:{server.grpc_port}") as channel,
        ThreadPoolExecutor(8) as threads,
    ):
        stub = TraceServiceStub(channel)

        def call(number: int) -> Any:
            message = request(span_message(number))
            return stub.Export(message, timeout=30, compression=grpc.Compression.Gzip)

        answers = list(threads.map(call, range(1, 21)))

    assert answers == [ExportTraceServiceResponse()] * 20
    assert len(server.store) == 20


def test_og2_bad_content_is_invalid_argument_with_bad_request_details(
    server: Running,
):
    error = refused(server, request(span_message(span_id=b"")))
    detail = BadRequestDetail()

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert rpc_status(error).details[0].Unpack(detail)
    assert "span_id" in detail.field_violations[0].description


def test_og3_a_store_that_is_away_is_unavailable_with_retry_info():
    with running(RecordingStore(away)) as server:
        error = refused(server, request(span_message()))

    retry = RetryInfo()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert rpc_status(error).details[0].Unpack(retry)
    assert retry.retry_delay.seconds > 0


def test_og3_too_many_bytes_in_flight_is_unavailable_with_retry_info():
    with running(max_inflight_bytes=10) as server:
        error = refused(server, request(span_message()))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert rpc_status(error).details
