"""Decoding without a server: values, limits, ids, times, hostile bytes."""

import math
import random
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.builders import T0, span_id, trace_id
from tests.receivers.messages import key_values, protobuf, request, span_message
from tests.receivers.serving import limits
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding
from traces.receivers.key_values import encode_attributes
from traces.receivers.verdict import BadRequest
from traces.semconv import UNKNOWN_SERVICE
from traces.spans import SPAN_SCHEMA
from traces.variant import decode_attributes

keys = st.text(max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=80)
    | st.binary(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


def decode_one(body: bytes, **changed_limits: int) -> Decoded:
    return decode([body], Encoding.OTLP_PROTOBUF, limits(**changed_limits))


def stored(*spans: Any, **changed_limits: int) -> list[dict[str, Any]]:
    decoded = decode_one(protobuf(*spans), **changed_limits)
    decoded.batch.validate(full=True)
    return list(decoded.batch.to_pylist())


def attributes_of(row: dict[str, Any]) -> dict[str, Any]:
    return decode_attributes(row["attributes"])


def remarks(*spans: Any, **changed_limits: int) -> set[str]:
    return decode_one(protobuf(*spans), **changed_limits).verdicts[0].remarks


def raw_attributes(messages: list[list[bytes]], **changed: int) -> list[dict[str, Any]]:
    lists = pa.array(messages, pa.list_(pa.binary()))
    encoded = encode_attributes(lists, limits(**changed)).variant
    return [decode_attributes(cell) for cell in encoded.to_pylist()]


@given(st.lists(st.dictionaries(keys, values, max_size=5), max_size=6))
def test_attributes_come_back_as_they_were_sent(maps: list[dict[str, Any]]):
    messages = [[kv.SerializeToString() for kv in key_values(m)] for m in maps]

    assert raw_attributes(messages) == maps


@pytest.mark.parametrize("key_length", [0, 1, 2, 3, 127, 128, 129, 256])
@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, 1, 127, 128, -1, 2**53 + 1, -(2**63), 2**63 - 1]
    + [0.0, 5e-324, math.inf, "", "x", "☃" * 21, "x" * 64]
    + ["x" * n for n in (118, 122, 126, 127, 128, 129, 16_384)]
    + [b"", b"\xff", b"x" * 300, [], [1, "a", None], [[2.5]], {}, {"n": {"m": b"1"}}]
    + [[{"in": "list"}]],
    ids=lambda value: repr(value)[:20],
)
def test_every_kind_of_value_under_every_length_of_key(key_length: int, value: Any):
    key = "k" * key_length
    messages = [[kv.SerializeToString() for kv in key_values({key: value, "z": 1})]]

    (read,) = raw_attributes(messages)

    assert read == {key: value, "z": 1}
    assert type(read[key]) is type(value)


def test_nan_and_minus_zero_survive():
    (row,) = stored(span_message(attributes={"nan": math.nan, "zero": -0.0}))

    assert math.isnan(attributes_of(row)["nan"])
    assert math.copysign(1, attributes_of(row)["zero"]) == -1


UNUSUAL = {
    "value before key": b"\x12\x02\x18\x05\x0a\x01k",
    "unknown field": b"\x0a\x01k\x12\x02\x18\x05\xf8\x01\x01",
    "unknown field inside": b"\x0a\x01k\x12\x05\x18\x05\xf8\x01\x01",
    "value given twice": b"\x0a\x01k\x12\x02\x18\x07\x12\x02\x18\x05",
    "padded varint": b"\x0a\x01k\x12\x04\x18\x85\x80\x00",
    "padded length": b"\x0a\x81\x00k\x12\x02\x18\x05",
}


