"""Every encoding carries the spans that it is said to carry, and they are taken."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.benchmarks import jaeger_encoders
from tests.benchmarks.encodings import FIRST, OTHERS, Way
from tests.benchmarks.workload import Workload, make_requests
from tests.receivers.serving import limits
from traces.receivers.decoding import READERS, decode
from traces.receivers.encodings import Encoding
from traces.receivers.udp_listener import MAX_DATAGRAM_BYTES
from traces.spans import SpanBatch
from traces.variant import decode_attributes

KNOWN = [way for way in OTHERS if way.encoding in READERS]
MICRO = 1_000


def taken(way: Way) -> SpanBatch:
    messages = map(ExportTraceServiceRequest.FromString, make_requests(Workload(1_000)))
    bodies = list(way.encode(messages))
    batch, verdicts = decode(bodies, Encoding(way.encoding), limits())
    assert [verdict.message for verdict in verdicts] == [""] * len(bodies)
    return batch.sort_by("span_id")


@pytest.mark.parametrize("way", KNOWN, ids=lambda way: way.encoding)
def test_each_encoding_carries_the_same_spans(way: Way):
    sent, batch = taken(FIRST), taken(way)
    for name in ("trace_id", "span_id", "parent_span_id", "name", "service_name"):
        assert batch[name].to_pylist() == sent[name].to_pylist()
    for one, other in zip(sent.to_pylist(), batch.to_pylist(), strict=True):
        start = other["start_time_unix_nano"]
        assert start // MICRO == one["start_time_unix_nano"] // MICRO
        carried = decode_attributes(other["attributes"])
        for key, value in decode_attributes(one["attributes"]).items():
            assert str(carried[key]).lower() == str(value).lower()


def test_the_encodings_are_measured_in_which_most_spans_arrive():
    assert FIRST.encoding in READERS
    assert Encoding.OTLP_JSON in {way.encoding for way in KNOWN}


def test_a_datagram_is_not_larger_than_a_receiver_takes():
    messages = map(ExportTraceServiceRequest.FromString, make_requests(Workload(3_000)))
    datagrams = list(jaeger_encoders.datagrams(messages))
    assert max(map(len, datagrams)) <= MAX_DATAGRAM_BYTES
