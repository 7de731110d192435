"""Jaeger's thrift as spans."""

import math
from typing import Any

import pytest

from tests.receivers.jaeger_messages import (
    HIGH,
    LOW,
    SPAN,
    START_MICRO,
    bad_text,
    batch,
    datagram,
    log,
    reference,
    span,
    tag,
)
from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from tests.receivers.test_jaeger_json import jaeger_span, jaeger_trace, spans_of
from tests.receivers.test_jaeger_json import reference as json_reference
from tests.receivers.test_jaeger_json import tag as json_tag
from tests.receivers.thrift_writing import call, listed, struct, text, written
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding
from traces.receivers.verdict import Sent

MESSAGES = {"compact": Encoding.JAEGER_COMPACT, "binary": Encoding.JAEGER_BINARY}
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def decoded(*bodies: bytes, encoding: Encoding = Encoding.JAEGER_THRIFT) -> Decoded:
    return decode(bodies, encoding, limits())


def read(**fields: Any) -> dict[str, Any]:
    [found] = rows_of(decoded(batch(span(**fields))).batch)
    return found


def refusal(**fields: Any) -> str:
    [verdict] = decoded(batch(span(**fields))).verdicts
    [reason] = verdict.rejected
    return reason


def test_a_span_keeps_its_ids_name_and_times():
    found = read()
    assert found["trace_id"].hex() == f"{HIGH:016x}{LOW:016x}"
    assert found["span_id"].hex() == f"{SPAN:016x}"
    assert (found["name"], found["flags"]) == ("GET /", 1)
    assert found["start_time_unix_nano"] == START_MICRO * 1_000
    assert found["duration_nano"] == 12_000


@pytest.mark.parametrize("protocol", MESSAGES)
def test_a14_json_and_thrift_of_one_span_are_the_same(protocol):
    fields = {"event": "retry", "attempt": 2}
    from_thrift = span(
        tags={
            "a": "x",
            "b": 7,
            "c": True,
            "d": 0.5,
            "e": b"\xff",
            "span.kind": "client",
        },
        references=[reference(0, 1), reference(1, 2, low=9)],
        logs=[log(START_MICRO, **fields)],
    )
    message = datagram(from_thrift, protocol=protocol, process_tags={"ip": "::1"})
    from_json = jaeger_span(
        traceID=f"{HIGH:016x}{LOW:016x}",
        spanID=f"{SPAN:x}",
        flags=1,
        tags=[
            json_tag("a", "x"),
            json_tag("b", 7, "int64"),
            json_tag("c", True, "bool"),
            json_tag("d", 0.5, "float64"),
            json_tag("e", "/w==", "binary"),
            json_tag("span.kind", "client"),
        ],
        references=[
            json_reference("CHILD_OF", "1", f"{HIGH:016x}{LOW:016x}"),
            json_reference("FOLLOWS_FROM", "2", f"{HIGH:016x}{9:016x}"),
        ],
        logs=[
            {
                "timestamp": START_MICRO,
                "fields": [json_tag("event", "retry"), json_tag("attempt", 2, "int64")],
            }
        ],
    )
    process = {"serviceName": "shop", "tags": [json_tag("ip", "::1")]}
    batch_of_thrift = decoded(message, encoding=MESSAGES[protocol]).batch
    assert rows_of(batch_of_thrift) == spans_of(jaeger_trace(from_json, p1=process))


def test_c1_j4_a_64_bit_id_is_padded_on_the_left():
    assert read(high=0, low=0xABC)["trace_id"] == (0xABC).to_bytes(16, "big")


def test_c2_ids_that_share_their_low_half_are_two_traces():
    found = decoded(batch(span(high=1), span(high=2))).batch
    assert len(set(found["trace_id"].to_pylist())) == 2


def test_ids_above_2_63_are_read():
    found = read(low=-1, id=-2)
    assert found["trace_id"].hex() == f"{HIGH:016x}" + "f" * 16
    assert found["span_id"].hex() == "f" * 15 + "e"


def test_c3_bad_spans_are_refused_one_by_one():
    spans = [span(id=number) for number in range(1, 98)]
    bad = [span(high=0, low=0), span(id=0), span(start=-1)]
    found = decoded(batch(*spans[:50], *bad, *spans[50:]))
    [verdict] = found.verdicts
    assert found.batch.num_rows == 97
    assert (verdict.spans, verdict.rejected_spans, verdict.error) == (100, 3, None)


