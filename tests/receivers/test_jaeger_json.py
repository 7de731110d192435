"""Jaeger's JSON as spans."""

import json
from typing import Any

import pytest

from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def jaeger_span(**fields: Any) -> dict[str, Any]:
    return {
        "traceID": TRACE_ID,
        "spanID": "b7ad6b7169203331",
        "operationName": "GET /",
        "startTime": 1_700_000_000_000_001,
        "duration": 12,
        "processID": "p1",
    } | fields


def jaeger_trace(*spans: Any, **processes: Any) -> dict[str, Any]:
    processes = processes or {"p1": {"serviceName": "shop"}}
    return {"traceID": TRACE_ID, "spans": list(spans), "processes": processes}


def tag(key: str, value: Any, kind: str = "string") -> dict[str, Any]:
    return {"key": key, "type": kind, "value": value}


def reference(kind: str, span_id: str, trace_id: str = TRACE_ID) -> dict[str, Any]:
    return {"refType": kind, "traceID": trace_id, "spanID": span_id}


def decoded(document: Any) -> Decoded:
    body = json.dumps(document).encode()
    return decode([body], Encoding.JAEGER_JSON, limits())


def spans_of(document: Any) -> list[dict[str, Any]]:
    return rows_of(decoded(document).batch)


def read(**fields: Any) -> dict[str, Any]:
    [span] = spans_of(jaeger_trace(jaeger_span(**fields)))
    return span


def refusal(**fields: Any) -> str:
    [verdict] = decoded(jaeger_trace(jaeger_span(**fields))).verdicts
    [reason] = verdict.rejected
    return reason


def test_a_span_keeps_its_ids_name_and_times():
    span = read()
    assert span["trace_id"].hex() == TRACE_ID
    assert span["span_id"].hex() == "b7ad6b7169203331"
    assert span["name"] == "GET /"
    assert span["start_time_unix_nano"] == 1_700_000_000_000_001_000
    assert span["duration_nano"] == 12_000


def test_a_64_bit_trace_id_is_padded_on_the_left():
    assert read(traceID="abc")["trace_id"] == (0xABC).to_bytes(16, "big")


def test_an_id_that_is_no_number_is_hashed_and_kept_as_an_attribute():
    span = read(traceID="trace-1", spanID="span-1")
    assert len(span["trace_id"]) == 16
    assert len(span["span_id"]) == 8
    assert span["attributes"] == {
        "jaeger.trace_id": "trace-1",
        "jaeger.span_id": "span-1",
    }


def test_equal_id_texts_make_equal_ids():
    child = read(spanID="b", references=[reference("CHILD_OF", "span-1")])
    assert child["parent_span_id"] == read(spanID="span-1")["span_id"]


@pytest.mark.parametrize("zero", ["0", "0" * 32, ""])
def test_a_zero_or_missing_trace_id_is_refused(zero):
    assert "traceID" in refusal(traceID=zero)


def test_the_first_child_of_in_the_trace_is_the_parent():
    span = read(
        references=[
            reference("FOLLOWS_FROM", "1"),
            reference("CHILD_OF", "2", trace_id="99"),
            reference("CHILD_OF", "3"),
            reference("CHILD_OF", "4"),
        ]
    )
    assert span["parent_span_id"] == (3).to_bytes(8, "big")
    assert [link["span_id"][-1] for link in span["links"]] == [1, 2, 4]


def test_without_child_of_the_first_follows_from_is_the_parent():
    span = read(references=[reference("FOLLOWS_FROM", "1")])
    assert span["parent_span_id"] == (1).to_bytes(8, "big")
    assert not span["links"]


def test_a_link_says_which_reference_it_was():
    span = read(references=[reference("FOLLOWS_FROM", "1", trace_id="99")])
    assert span["links"][0]["attributes"] == {"opentracing.ref_type": "follows_from"}


def test_the_old_parent_field_is_read():
    assert read(parentSpanID="10")["parent_span_id"] == (0x10).to_bytes(8, "big")
    assert read(parentSpanID="0")["parent_span_id"] is None


@pytest.mark.parametrize(
    ("kind", "sent", "read_as"),
    [
        ("string", "true", "true"),
        ("bool", True, True),
        ("bool", "false", False),
        ("int64", 2**53 + 1, 2**53 + 1),
        ("int64", str(2**63 - 1), 2**63 - 1),
        ("int64", 1.5, 1.5),
        ("int64", "many", "many"),
        ("float64", 3, 3.0),
        ("float64", "1.5", 1.5),
        ("binary", "AAH/", b"\x00\x01\xff"),
        ("binary", "not base64!", "not base64!"),
        ("string", {"a": [1]}, '{"a":[1]}'),
        ("string", None, "null"),
        ("int64", 2**64 - 1, str(2**64 - 1)),
    ],
)
def test_tags_keep_the_type_they_declare(kind, sent, read_as):
    value = read(tags=[tag("key", sent, kind)])["attributes"]["key"]
    assert value == read_as
    assert type(value) is type(read_as)