@pytest.mark.parametrize("message", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_but_valid_bytes_mean_the_same(message: bytes):
    assert raw_attributes([[message]]) == [{"k": 5}]


def test_many_attributes_are_encoded_in_parts(monkeypatch: pytest.MonkeyPatch):
    maps = [{f"k{n}": n} | ({"odd": [{"n": n}]} if n % 3 else {}) for n in range(50)]
    messages = [[kv.SerializeToString() for kv in key_values(m)] for m in maps]

    monkeypatch.setattr("traces.receivers.key_values._PART", 7)

    assert raw_attributes(messages) == maps
    assert raw_attributes([[], *messages[:1], [], []]) == [{}, maps[0], {}, {}]


BROKEN = {
    "cut off key": b"\x0a\x05k",
    "cut off value": b"\x0a\x01k\x12\x05\x18",
    "bad text": b"\x0a\x01k\x12\x03\x0a\x01\xff",
    "bad key": b"\x0a\x01\xff\x12\x02\x18\x05",
    "endless varint": b"\x0a\x01k\x12\x0b\x18" + b"\xff" * 10,
    "bad array": b"\x0a\x01k\x12\x03\x2a\x01\xff",
    "field number 0": b"\x00\x00",
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN.keys())
def test_broken_attributes_fail_the_request(message: bytes):
    with pytest.raises(BadRequest):
        raw_attributes([[message]])


@given(st.lists(st.binary(max_size=12), max_size=4))
def test_any_bytes_are_read_as_protobuf_reads_them_or_refused(messages: list[bytes]):
    try:
        parsed = [KeyValue.FromString(message) for message in messages]
    except Exception:
        parsed = None

    try:
        (read,) = raw_attributes([messages])
    except BadRequest:
        assert parsed is None
        return
    assert parsed is not None
    assert read.keys() == {kv.key for kv in parsed}


def test_repeated_keys_keep_the_last_value_and_say_so():
    repeated = [*key_values({"a": 1, "b": 2}), *key_values({"a": "last"})]
    span = span_message()
    span.attributes.extend(repeated)

    (row,) = stored(span)

    assert attributes_of(row) == {"a": "last", "b": 2}
    assert any("repeated" in remark for remark in remarks(span))


def test_everything_of_a_span_is_stored():
    span = span_message(
        trace_state="k=v",
        parent_span_id=span_id(9),
        flags=0xFFFF_FC01,
        kind=3,
        status={"code": 2, "message": "boom"},
        dropped_attributes_count=1,
        dropped_events_count=2,
        dropped_links_count=3,
        events=[{"name": "e", "time_unix_nano": T0, "dropped_attributes_count": 4}],
        links=[{"trace_id": trace_id(7), "span_id": span_id(7), "flags": 1}],
    )
    span.events[0].attributes.extend(key_values({"at": 1}))
    span.links[0].attributes.extend(key_values({"why": "x"}))

    (row,) = stored(span)

    assert row["trace_id"] == trace_id(1)
    assert row["parent_span_id"] == span_id(9)
    assert row["flags"] == 0xFFFF_FC01
    assert (row["kind"], row["status_code"], row["status_message"]) == (3, 2, "boom")
    assert (row["start_time_unix_nano"], row["duration_nano"]) == (T0, 5)
    assert row["trace_state"] == "k=v"
    assert row["service_name"] == "shop"
    assert decode_attributes(row["resource_attributes"]) == {"service.name": "shop"}
    assert [row[f"dropped_{n}_count"] for n in ("attributes", "events", "links")] == [
        1,
        2,
        3,
    ]
    (event,), (link,) = row["events"], row["links"]
    assert attributes_of(event) == {"at": 1}
    assert (event["time_unix_nano"], event["name"]) == (T0, "e")
    assert event["dropped_attributes_count"] == 4
    assert attributes_of(link) == {"why": "x"}
    assert (link["trace_id"], link["span_id"]) == (trace_id(7), span_id(7))


def test_many_requests_keep_their_resources_and_scopes_apart():
    bodies = [
        protobuf(span_message(1), span_message(2), service="a", scope="x"),
        protobuf(service="empty"),
        protobuf(span_message(3), service=None, scope="y"),
    ]

    batch = decode(bodies, Encoding.OTLP_PROTOBUF, limits()).batch

    assert batch["service_name"].to_pylist() == ["a", "a", UNKNOWN_SERVICE]
    assert batch["scope_name"].to_pylist() == ["x", "x", "y"]
    assert batch.schema == SPAN_SCHEMA


@pytest.mark.parametrize("name", ["", 5])
def test_a_service_name_that_is_no_text_is_unknown(name: Any):
    built = request(span_message(), service=None)
    built.resource_spans[0].resource.attributes.extend(
        key_values({"service.name": name})
    )

    decoded = decode_one(built.SerializeToString())

    assert decoded.batch["service_name"].to_pylist() == [UNKNOWN_SERVICE]


def test_a_bad_request_does_not_touch_its_neighbours():
    good = protobuf(span_message())

    decoded = decode([good, b"\xff", good], Encoding.OTLP_PROTOBUF, limits())

    assert [verdict.error is None for verdict in decoded.verdicts] == [
        True,
        False,
        True,
    ]
    assert decoded.batch.num_rows == 2


# Ids, structure and time.


def test_c3_bad_ids_are_refused_one_by_one_with_the_reason():
    good = [span_message(n) for n in range(1, 98)]
    bad = [
        span_message(trace_id=bytes(16)),
        span_message(trace_id=b"12345678"),
        span_message(span_id=bytes(8)),
    ]

    decoded = decode_one(protobuf(*good, *bad))
    (verdict,) = decoded.verdicts

    assert decoded.batch.num_rows == 97
    assert verdict.rejected_spans == 3
    assert "trace_id is all zeros" in verdict.message
    assert "trace_id is not 16 bytes" in verdict.message
    assert "span_id is all zeros" in verdict.message


def test_c3_a_request_of_bad_spans_alone_is_a_bad_request():
    (verdict,) = decode_one(protobuf(span_message(span_id=b""))).verdicts

    assert isinstance(verdict.error, BadRequest)


@pytest.mark.parametrize("parent", [b"", bytes(8)])
def test_c4_no_parent_or_zeros_make_a_root(parent: bytes):
    span = span_message(parent_span_id=parent)

    assert stored(span)[0]["parent_span_id"] is None
    assert not remarks(span)


def test_c4_a_parent_of_the_wrong_length_makes_a_root_with_a_remark():
    spans = [
        span_message(1, parent_span_id=b"1234"),
        span_message(2, parent_span_id=span_id(1)),
    ]

    assert [row["parent_span_id"] for row in stored(*spans)] == [None, span_id(1)]
    assert any("parent_span_id" in remark for remark in remarks(*spans))


def test_c10_the_last_nanosecond_of_int64_is_kept():
    last = 2**63 - 1

    (row,) = stored(span_message(start_time_unix_nano=last, end_time_unix_nano=last))

    assert (row["start_time_unix_nano"], row["duration_nano"]) == (last, 0)


@pytest.mark.parametrize("time", [2**63, 2**64 - 1])
@pytest.mark.parametrize("field", ["start_time_unix_nano", "end_time_unix_nano"])
def test_c10_times_beyond_int64_are_refused_per_span(field: str, time: int):
    late = span_message(2, **{field: time})

    decoded = decode_one(protobuf(span_message(1), late))

    assert decoded.batch.num_rows == 1
    assert f"{field} is beyond" in decoded.verdicts[0].message


def test_c9_a_span_that_ends_before_it_starts_keeps_its_negative_duration():
    (row,) = stored(span_message(end_time_unix_nano=T0 - 7))

    assert row["duration_nano"] == -7


@pytest.mark.parametrize("text", ["\0", "\u202egnp", "a\nb", "🦀", ""])
def test_c13_strange_text_is_stored_as_it_is(text: str):
    (row,) = stored(span_message(name=text, attributes={text: text}))

    assert row["name"] == text
    assert attributes_of(row) == {text: text}


def test_c14_names_with_dots_stay_apart():
    attributes = {"a.b": 1, "a.b.c": 2, "a": 3, "": 4}

    (row,) = stored(span_message(attributes=attributes))

    assert attributes_of(row) == attributes


def test_link_ids_of_the_wrong_length_become_zeros_with_a_remark():
    span = span_message(links=[{"trace_id": b"12", "span_id": b""}])

    (link,) = stored(span)[0]["links"]

    assert (link["trace_id"], link["span_id"]) == (bytes(16), bytes(8))
    assert any("links" in remark for remark in remarks(span))


def test_events_beyond_int64_are_dropped_and_counted():
    span = span_message(
        events=[{"time_unix_nano": 2**63}, {"time_unix_nano": 1, "name": "kept"}]
    )

    (row,) = stored(span)

    assert [event["name"] for event in row["events"]] == ["kept"]
    assert row["dropped_events_count"] == 1


# Hostile bytes.


def test_a1_no_truncation_and_no_flipped_byte_raises():
    span = span_message(attributes={"a": "x", "b": [1]}, status={"code": 2})
    span.events.add(name="e").attributes.extend(key_values({"k": 1.5}))
    body = protobuf(span)
    flipped = [
        body[:i] + bytes([body[i] ^ bit]) + body[i + 1 :]
        for i in range(len(body))
        for bit in (0x01, 0x80)
    ]
    bodies = [body[:i] for i in range(len(body))] + flipped

    decoded = decode(bodies, Encoding.OTLP_PROTOBUF, limits())

    assert len(decoded.verdicts) == len(bodies)
    assert sum(v.accepted_spans for v in decoded.verdicts) == decoded.batch.num_rows
    decoded.batch.validate(full=True)


@pytest.mark.slow
def test_a15_random_mutations_are_taken_or_refused():
    chance = random.Random(7)
    body = protobuf(
        *(
            span_message(n, attributes={"a": "x" * n, "b": n, "c": n / 3})
            for n in range(9)
        )
    )
    for _ in range(1_500):
        mutated = bytearray(body)
        for _ in range(chance.randrange(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        decode_one(bytes(mutated)).batch.validate(full=True)


def nested(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    return value


def test_a5_nesting_to_the_limit_is_kept():
    message = KeyValue(key="k", value=nested(32)).SerializeToString()

    (read,) = raw_attributes([[message]])

    assert str(read["k"]).count("[") == 32


@pytest.mark.parametrize("depth", [33, 45])
def test_a5_deeper_values_are_emptied_with_a_remark(depth: int):
    span = span_message()
    span.attributes.add(key="k").value.CopyFrom(nested(depth))

    assert any("nested" in remark for remark in remarks(span))
    assert len(stored(span)) == 1


@pytest.mark.parametrize("depth", [51, 200])
def test_a5_nesting_that_protobuf_refuses_is_a_bad_request(depth: int):
    inner = b"\x18\x01"
    for _ in range(depth):
        for tag in (b"\x0a", b"\x2a"):
            size = len(inner)
            length = (
                bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
            )
            inner = tag + length + inner

    with pytest.raises(BadRequest):
        raw_attributes(
            [[KeyValue(key="k").SerializeToString() + b"\x12" + _sized(inner)]]
        )


def _sized(content: bytes) -> bytes:
    size = len(content)
    return (
        bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    ) + content


def test_a5_bad_utf8_fails_the_whole_request():
    body = protobuf(span_message(name="plain")).replace(b"plain", b"pl\xffin")

    assert decode_one(body).verdicts[0].error


@pytest.mark.parametrize("fields", [{"kind": 99}, {"status": {"code": 7}}])
def test_a5_unknown_enum_numbers_are_stored_as_unset_with_a_remark(fields: Any):
    (row,) = stored(span_message(**fields))

    assert (row["kind"], row["status_code"]) == (0, 0)
    assert any("unknown" in remark for remark in remarks(span_message(**fields)))


def test_o7_a_string_table_index_is_taken_as_absent_with_a_warning():
    span = span_message()
    span.attributes.add(key="k").value.string_value_strindex = 3

    assert attributes_of(stored(span)[0]) == {"k": None}
    assert any("string table" in remark for remark in remarks(span))


# Limits.


def test_b6_long_values_are_cut_at_a_character_and_said():
    span = span_message(attributes={"k": "☃" * 10, "raw": b"x" * 40, "n": 1})

    (row,) = stored(span, value_bytes=16)

    assert attributes_of(row) == {"k": "☃" * 5, "raw": b"x" * 16, "n": 1}
    assert any("values" in remark for remark in remarks(span, value_bytes=16))


def test_b6_long_keys_are_cut_and_said():
    span = span_message(attributes={"k" * 20: 1})

    assert attributes_of(stored(span, key_bytes=8)[0]) == {"k" * 8: 1}
    assert any("keys" in remark for remark in remarks(span, key_bytes=8))


def test_b6_attributes_beyond_the_limit_are_dropped_and_counted():
    attributes = {f"k{n}": n for n in range(10)}
    spans = [
        span_message(1, attributes=attributes, dropped_attributes_count=1),
        span_message(2, attributes={"a": 1}),
    ]

    first, second = stored(*spans, attributes=4)

    assert attributes_of(first) == {f"k{n}": n for n in range(4)}
    assert first["dropped_attributes_count"] == 7
    assert second["dropped_attributes_count"] == 0
    assert any("dropped" in remark for remark in remarks(*spans, attributes=4))


@pytest.mark.parametrize("kind", ["events", "links"])
def test_b6_events_and_links_beyond_the_limit_are_dropped_and_counted(kind: str):
    item = {"trace_id": trace_id(2), "span_id": span_id(2)} if kind == "links" else {}
    fields: dict[str, Any] = {kind: [item] * 5}
    span = span_message(1, **fields)

    (row,) = stored(span, **{kind: 2})

    assert len(row[kind]) == 2
    assert row[f"dropped_{kind}_count"] == 3
    assert any(kind in remark for remark in remarks(span, **{kind: 2}))


def test_b6_nested_values_are_cut_to_the_limit():
    span = span_message(attributes={"list": ["x" * 10] * 10, "map": {"k": "y" * 99}})

    attributes = attributes_of(stored(span, value_bytes=32)[0])

    assert len(str(attributes["list"])) < 80
    assert len(attributes["map"]["k"]) <= 32


def test_b6_names_are_cut_and_said():
    span = span_message(name="n" * 9, status={"message": "m" * 9}, trace_state="t" * 9)

    (row,) = stored(span, name_bytes=4, value_bytes=6)

    assert (row["name"], row["status_message"]) == ("nnnn", "mmmmmm")
    assert row["trace_state"] == "tttttt"
    assert any("names" in remark for remark in remarks(span, name_bytes=4))


def test_b8_a_long_service_name_is_cut_and_said():
    decoded = decode_one(
        protobuf(span_message(), service="s" * 9), service_name_bytes=3
    )

    assert decoded.batch["service_name"].to_pylist() == ["sss"]
    assert decoded.verdicts[0].remarks


def test_b5_too_many_spans_are_a_bad_request():
    assert (
        decode_one(protobuf(*[span_message()] * 3), spans_per_request=2)
        .verdicts[0]
        .error
    )


def test_b5_millions_of_empty_spans_are_refused_before_they_are_decoded():
    spans = b"\x12\x00" * 500_000
    scope_spans = b"\x12" + _long(spans)
    body = b"\x0a" + _long(scope_spans)

    (verdict,) = decode_one(body).verdicts

    assert verdict.error
    assert "200000 spans" in str(verdict.error)


def test_too_many_attributes_in_all_are_a_bad_request():
    span = span_message()
    for _ in range(41):
        span.events.add()

    assert decode_one(protobuf(span), spans_per_request=2).verdicts[0].error


def test_a_large_resource_under_many_spans_is_refused():
    spans = [span_message(n) for n in range(1, 200)]
    built = request(*spans)
    built.resource_spans[0].resource.attributes.extend(key_values({"k": "x" * 9_000}))

    (verdict,) = decode_one(built.SerializeToString(), body_bytes=100_000).verdicts

    assert "too large" in str(verdict.error)


def _long(content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([*length, size]) + content


def test_limits_are_those_of_the_settings():
    assert replace(limits()) == limits()
