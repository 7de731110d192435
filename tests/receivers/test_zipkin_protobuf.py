"""Zipkin v2 protobuf as spans: equal to JSON, and what is refused."""

from typing import Any

import pytest

from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from tests.receivers.zipkin import (
    SPAN_HEX,
    START,
    TRACE_HEX,
    decode_spans,
    decode_zipkin,
    zipkin_protobuf,
    zipkin_span,
)
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding

FULL: dict[str, Any] = {
    "parentId": "00000000000000aa",
    "kind": "CLIENT",
    "debug": True,
    "shared": True,
    "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80},
    "remoteEndpoint": {"serviceName": "db", "ipv6": "2001:db8::1", "port": 65_535},
    "annotations": [
        {"timestamp": START + 1, "value": "wire send"},
        {"timestamp": START + 2, "value": '"retry": {"attempt": 2}'},
    ],
    "tags": {
        "": "",
        "error": "declined",
        "otel.scope.name": "lib",
        "long": "é" * 9_000,
    },
}


def decoded(*spans: Any) -> Decoded:
    return decode_zipkin(zipkin_protobuf(*spans), Encoding.ZIPKIN_PROTOBUF)


def test_a14_json_and_protobuf_of_one_trace_are_the_same_batch():
    spans = [
        zipkin_span(**FULL),
        zipkin_span(),
        zipkin_span(id="00000000000000ab", kind="SERVER", timestamp=0),
        zipkin_span(traceId="48485a3953bb6124", kind="PRODUCER", duration=0),
        zipkin_span(parentId=SPAN_HEX, kind="CONSUMER", localEndpoint={}),
    ]
    assert decoded(*spans).batch.equals(decode_spans(*spans).batch)
    assert decoded(*spans).verdicts == decode_spans(*spans).verdicts


@pytest.mark.parametrize("size", [8, 16])
def test_a8_z2_trace_ids_of_8_or_16_bytes_are_taken(size):
    [row] = rows_of(decoded(zipkin_span(traceId=b"\1" * size)).batch)
    assert row["trace_id"] == bytes(16 - size) + b"\1" * size


@pytest.mark.parametrize("size", [0, 4, 7, 15, 17])
def test_a8_z2_trace_ids_of_other_lengths_are_refused_alone(size):
    found = decoded(zipkin_span(traceId=b"\1" * size), zipkin_span())
    assert found.verdicts[0].rejected == {"trace_id is not 8 or 16 bytes": 1}
    assert found.batch.num_rows == 1


@pytest.mark.parametrize("size", [0, 4, 7, 16, 17])
def test_a8_z2_ids_of_other_lengths_than_8_are_refused_alone(size):
    found = decoded(zipkin_span(id=b"\1" * size), zipkin_span())
    assert found.verdicts[0].rejected == {"id is not 8 bytes": 1}
    assert found.batch.num_rows == 1


@pytest.mark.parametrize("fields", [{"traceId": bytes(16)}, {"id": bytes(8)}], ids=str)
def test_c3_zero_ids_are_refused_alone(fields):
    found = decoded(zipkin_span(**fields), zipkin_span())
    assert found.verdicts[0].rejected_spans == 1
    assert "all zeros" in found.verdicts[0].message


@pytest.mark.parametrize("parent", [b"", bytes(8), bytes.fromhex(SPAN_HEX)])
def test_c5_no_parent_a_zero_one_and_the_span_itself_mean_root(parent):
    [row] = rows_of(decoded(zipkin_span(parentId=parent)).batch)
    assert row["parent_span_id"] is None