def test_the_process_becomes_the_resource():
    process = {"serviceName": "shop", "tags": [tag("host.name", "a")]}
    [span] = spans_of(jaeger_trace(jaeger_span(), p1=process))
    assert span["resource_attributes"] == {"service.name": "shop", "host.name": "a"}


def test_a_process_within_the_span_goes_before_the_one_it_names():
    span = read(process={"serviceName": "other"})
    assert span["resource_attributes"] == {"service.name": "other"}


def test_a_span_of_an_unknown_process_has_no_service():
    assert read(processID="p9")["resource_attributes"] == {}


def test_tags_that_opentelemetry_has_fields_for_move_there():
    span = read(
        tags=[
            tag("span.kind", "client"),
            tag("otel.status_code", "ERROR"),
            tag("otel.status_description", "card refused"),
            tag("error", True, "bool"),
            tag("otel.scope.name", "lib"),
            tag("otel.scope.version", "2"),
            tag("otel.library.name", "lib"),
            tag("w3c.tracestate", "a=b"),
            tag("otel.dropped_events_count", 3, "int64"),
        ]
    )
    assert (span["scope_name"], span["scope_version"]) == ("lib", "2")
    assert (span["kind"], span["status_code"]) == (3, 2)
    assert span["status_message"] == "card refused"
    assert span["trace_state"] == "a=b"
    assert span["dropped_events_count"] == 3
    assert span["attributes"] == {}


def test_error_true_makes_an_error_and_error_false_does_not():
    assert read(tags=[tag("error", "true", "bool")])["status_code"] == 2
    assert read(tags=[tag("error", False, "bool")])["status_code"] == 0


def test_without_a_kind_a_span_is_internal():
    assert read()["kind"] == 1


def test_an_unknown_kind_stays_an_attribute():
    span = read(tags=[tag("span.kind", "robot")])
    assert span["kind"] == 0
    assert span["attributes"] == {"span.kind": "robot"}


def test_logs_become_events():
    fields = [tag("event", "retry"), tag("attempt", 2, "int64")]
    span = read(logs=[{"timestamp": 1_700_000_000_000_005, "fields": fields}])
    [event] = span["events"]
    assert event["name"] == "retry"
    assert event["time_unix_nano"] == 1_700_000_000_000_005_000
    assert event["attributes"] == {"attempt": 2}


def test_c10_a_log_at_an_impossible_time_is_dropped_and_counted():
    span = read(logs=[{"timestamp": -1}, {"timestamp": 2**62}, {"timestamp": 5}])
    assert [each["time_unix_nano"] for each in span["events"]] == [5_000]
    assert span["dropped_events_count"] == 2


def test_of_repeated_tags_the_last_stays_as_in_every_encoding():
    document = jaeger_trace(jaeger_span(tags=[tag("a", "1"), tag("a", "2")]))
    [span] = spans_of(document)
    assert span["attributes"] == {"a": "2"}
    [verdict] = decoded(document).verdicts
    assert "repeated" in verdict.message


def test_warnings_of_a_span_are_kept():
    span = read(warnings=["clock skew"])
    assert span["attributes"] == {"@jaeger@warnings": ["clock skew"]}


@pytest.mark.parametrize(
    "bad",
    [
        {"startTime": None},
        {"startTime": -1},
        {"startTime": 10**17},
        {"startTime": True},
        {"startTime": "9" * 5_000},
        {"startTime": 1e300},
        {"startTime": "١٢"},
        {"duration": 2**62},
        {"duration": []},
        {"operationName": 7},
        {"tags": "many"},
        {"tags": [7]},
        {"tags": [{"key": 7}]},
        {"references": [{"refType": "CHILD_OF"}]},
        {"references": {}},
        {"logs": [{"fields": []}]},
        {"process": "p1"},
        {"processID": ["p1"]},
        {"spanID": 17},
    ],
)
def test_a_bad_span_is_refused_and_the_next_one_taken(bad):
    found = decoded(
        jaeger_trace(jaeger_span(**bad), "no span", jaeger_span(spanID="2"))
    )
    [verdict] = found.verdicts
    assert verdict.rejected_spans == 2
    assert found.batch.num_rows == 1


@pytest.mark.parametrize(
    "document",
    [{"data": 7}, {"data": [7]}, {"data": [{}]}, {"data": [{"spans": {}}]}, 7],
)
def test_a_document_without_traces_is_unreadable(document):
    [verdict] = decoded(document).verdicts
    assert "Jaeger JSON" in str(verdict.error)