def test_c3_a_batch_of_bad_spans_alone_is_a_bad_request():
    [verdict] = decoded(batch(span(id=0), span(start=-1))).verdicts
    assert verdict.rejected_spans == 2
    assert verdict.error is not None


def test_c5_a_span_that_is_its_own_parent_is_stored_as_it_came():
    found = read(parent=SPAN)
    assert found["parent_span_id"] == found["span_id"]


@pytest.mark.parametrize("duration", [0, -1, -1_000_000])
def test_c9_a_duration_is_stored_raw(duration):
    assert read(duration=duration)["duration_nano"] == duration * 1_000


def test_c9_a_span_of_1970_is_stored():
    found = read(start=0, duration=0)
    assert (found["start_time_unix_nano"], found["duration_nano"]) == (0, 0)


@pytest.mark.parametrize(
    ("start", "duration", "what"),
    [
        (-1, 0, "start"),
        (INT64_MIN, 0, "start"),
        (INT64_MAX, 0, "start"),
        (INT64_MAX // 1_000 + 1, 0, "start"),
        (INT64_MAX // 1_000, 1, "end"),
        (5, INT64_MAX, "end"),
        (5, INT64_MIN, "end"),
        (5, -6, "end"),
    ],
)
def test_c10_times_that_cannot_be_held_are_refused(start, duration, what):
    reason = refusal(start=start, duration=duration)
    assert reason == f"the {what} is not between 1970 and 2262"


def test_c10_the_last_microsecond_of_2262_is_stored():
    last = INT64_MAX // 1_000
    assert read(start=last, duration=0)["start_time_unix_nano"] == last * 1_000


def test_c13_bad_utf8_is_replaced_and_the_rest_stays():
    bad = [bad_text("key", b"a\xff"), bad_text("nul", b"\x00\xe2\x80\xae\n")]
    found = read(tags=bad, name=b"\xed\xa0\x80")
    assert found["attributes"] == {"key": "a\ufffd", "nul": "\x00\u202e\n"}
    assert found["name"] == "\ufffd\ufffd\ufffd"


@pytest.mark.parametrize(
    "value",
    [INT64_MIN, INT64_MAX, 2**53 + 1, math.inf, -0.0, b"", b"\x00\xff", "", "😀"],
)
def test_c14_values_come_back_exactly(value):
    found = read(tags={"key": value})["attributes"]["key"]
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


def test_c14_nan_comes_back():
    assert math.isnan(read(tags={"key": math.nan})["attributes"]["key"])


def test_c14_of_repeated_tags_the_last_stays_and_an_empty_key_is_kept():
    assert read(tags=[tag("a", 1), tag("a", "x"), tag("", 7)])["attributes"] == {
        "a": "x",
        "": 7,
    }


def test_an_exception_is_named_as_one_whoever_wrote_it():
    thrown = {"message": "exception", "exception.type": "ValueError"}
    logs = [
        log(START_MICRO, **thrown),
        log(START_MICRO, message="exception"),
        log(START_MICRO, **thrown | {"event": "error"}),
    ]
    events = read(logs=logs)["events"]
    assert [each["name"] for each in events] == ["exception", "log", "error"]
    assert events[0]["attributes"] == {"exception.type": "ValueError"}
    assert events[2]["attributes"] == thrown


def test_j3_the_first_child_of_in_the_trace_is_the_parent():
    references = [
        reference(1, 1),
        reference(0, 2, low=99),
        reference(0, 3),
        reference(0, 4),
    ]
    found = read(references=references)
    assert found["parent_span_id"] == (3).to_bytes(8, "big")
    assert [
        (each["span_id"][-1], each["attributes"]["opentracing.ref_type"])
        for each in found["links"]
    ] == [(1, "follows_from"), (2, "child_of"), (4, "child_of")]


def test_j3_without_child_of_the_first_follows_from_is_the_parent():
    found = read(references=[reference(0, 5, low=99), reference(1, 6)])
    assert found["parent_span_id"] == (6).to_bytes(8, "big")
    assert len(found["links"]) == 1


def test_a_parent_beside_the_references_goes_before_those_it_is_not_among():
    assert read(parent=7)["parent_span_id"][-1] == 7
    among = read(parent=7, references=[reference(0, 7)])
    assert (among["parent_span_id"][-1], among["links"]) == (7, [])
    beside = read(parent=7, references=[reference(0, 8)])
    assert (beside["parent_span_id"][-1], len(beside["links"])) == (7, 1)


def test_the_process_is_the_resource():
    tags = {"hostname": "a", "service.name": "not this"}
    [found] = rows_of(decoded(batch(span(), process_tags=tags)).batch)
    assert found["service_name"] == "shop"
    assert found["resource_attributes"] == {"service.name": "shop", "hostname": "a"}


def test_tags_that_opentelemetry_has_fields_for_move_there():
    tags = {
        "span.kind": "server",
        "otel.status_code": "ERROR",
        "otel.status_description": "card refused",
        "error": True,
        "otel.library.name": "lib",
        "otel.library.version": "2",
        "w3c.tracestate": "a=b",
        "otel.dropped_links_count": 3,
        "left": 1,
    }
    found = read(tags=tags)
    assert found["attributes"] == {"left": 1}
    assert (found["kind"], found["status_code"]) == (2, 2)
    assert found["status_message"] == "card refused"
    assert (found["scope_name"], found["scope_version"]) == ("lib", "2")
    assert (found["trace_state"], found["dropped_links_count"]) == ("a=b", 3)


@pytest.mark.parametrize("what", ["attributes", "events", "links"])
def test_a_boolean_is_no_count_and_stays_a_tag(what):
    key = f"otel.dropped_{what}_count"
    found = read(tags={key: True})
    assert (found["attributes"], found[f"dropped_{what}_count"]) == ({key: True}, 0)


def test_a_bad_body_does_not_touch_its_neighbours():
    found = decoded(batch(span(id=1)), b"\xff\xff", batch(span(id=2)))
    assert found.batch.num_rows == 2
    assert [each.error is None for each in found.verdicts] == [True, False, True]


def test_an_empty_batch_is_taken():
    [verdict] = decoded(batch()).verdicts
    assert (verdict.spans, verdict.error) == (0, None)


def test_a_batch_without_a_process_has_no_service():
    body = written(struct({2: listed(span())}))
    [found] = rows_of(decoded(body).batch)
    assert found["resource_attributes"] == {}


@pytest.mark.parametrize("protocol", MESSAGES)
def test_j2_a_message_that_calls_another_method_is_refused(protocol):
    message = call("emitZipkinBatch", {1: listed()}, protocol)
    [verdict] = decoded(message, encoding=MESSAGES[protocol]).verdicts
    assert "emitZipkinBatch" in str(verdict.error)


@pytest.mark.parametrize("protocol", MESSAGES)
def test_a_message_without_a_batch_is_refused(protocol):
    message = call("emitBatch", {2: text("x")}, protocol)
    [verdict] = decoded(message, encoding=MESSAGES[protocol]).verdicts
    assert "without a batch" in str(verdict.error)


@pytest.mark.parametrize("protocol", MESSAGES)
def test_j2_what_a_client_says_of_its_losses_is_heard(protocol):
    uuid = {"client-uuid": "5f3e"}
    message = datagram(
        span(), protocol=protocol, sequence=41, stats=(1, 2, 3), process_tags=uuid
    )
    [verdict] = decoded(message, encoding=MESSAGES[protocol]).verdicts
    dropped = {
        "the client's queue was full": 1,
        "too large for the client to send": 2,
        "the client could not send": 3,
    }
    assert verdict.sent == Sent("'5f3e'", 41, dropped)


def test_a_client_without_a_name_of_its_own_is_not_followed():
    message = datagram(span(), sequence=41, process_tags={"ip": "192.0.2.1"})
    [verdict] = decoded(message, encoding=Encoding.JAEGER_COMPACT).verdicts
    assert verdict.sent is None


def test_b5_a_batch_of_empty_spans_is_refused_by_their_number():
    body = written(struct({2: listed(*[struct({})] * 4)}))
    [verdict] = decode(
        [body], Encoding.JAEGER_THRIFT, limits(spans_per_request=3)
    ).verdicts
    assert str(verdict.error) == "a request may hold 3 spans at most"