def test_c4_a_parent_of_another_length_is_taken_as_absent_and_said():
    found = decoded(zipkin_span(parentId=b"\1" * 4))
    assert rows_of(found.batch)[0]["parent_span_id"] is None
    assert "taken as absent" in found.verdicts[0].message


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": 2**63 // 1000 + 1},
        {"timestamp": 2**63},
        {"timestamp": 2**64 - 1},
        {"duration": 2**63 // 1000},
        {"duration": 2**64 - 1},
        {"annotations": [{"timestamp": 2**64 - 1}]},
        {"localEndpoint": {"port": 70_000}},
        {"remoteEndpoint": {"port": -1}},
    ],
    ids=str,
)
def test_c10_a7_what_is_out_of_range_is_refused_alone(fields):
    found = decoded(zipkin_span(**fields), zipkin_span())
    assert found.verdicts[0].rejected_spans == 1
    assert found.batch.num_rows == 1


def test_a5_an_unknown_kind_is_unspecified_and_said():
    found = decoded(zipkin_span(kind=9))
    assert rows_of(found.batch)[0]["kind"] == 0
    assert "unknown span kinds" in found.verdicts[0].message


def test_a7_addresses_of_odd_lengths_are_taken_as_absent():
    remote = {"ipv4": b"\1\2\3", "ipv6": b"\1" * 5, "port": 1}
    [row] = rows_of(decoded(zipkin_span(remoteEndpoint=remote)).batch)
    assert row["attributes"] == {"network.peer.port": 1}


def test_c14_of_a_repeated_tag_the_last_is_kept():
    once = zipkin_protobuf(zipkin_span(tags={"a": "1", "b": "1"}))
    twice = once.replace(b"\x0a\1b\x12\x011", b"\x0a\1a\x12\x012")
    found = decode_zipkin(twice, Encoding.ZIPKIN_PROTOBUF)
    assert rows_of(found.batch)[0]["attributes"] == {"a": "2"}


GOOD = zipkin_protobuf(zipkin_span(**FULL | {"tags": {"a": "b"}}))
NO_PROTOBUF = {
    "JSON": b'[{"id": "1"}]',
    "cut off": GOOD[:-1],
    "bad UTF-8 in a name": GOOD.replace(b"get /", b"get \xff"),
    "bad UTF-8 in a tag": GOOD.replace(b"\x0a\1a\x12\1b", b"\x0a\1a\x12\1\xff"),
    "huge length": b"\x0a\xff\xff\xff\xff\x0f",
    "tag 0": b"\0",
}


@pytest.mark.parametrize("body", NO_PROTOBUF.values(), ids=NO_PROTOBUF.keys())
def test_a5_what_is_no_protobuf_is_a_bad_request(body):
    found = decode([GOOD, body, GOOD], Encoding.ZIPKIN_PROTOBUF, limits())
    assert "Zipkin protobuf" in str(found.verdicts[1].error)
    assert found.batch.num_rows == 2


def test_a1_no_truncation_and_no_flipped_byte_raises():
    flipped = [
        GOOD[:i] + bytes([GOOD[i] ^ 0xFF]) + GOOD[i + 1 :] for i in range(len(GOOD))
    ]
    bodies = [GOOD[:i] for i in range(len(GOOD))] + flipped
    found = decode(bodies, Encoding.ZIPKIN_PROTOBUF, limits())
    assert sum(v.accepted_spans for v in found.verdicts) == found.batch.num_rows


def test_unknown_fields_are_passed_over():
    found = decode_zipkin(GOOD + b"\xfa\x7f\x03new", Encoding.ZIPKIN_PROTOBUF)
    assert found.batch.num_rows == 1


def test_z1_an_empty_body_is_an_empty_request():
    assert decoded().verdicts[0].error is None


BOMBS = {
    "spans": b"\x0a\0" * 6_000_000,
    "tags": b"\x0a" + b"\x80\xda\xc4\x09" + b"\x5a\0" * 10_000_000,
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_b5_millions_of_nothing_are_refused(body):
    found = decode_zipkin(body, Encoding.ZIPKIN_PROTOBUF)
    assert "a request may hold" in str(found.verdicts[0].error)
    assert TRACE_HEX not in str(found.verdicts[0].error)
