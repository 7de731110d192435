"""Spans that a reader collects one by one, and the bytes of their attributes."""

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.receivers.serving import limits
from traces.receivers import wire_format
from traces.receivers.span_columns import to_batch
from traces.receivers.verdict import BadRequest
from traces.receivers.wire import SpanRow, WireBuilder
from traces.spans import SpanBatch
from traces.variant import decode_attributes

TRACE_ID, SPAN_ID = bytes(range(16)), bytes(range(1, 9))
SCALARS = (
    st.text(max_size=100)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=100)
)


def row(name: str = "get", **fields: Any) -> SpanRow:
    given: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "kind": 2,
        "start_time_unix_nano": 5,
        "end_time_unix_nano": 9,
        "attributes": [],
        "events": [],
        "links": [],
    }
    return SpanRow(name=name, **(given | fields))


def plain(value: AnyValue) -> Any:
    if value.WhichOneof("value") == "array_value":
        return [plain(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value"))


@given(st.text(), SCALARS | st.lists(SCALARS, max_size=3))
def test_an_attribute_is_the_message_that_protobuf_would_write(key, value):
    read = KeyValue.FromString(wire_format.key_value(key, value))
    assert read.key == key
    assert plain(read.value) == value
    assert type(plain(read.value)) is type(value)


def test_equal_numbers_of_other_types_are_told_apart():
    values = [1, True, 1.0, "1"]
    read = [
        KeyValue.FromString(wire_format.key_value("k", value)).value.WhichOneof("value")
        for value in values
    ]
    assert read == ["int_value", "bool_value", "double_value", "string_value"]


def test_nan_stays_nan():
    read = KeyValue.FromString(wire_format.key_value("k", math.nan))
    assert math.isnan(read.value.double_value)


def test_remembered_keys_are_bounded(monkeypatch):
    monkeypatch.setattr(wire_format, "_MOST_REMEMBERED", 10)
    for number in range(100):
        wire_format.key_value(f"key {number}", "x")
    wire_format.key_value("k" * 10_000, "x")
    assert len(wire_format._heads) <= 10
    assert "k" * 10_000 not in wire_format._heads


@pytest.mark.parametrize("size", [0, 125, 126, 127, 128, 20_000])
def test_texts_of_any_length_are_written(size):
    read = KeyValue.FromString(wire_format.key_value("k", "x" * size))
    assert read.value.string_value == "x" * size


@given(st.integers(0, 2**63 - 1), st.text(), st.integers(0, 2**32 - 1))
def test_an_event_is_the_message_that_protobuf_would_write(time, name, dropped):
    attributes = [wire_format.key_value("a", 1), wire_format.key_value("b", "x")]
    read = Span.Event.FromString(wire_format.event(time, name, attributes, dropped))
    assert (read.time_unix_nano, read.name) == (time, name)
    assert read.dropped_attributes_count == dropped
    assert [each.key for each in read.attributes] == ["a", "b"]


def test_a_link_is_the_message_that_protobuf_would_write():
    attribute = wire_format.key_value("why", "retry")
    read = Span.Link.FromString(wire_format.link(TRACE_ID, SPAN_ID, [attribute]))
    assert (read.trace_id, read.span_id) == (TRACE_ID, SPAN_ID)
    assert read.attributes[0].key == "why"


def built(builder: WireBuilder) -> SpanBatch:
    return to_batch(builder.build(), limits())


def test_rows_become_spans_with_their_resource_and_scope():
    builder = WireBuilder(limits())
    for service in ("cart", "payment"):
        builder.open_request()
        name = wire_format.key_value("service.name", service)
        resource = builder.open_resource([name])
        scope = builder.open_scope(resource, f"scope of {service}", "1.0")
        event = wire_format.event(7, "charged", [wire_format.key_value("n", 1)])
        link = wire_format.link(TRACE_ID, SPAN_ID)
        attributes = [wire_format.key_value("amount", 12.5)]
        builder.add(row(attributes=attributes, events=[event], links=[link]), scope)

    first, second = built(builder).to_pylist()
    assert (first["service_name"], second["service_name"]) == ("cart", "payment")
    assert (second["scope_name"], second["scope_version"]) == (
        "scope of payment",
        "1.0",
    )
    assert (first["start_time_unix_nano"], first["duration_nano"]) == (5, 4)
    assert decode_attributes(first["attributes"]) == {"amount": 12.5}
    assert [each["name"] for each in first["events"]] == ["charged"]
    assert [each["span_id"] for each in first["links"]] == [SPAN_ID]


def test_a_failed_request_leaves_nothing_and_touches_no_other():
    builder = WireBuilder(limits())
    for number in range(3):
        verdict = builder.open_request()
        builder.add(row(str(number)), builder.open_scope(builder.open_resource([])))
        if number == 1:
            builder.fail_request(BadRequest("broken"))
        else:
            assert verdict.error is None
    batch = built(builder)
    assert batch["name"].to_pylist() == ["0", "2"]
    assert [str(each.error) for each in builder.verdicts] == ["None", "broken", "None"]
    assert [each.accepted_spans for each in builder.verdicts] == [1, 0, 1]


def test_nothing_at_all_is_an_empty_batch():
    builder = WireBuilder(limits())
    builder.open_request()
    assert built(builder).num_rows == 0
    assert built(WireBuilder(limits())).num_rows == 0


def test_one_span_too_many_is_a_bad_request():
    builder = WireBuilder(limits(spans_per_request=2))
    builder.open_request()
    scope = builder.open_scope(builder.open_resource([]))
    builder.add(row(), scope)
    builder.add(row(), scope)
    with pytest.raises(BadRequest, match="2 spans at most"):
        builder.add(row(), scope)


def test_ids_of_a_wrong_length_are_refused_like_those_of_otlp():
    builder = WireBuilder(limits())
    builder.open_request()
    scope = builder.open_scope(builder.open_resource([]))
    builder.add(row("short", trace_id=b"123"), scope)
    builder.add(row("good"), scope)
    batch = built(builder)
    assert isinstance(batch, pa.Table)
    assert batch["name"].to_pylist() == ["good"]
    assert list(builder.verdicts[0].rejected) == [
        "trace_id is not 16 bytes (32 hex digits)"
    ]
