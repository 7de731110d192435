"""Jaeger's protobuf as spans."""

from typing import Any

import pytest

from tests.builders import span_id, trace_id
from tests.receivers import jaeger_messages as thrift
from tests.receivers.jaeger_model import (
    message,
    post,
    process,
    reference,
    tags,
    time,
)
from tests.receivers.memory import MIB, growing_at_most
from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding

START = 1_700_000_000_000_001_000
INT64_MAX = 2**63 - 1


def span(number: int = 1, **fields: Any) -> Any:
    given = {
        "trace_id": trace_id(1),
        "span_id": span_id(number),
        "operation_name": "GET /",
        "start_time": time(START),
        "duration": time(12_000),
    } | fields
    return message("Span", **given)


def decoded(*bodies: bytes, **changes: int) -> Decoded:
    return decode(bodies, Encoding.JAEGER_PROTOBUF, limits(**changes))


def read(**fields: Any) -> dict[str, Any]:
    [found] = rows_of(decoded(post(span(**fields))).batch)
    return found


def test_a14_protobuf_and_thrift_of_one_span_are_the_same():
    values = {
        "a": "x",
        "b": -7,
        "c": True,
        "d": 0.5,
        "e": b"\xff",
        "span.kind": "server",
    }
    own = (thrift.HIGH << 64 | thrift.LOW).to_bytes(16, "big")
    other = (thrift.HIGH << 64 | 9).to_bytes(16, "big")
    nano = thrift.START_MICRO * 1_000
    log = message(
        "Log", timestamp=time(nano), fields=tags({"event": "retry", "attempt": 2})
    )
    from_protobuf = message(
        "Span",
        trace_id=own,
        span_id=thrift.SPAN.to_bytes(8, "big"),
        operation_name="GET /",
        references=[reference(0, own, span_id(1)), reference(1, other, span_id(2))],
        flags=1,
        start_time=time(nano),
        duration=time(12_000),
        tags=tags(values),
        logs=[log],
    )
    from_thrift = thrift.span(
        tags=values,
        references=[thrift.reference(0, 1), thrift.reference(1, 2, low=9)],
        logs=[thrift.log(thrift.START_MICRO, event="retry", attempt=2)],
    )
    expected = decode([thrift.batch(from_thrift)], Encoding.JAEGER_THRIFT, limits())
    assert rows_of(decoded(post(from_protobuf)).batch) == rows_of(expected.batch)


def test_j3_a_process_within_the_span_goes_before_the_one_of_the_batch():
    spans = [span(1), span(2, process=process("cart", ip="::1")), span(3)]
    found = rows_of(decoded(post(*spans)).batch)
    assert [each["service_name"] for each in found] == ["shop", "cart", "shop"]
    assert found[1]["resource_attributes"] == {"service.name": "cart", "ip": "::1"}


def test_a_request_without_a_process_has_no_service():
    [found] = rows_of(decoded(post(span(), service=None)).batch)
    assert found["resource_attributes"] == {}


def test_nothing_is_an_empty_batch():
    found = decoded(b"", post())
    assert found.batch.num_rows == 0
    assert [each.error for each in found.verdicts] == [None, None]


def test_c1_a_64_bit_trace_id_is_padded_on_the_left():
    short = trace_id(5)[8:]
    found = read(trace_id=short, references=[reference(0, short, span_id(9))])
    assert found["trace_id"] == trace_id(5)
    assert found["parent_span_id"] == span_id(9)


def test_c3_bad_spans_are_refused_one_by_one():
    spans = [span(number) for number in range(1, 98)]
    bad = [span(trace_id=bytes(16)), span(trace_id=b"123"), span(span_id=bytes(8))]
    found = decoded(post(*spans, *bad))
    [verdict] = found.verdicts
    assert found.batch.num_rows == 97
    assert (verdict.spans, verdict.rejected_spans, verdict.error) == (100, 3, None)


def test_c9_a_negative_duration_is_stored_raw():
    assert read(duration=time(-1_500_000_000))["duration_nano"] == -1_500_000_000


@pytest.mark.parametrize(
    "times",
    [
        {"start_time": time(-1)},
        {"start_time": time(INT64_MAX + 1)},
        {"start_time": message("Time", seconds=INT64_MAX)},
        {"duration": message("Time", seconds=-INT64_MAX)},
        {"start_time": time(INT64_MAX), "duration": time(1)},
    ],
)
def test_c10_times_that_cannot_be_held_are_refused(times):
    found = decoded(post(span(1, **times), span(2)))
    [verdict] = found.verdicts
    [reason] = verdict.rejected
    assert "is not between 1970 and 2262" in reason
    assert found.batch.num_rows == 1


def test_c10_the_last_nanosecond_of_2262_is_stored():
    found = read(start_time=time(INT64_MAX), duration=time(0))
    assert found["start_time_unix_nano"] == INT64_MAX


def test_warnings_are_kept():
    assert read(warnings=["clock skew"])["attributes"] == {
        "@jaeger@warnings": ["clock skew"]
    }


def test_a1_a_cut_request_is_refused_or_read_and_never_more():
    body = post(span(tags=tags({"a": "x", "b": 7}), logs=[message("Log")]))
    for end in range(len(body)):
        found = decoded(body[:end])
        assert found.batch.num_rows <= 1


def test_a_bad_body_does_not_touch_its_neighbours():
    found = decoded(post(span(1)), b"\xff\xff", post(span(2)))
    assert found.batch.num_rows == 2
    assert [each.error is None for each in found.verdicts] == [True, False, True]
    assert "not valid Jaeger protobuf" in str(found.verdicts[1].error)


def test_bad_bytes_in_a_tag_are_a_bad_request():
    body = post(span())
    bad_tag = b"\x42\x02\xff\xff"  # a field of the span
    inner = span().SerializeToString() + bad_tag
    holder = b"\x0a" + bytes([len(inner)]) + inner
    [verdict] = decoded(b"\x0a" + bytes([len(holder)]) + holder).verdicts
    assert "not valid Jaeger protobuf" in str(verdict.error)
    assert decoded(body).batch.num_rows == 1


def test_b5_millions_of_empty_spans_are_refused_by_their_number():
    spans = b"\x0a\x00" * 2_000_000
    size = len(spans)
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128])
    body = b"\x0a" + length + bytes([size >> 21]) + spans
    with growing_at_most(200 * MIB):
        [verdict] = decoded(body).verdicts
    assert str(verdict.error) == "a request may hold 200000 spans at most"


def test_b5_tags_are_counted_before_they_are_decoded():
    body = post(span(tags=tags(dict.fromkeys(map(str, range(41)), "x"))))
    [verdict] = decoded(body, spans_per_request=2).verdicts
    assert "a request may hold 40 " in str(verdict.error)
