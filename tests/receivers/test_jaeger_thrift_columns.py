"""Jaeger's thrift read by columns is what the same spans are, put together one by one."""

import struct as binary
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.receivers.jaeger_messages import (
    LOW,
    SPAN,
    START_MICRO,
    batch,
    log,
    reference,
    span,
    tag,
)
from tests.receivers.serving import limits
from tests.receivers.thrift_writing import (
    Value,
    boolean,
    double,
    i32,
    i64,
    listed,
    struct,
    text,
    written,
)
from traces.receivers import decoding
from traces.receivers import thrift_reading as thrift
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.receivers.jaeger_spans import (
    CHILD_OF,
    FIELD_KEYS,
    FOLLOWS_FROM,
    JaegerBuilder,
    JaegerSpan,
    Log,
    Reference,
    read_each,
)
from traces.receivers.jaeger_thrift_lists import tags_of
from traces.receivers.jaeger_thrift_structs import (
    BATCH,
    ThriftReference,
    ThriftSpan,
)
from traces.receivers.limits import Limits
from traces.receivers.verdict import Verdict
from traces.receivers.wire import Read, most_items

SMALL = limits(spans_per_request=4, attributes=6, value_bytes=40, events=2, links=2)
KINDS = {0: CHILD_OF, 1: FOLLOWS_FROM}
Fields = dict[int, Value]


def read_span_by_span(bodies: Sequence[bytes], limits: Limits) -> Read:
    def read_one(builder: JaegerBuilder, body: bytes) -> None:
        read = thrift.read(body, BATCH, thrift.Protocol.BINARY, most_items(limits))
        process = read.process
        resource = builder.open_resource(process.service, tags_of(process.tags))
        for each in read.spans:
            builder.add(one_span(each), resource)

    return read_each(bodies, limits, read_one)


def one_span(read: ThriftSpan) -> JaegerSpan:
    return JaegerSpan(
        trace_id_of(read),
        id_of(read.span_id),
        read.name,
        read.flags,
        read.start_time * 1_000,
        read.duration * 1_000,
        tags_of(read.tags),
        [
            Reference(KINDS.get(r.type, ""), trace_id_of(r), id_of(r.span_id))
            for r in read.references
        ],
        [Log(each.timestamp * 1_000, tags_of(each.fields)) for each in read.logs],
        id_of(read.parent_span_id) if read.parent_span_id else b"",
    )


def id_of(number: int) -> bytes:
    return binary.pack(">q", number)


def trace_id_of(read: ThriftSpan | ThriftReference) -> bytes:
    return id_of(read.trace_id_high) + id_of(read.trace_id_low)


def outcome(bodies: Sequence[bytes]) -> Any:
    found = decode(bodies, Encoding.JAEGER_THRIFT, SMALL)
    said = [what_is_said(verdict) for verdict in found.verdicts]
    return said, repr(found.batch.to_pylist())  # as a text, because NaN is not itself


def what_is_said(verdict: Verdict) -> Any:
    """Reasons of which as many spans were refused may come in any order."""
    if verdict.error and not verdict.rejected:
        return str(verdict.error)
    return verdict.spans, verdict.rejected, verdict.remarks, verdict.error is None


def require_same(bodies: Sequence[bytes]) -> None:
    by_columns = outcome(bodies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(decoding.READERS, Encoding.JAEGER_THRIFT, read_span_by_span)
        assert outcome(bodies) == by_columns


INT64 = st.sampled_from([0, 1, -1, 127, 128, 300, 2**32, 2**63 - 1, -(2**63)])
TIMES = st.sampled_from(
    [START_MICRO, 0, 1, -1, 2**63 // 1_000, 2**63 // 1_000 + 1, 2**63 - 1, -(2**63)]
)
KEYS = st.sampled_from(
    [*sorted(FIELD_KEYS), "", "a", "b", "event", "message", "exception.type", b"k\xff"]
)
TEXTS = st.sampled_from(
    ["", "x", "client", "SERVER", "true", "false", "ok", "ERROR", "exception", "é" * 90]
) | st.sampled_from([b"\xff", b"\xed\xa0\x80", b"\x00"])
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 0.5, float("nan"), float("inf")])
TYPES = st.sampled_from([0, 1, 2, 3, 4, 5, -1, 255, 256, 2**31 - 1, -(2**31)])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Value]:
    """A struct with any of the fields, `f1` the field of number 1."""
    numbered = {int(name[1:]): each for name, each in fields.items()}
    return st.fixed_dictionaries({}, optional=numbered).map(struct)


def lists(items: st.SearchStrategy[Value], most: int = 3) -> st.SearchStrategy[Value]:
    return st.lists(items, max_size=most).map(lambda found: listed(*found))


VALUES = st.one_of(TEXTS, NUMBERS, INT64, st.booleans(), st.just(b"\x00\xff"))
GOOD_TAGS = st.builds(tag, KEYS, VALUES)
ODD_TAGS = some(
    f1=KEYS.map(text),
    f2=TYPES.map(i32),
    f3=TEXTS.map(text),
    f4=NUMBERS.map(double),
    f5=st.booleans().map(boolean),
    f6=INT64.map(i64),
    f7=TEXTS.map(text),
    f9=INT64.map(i64),
)
TAGS = lists(GOOD_TAGS | ODD_TAGS, most=8)
REFERENCES = st.builds(
    reference,
    st.sampled_from([0, 1, 2, -1]),
    st.sampled_from([0, 1, 2, SPAN]),
    st.sampled_from([LOW, 9]),
) | some(f4=INT64.map(i64))
LOGS = some(f1=TIMES.map(i64), f2=TAGS)
IDS = st.sampled_from([LOW, SPAN, 0, 1, -1])
ODD_SPANS = some(
    f1=IDS.map(i64),
    f2=IDS.map(i64),
    f3=IDS.map(i64),
    f4=IDS.map(i64),
    f5=TEXTS.map(text),
    f6=lists(REFERENCES),
    f7=INT64.map(lambda number: i32(number % 2**31)),
    f8=TIMES.map(i64),
    f9=TIMES.map(i64),
    f10=TAGS,
    f11=lists(LOGS),
)


def with_fields(changes: Fields) -> Value:
    kind, fields = span()
    return kind, fields | changes


GOOD_SPANS = st.fixed_dictionaries(
    {},
    optional={
        4: st.sampled_from([1, 2, SPAN]).map(i64),
        6: lists(REFERENCES),
        8: TIMES.map(i64),
        9: TIMES.map(i64),
        10: TAGS,
        11: lists(LOGS),
    },
).map(with_fields)
PROCESSES = some(f1=TEXTS.map(text), f2=TAGS)
BATCHES = some(f1=PROCESSES, f2=lists(GOOD_SPANS | ODD_SPANS, most=6))
BODIES = (
    BATCHES.map(written)
    | st.builds(batch, GOOD_SPANS, GOOD_SPANS)
    | st.sampled_from([b"", b"\xff\xff", b"\x00"])
)


@given(st.lists(BODIES, min_size=1, max_size=4))
@example([batch(span(tags={"error": value})) for value in (True, 1, 1.0, "true", "x")])
@example([batch(span(id=1), span(id=2)), b"\xff", batch(span(), service="till")])
@example([batch(*[span(start=-1)] * 3, *[span()] * 4)])
@example([batch(*[span(start=-1)] * 3, *[span()] * 5), batch(span())])
@example([batch(span(logs=[log(START_MICRO, event="retry", attempt=2)] * 3))])
def test_columns_are_what_the_spans_are_one_by_one(bodies):
    require_same(bodies)
