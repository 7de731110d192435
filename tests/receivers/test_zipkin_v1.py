"""Zipkin version 1, in JSON and thrift: what its annotations mean."""

import base64
import json
import struct as binary
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from tests.receivers.thrift_writing import (
    i32,
    i64,
    listed,
    struct,
    text,
    written,
)
from tests.receivers.zipkin import (
    SPAN_HEX,
    START,
    TRACE_HEX,
    decode_zipkin,
    zipkin_json,
    zipkin_span,
)
from tests.receivers.zipkin_v1 import BANK, SHOP, moment, tag, thrift_list, v1_span
from traces.receivers import zipkin_v1_json
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding

Rows = Callable[..., list[dict[str, Any]]]


def from_json(*spans: Any) -> Decoded:
    return decode_zipkin(zipkin_json(*spans), Encoding.ZIPKIN_V1_JSON)


def from_thrift(*spans: dict[str, Any]) -> Decoded:
    return decode_zipkin(thrift_list(*spans), Encoding.ZIPKIN_V1_THRIFT)


@pytest.fixture(params=[from_json, from_thrift])
def read(request: pytest.FixtureRequest) -> Rows:
    """Both encodings; what is refused or altered fails the test."""

    def rows(*spans: Any) -> list[dict[str, Any]]:
        decoded = request.param(*spans)
        assert not decoded.verdicts[0].message
        return rows_of(decoded.batch)

    return rows


def summary(row: dict[str, Any]) -> tuple[Any, ...]:
    start = (row["start_time_unix_nano"] // 1000) - START
    return row["kind"], row["service_name"], start, row["duration_nano"] // 1000


def test_a14_ids_names_and_times(read: Rows):
    span = v1_span(parentId="2", timestamp=START, duration=9, debug=True)
    [row] = read(span)
    assert row["trace_id"].hex() == TRACE_HEX
    assert row["span_id"].hex() == SPAN_HEX
    assert row["parent_span_id"] == bytes(7) + b"\2"
    assert row["name"] == "get /"
    assert summary(row) == (1, "unknown_service", 0, 9)
    assert row["attributes"] == {"zipkin.debug": True}


def test_c1_64_bit_ids_are_padded(read: Rows):
    [row] = read(v1_span(traceId="f" * 16, timestamp=START))
    assert row["trace_id"].hex() == "0" * 16 + "f" * 16


@pytest.mark.parametrize(
    ("values", "kind"),
    [(("cs", "cr"), 3), (("sr", "ss"), 2), (("ms", "ws"), 4), (("wr", "mr"), 5)],
)
def test_moments_are_the_kind_and_the_times(read: Rows, values: Any, kind: int):
    annotations = [moment(values[0]), moment("between", 2), moment(values[1], 5)]
    [row] = read(v1_span(annotations=annotations, timestamp=START))
    assert summary(row) == (kind, "shop", 0, 5)
    assert [event["name"] for event in row["events"]] == ["between"]
    assert row["attributes"] == {
        "network.local.address": "10.0.0.1",
        "network.local.port": 80,
    }


def test_a_span_s_own_times_go_before_its_moments(read: Rows):
    annotations = [moment("cs", 1), moment("cr", 5)]
    [row] = read(v1_span(annotations=annotations, timestamp=START, duration=9))
    assert summary(row) == (3, "shop", 0, 9)
    assert row["events"] == []


def test_a_server_that_joined_has_its_times_from_its_moments(read: Rows):
    annotations = [moment("sr", 3), moment("ss", 5)]
    [row] = read(v1_span(annotations=annotations))
    assert summary(row) == (2, "shop", 3, 2)
    assert row["attributes"]["zipkin.shared"] is True
    assert "otel.zipkin.absentField.startTime" not in row["attributes"]


def test_c7_client_and_server_in_one_become_two(read: Rows):
    annotations = [
        moment("cs"),
        moment("sr", 2, BANK),
        moment("queued", 3, BANK),
        moment("ss", 4, BANK),
        moment("cr", 7),
        moment("late", 8),
    ]
    tags = [tag("where", "here"), tag("lc", ""), tag("where", "there", BANK)]
    client, server = read(
        v1_span(
            annotations=annotations,
            binaryAnnotations=tags,
            timestamp=START,
            duration=7,
        )
    )
    assert client["span_id"] == server["span_id"]
    assert summary(client) == (3, "shop", 0, 7)
    assert summary(server) == (2, "bank", 2, 2)
    assert [event["name"] for event in client["events"]] == ["late"]
    assert [event["name"] for event in server["events"]] == ["queued"]
    assert client["attributes"]["where"] == "here"
    assert server["attributes"]["where"] == "there"
    assert "lc" not in client["attributes"]
    assert server["attributes"]["zipkin.shared"] is True
    assert "zipkin.shared" not in client["attributes"]
    assert server["attributes"]["network.local.port"] == 65_535
    assert server["attributes"]["network.local.address"] == "2001:db8::1"


def test_a_message_sent_and_received_in_one_becomes_two(read: Rows):
    annotations = [moment("ms"), moment("mr", 6, BANK)]
    sent, received = read(v1_span(annotations=annotations))
    assert summary(sent) == (4, "shop", 0, 0)
    assert summary(received) == (5, "bank", 6, 0)


@pytest.mark.parametrize(
    ("moments", "address"),
    [(("cs", "cr"), "sa"), (("sr", "ss"), "ca"), (("ms",), "ma"), (("mr",), "ma")],
)
def test_an_address_is_the_other_side(read: Rows, moments: Any, address: str):
    annotations = [moment(value, n) for n, value in enumerate(moments)]
    tags = [tag(address, value=True, endpoint=BANK)]
    [row] = read(v1_span(annotations=annotations, binaryAnnotations=tags))
    assert row["service_name"] == "shop"
    assert row["attributes"]["service.peer.name"] == "bank"
    assert row["attributes"]["network.peer.port"] == 65_535
    assert address not in row["attributes"]


def test_without_moments_an_address_tells_as_much_as_it_can(read: Rows):
    here, there = tag("x", "y"), tag("sa", value=True, endpoint=BANK)
    [row] = read(v1_span(timestamp=START, binaryAnnotations=[here, there]))
    assert summary(row) == (1, "shop", 0, 0)
    assert row["attributes"]["service.peer.name"] == "bank"
    there = tag("ca", value=True, endpoint=BANK)
    [row] = read(v1_span(timestamp=START, binaryAnnotations=[here, there]))
    assert summary(row) == (2, "shop", 0, 0)
    assert row["attributes"]["service.peer.name"] == "bank"


def test_an_end_without_a_start_stays_an_event_and_is_the_start(read: Rows):
    [row] = read(v1_span(annotations=[moment("cr", 5)]))
    assert summary(row) == (3, "shop", 5, 0)
    assert [event["name"] for event in row["events"]] == ["cr"]
    assert row["attributes"]["otel.zipkin.absentField.startTime"] is True


def test_annotations_without_endpoints_are_read_too(read: Rows):
    annotations = [moment("sr", endpoint=None), moment("x", endpoint=None)]
    [row] = read(v1_span(annotations=annotations))
    assert summary(row) == (2, "unknown_service", 0, 0)
    assert [event["name"] for event in row["events"]] == ["x"]


@pytest.mark.parametrize("away", [2**63 - 1, -(2**63)])
def test_c10_moments_too_far_apart_are_refused(away: int):
    for read in (from_json, from_thrift):
        first = {"timestamp": START, "value": "cs"}
        last = {"timestamp": away, "value": "cr"}
        decoded = read(v1_span(annotations=[first, last]), v1_span(timestamp=START))
        assert decoded.verdicts[0].rejected_spans == 1
        assert decoded.batch.num_rows == 1


def test_c9_a_reply_before_the_request_is_stored_as_it_came(read: Rows):
    [row] = read(v1_span(annotations=[moment("cs", 5), moment("cr", 2)]))
    assert summary(row) == (3, "shop", 5, -3)


JSON_VALUES = [
    ("plain", None, "plain"),
    (True, "BOOL", True),
    (7, "I16", 7),
    ("7", "I64", 7),
    ("seven", "I32", "seven"),
    (2**53 + 1, "I64", 2**53 + 1),
    (1.5, "DOUBLE", 1.5),
    (base64.b64encode(b"\0\xff").decode(), "BYTES", b"\0\xff"),
    ("no base64!", "BYTES", "no base64!"),
    (None, None, ""),
]


@pytest.mark.parametrize(("value", "kind", "stored"), JSON_VALUES)
def test_a8_c14_values_in_json_keep_their_types(value: Any, kind: Any, stored: Any):
    entry = {"key": "k", "value": value} | ({"type": kind} if kind else {})
    decoded = from_json(v1_span(timestamp=START, binaryAnnotations=[entry]))
    kept = rows_of(decoded.batch)[0]["attributes"]["k"]
    assert kept == stored
    assert type(kept) is type(stored)


THRIFT_VALUES = [
    (0, b"\1", True),
    (0, b"\0", False),
    (1, b"\0\xff", b"\0\xff"),
    (2, b"\xff\xfe", -2),
    (3, b"\x80\0\0\0", -(2**31)),
    (4, b"\x7f" + b"\xff" * 7, 2**63 - 1),
    (5, binary.pack(">d", 1.5), 1.5),
    (6, "é\0".encode(), "é\0"),
    (6, b"\xff!", "\ufffd!"),
    (4, b"\1", b"\1"),
    (9, b"what", b"what"),
]


@pytest.mark.parametrize(("kind", "raw", "stored"), THRIFT_VALUES)
def test_a8_c13_values_in_thrift_keep_their_types(kind: int, raw: bytes, stored: Any):
    entry = struct({1: text("k"), 2: text(raw), 3: i32(kind)})
    fields = {1: i64(1), 4: i64(2), 8: listed(entry), 10: i64(START)}
    body = b"\x0c\0\0\0\1" + written(struct(fields))
    decoded = decode_zipkin(body, Encoding.ZIPKIN_V1_THRIFT)
    kept = rows_of(decoded.batch)[0]["attributes"]["k"]
    assert kept == stored
    assert type(kept) is type(stored)


@pytest.mark.parametrize(
    "v2",
    [
        zipkin_span(),
        v1_span(tags={}),
        v1_span(kind=None, timestamp="5"),
        v1_span(shared=True),
        v1_span(remoteEndpoint={}),
    ],
)
def test_z1_version_2_is_told_apart(v2: dict[str, Any]):
    [verdict] = from_json(v1_span(), v2).verdicts
    assert "v1 JSON" in str(verdict.error)
    assert "v2 JSON" in str(verdict.error)


BAD: dict[str, Any] = {
    "zero id": {"id": "0"},
    "upper case": {"traceId": "A" * 16},
    "no time": {"annotations": [{"value": "x"}]},
    "annotations are an object": {"annotations": {}},
    "value is a list": {"binaryAnnotations": [{"key": "k", "value": []}]},
    "value is huge": {"binaryAnnotations": [{"key": "k", "value": 2**63}]},
    "key is a number": {"binaryAnnotations": [{"key": 7, "value": "v"}]},
    "endpoint is a text": {"annotations": [moment("x", endpoint="shop")]},
    "port 70000": {"annotations": [moment("sr", endpoint={"port": 70_000})]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a7_c3_a_bad_span_is_refused_and_the_next_one_taken(bad: dict[str, Any]):
    span = v1_span(timestamp=START)
    decoded = from_json(span | bad, "no span", span)
    assert decoded.verdicts[0].rejected_spans == 2
    assert decoded.batch.num_rows == 1


GOOD = thrift_list(v1_span(annotations=[moment("cs"), moment("cr", 3)]))
NO_THRIFT = {
    "JSON": json.dumps([v1_span()]).encode(),
    "cut off": GOOD[:-1],
    "a list of numbers": b"\x08\0\0\0\1\0\0\0\1",
    "a list of 2^31 - 1 structs": b"\x0c\x7f\xff\xff\xff" + GOOD[5:],
    "a negative list": b"\x0c\xff\xff\xff\xff" + GOOD[5:],
    "a long text": GOOD.replace(b"\0\0\0\5get /", b"\x7f\xff\xff\xffget /"),
    "a negative text": GOOD.replace(b"\0\0\0\5get /", b"\xff\xff\xff\xffget /"),
    "nested without end": b"\x0c\0\0\0\1" + b"\x0c\0\x63" * 100_000,
}


@pytest.mark.parametrize("body", NO_THRIFT.values(), ids=NO_THRIFT.keys())
def test_a9_what_is_no_thrift_is_a_bad_request_of_its_own(body: bytes):
    decoded = decode([GOOD, body, GOOD], Encoding.ZIPKIN_V1_THRIFT, limits())
    assert decoded.verdicts[1].error is not None
    assert decoded.batch.num_rows == 2


def test_a1_no_truncation_and_no_flipped_byte_of_thrift_raises():
    flipped = [
        GOOD[:i] + bytes([GOOD[i] ^ 0xFF]) + GOOD[i + 1 :] for i in range(len(GOOD))
    ]
    bodies = [GOOD[:i] for i in range(len(GOOD))] + flipped
    found = decode(bodies, Encoding.ZIPKIN_V1_THRIFT, limits())
    assert sum(v.accepted_spans for v in found.verdicts) == found.batch.num_rows


def test_c3_zero_ids_of_thrift_are_refused_alone():
    good = v1_span(timestamp=START)
    decoded = from_thrift(good, good | {"traceId": "0"}, good | {"id": "0"})
    assert decoded.verdicts[0].rejected_spans == 2
    assert decoded.batch.num_rows == 1


def test_b5_one_span_too_many_of_thrift_is_a_bad_request():
    body = thrift_list(*[v1_span(timestamp=START)] * 3)
    for most, accepted in ((3, 3), (2, 0)):
        changed = limits(spans_per_request=most)
        [verdict] = decode([body], Encoding.ZIPKIN_V1_THRIFT, changed).verdicts
        assert verdict.accepted_spans == accepted


class Refusing:
    def decode(self, _body: object) -> None:
        raise msgspec.ValidationError


odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 7, -1, 2**64, 1.5, "", "x", "7", "cs", [], {}, [{}], START]
)
odd_endpoints = st.none() | odd_values | st.sampled_from([SHOP, BANK])
odd_annotations = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.just(START) | odd_values,
        "value": st.sampled_from(["cs", "cr", "sr", "ss", "mr"]) | odd_values,
        "endpoint": odd_endpoints,
        "key": st.just("sa") | odd_values,
        "type": st.sampled_from(["I64", "BYTES"]) | odd_values,
    },
)
odd_spans: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"traceId": st.just(TRACE_HEX), "id": st.just(SPAN_HEX)},
    optional={
        "timestamp": st.just(START) | odd_values,
        "annotations": st.lists(odd_annotations, max_size=3) | odd_values,
        "binaryAnnotations": st.lists(odd_annotations, max_size=2) | odd_values,
        "tags": st.just({}),
    },
)


@given(st.lists(odd_spans, max_size=2))
def test_the_quick_and_the_lenient_way_agree(spans: list[Any]):
    quick = from_json(*spans)
    with pytest.MonkeyPatch.context() as patch:
        for decoder in ("_all", "_one"):
            patch.setattr(zipkin_v1_json._DOCUMENTS, decoder, Refusing())
        lenient = from_json(*spans)
    assert quick.batch.equals(lenient.batch)
    for one, other in zip(quick.verdicts, lenient.verdicts, strict=True):
        assert one.rejected == other.rejected
        assert str(one.error) == str(other.error)
