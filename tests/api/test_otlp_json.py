"""OTLP JSON: every type of value exact, grouped by resource and scope."""

import json
import math

import pytest
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.builders import batch, event, link, span, span_id, trace_id
from traces.api.otlp_json import encode, encode_chunks, encode_value

ODD = {
    "int": 2**63 - 1,
    "double": 0.1,
    "nan": math.nan,
    "inf": -math.inf,
    "bool": True,
    "bytes": b"\x00\xff",
    "array": [1, "a", None, [2.5]],
    "map": {"a.b": {"c": b""}},
    "empty": "",
    "none": None,
}


def test_each_value_keeps_its_type():
    assert encode_value(2**53 + 1) == {"intValue": "9007199254740993"}
    assert encode_value(1.0) == {"doubleValue": 1.0}
    assert encode_value(math.nan) == {"doubleValue": "NaN"}
    assert encode_value(-math.inf) == {"doubleValue": "-Infinity"}
    assert encode_value(False) == {"boolValue": False}
    assert encode_value(b"\xff") == {"bytesValue": "/w=="}
    assert encode_value("") == {"stringValue": ""}
    assert encode_value(None) == {}
    assert encode_value([1]) == {"arrayValue": {"values": [{"intValue": "1"}]}}
    assert encode_value({"k": "v"}) == {
        "kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}
    }


def test_a_span_says_all_it_holds():
    row = span(
        parent_span_id=span_id(9), trace_state="a=b", name="charge", kind=3, ms=2,
        status_code=2, status_message="refused", attributes={"k": 1},
        events=[event("exception", at=5, why="x")],
        links=[link(trace_id(7), span_id(7), to="y")],
        dropped_attributes_count=3, scope_name="lib", scope_version="1",
    )  # fmt: skip
    document = encode(batch(row))
    scope_spans = document["resourceSpans"][0]["scopeSpans"][0]
    assert scope_spans["scope"] == {"name": "lib", "version": "1"}
    (found,) = scope_spans["spans"]
    assert found["status"] == {"code": 2, "message": "refused"}
    assert found["parentSpanId"] == span_id(9).hex()
    assert found["events"][0]["timeUnixNano"] == "5"
    assert found["links"][0]["traceId"] == trace_id(7).hex()
    assert found["droppedAttributesCount"] == 3
    assert (found["traceState"], found["kind"]) == ("a=b", 3)


def test_the_standard_decoder_reads_it_back():
    document = encode(batch(span(attributes=ODD)))
    # The mapping of OTLP writes ids in hexadecimal, that of protobuf in base64.
    text = json.dumps(document).replace(trace_id(1).hex(), "AAAA")
    read = json_format.Parse(text, TracesData())
    attributes = read.resource_spans[0].scope_spans[0].spans[0].attributes
    values = {pair.key: pair.value for pair in attributes}
    assert values["int"].int_value == 2**63 - 1
    assert math.isnan(values["nan"].double_value)
    assert values["bytes"].bytes_value == b"\x00\xff"
    assert values["map"].kvlist_value.values[0].key == "a.b"


def test_spans_are_grouped_by_resource_then_scope():
    rows = [
        span(service="a", scope_name="x"),
        span(service="b", scope_name="x"),
        span(service="a", scope_name="y"),
        span(service="a", scope_name="x"),
    ]
    document = encode(batch(*rows))
    shape = [
        [(s["scope"]["name"], len(s["spans"])) for s in resource["scopeSpans"]]
        for resource in document["resourceSpans"]
    ]
    assert shape == [[("x", 2), ("y", 1)], [("x", 1)]]


def test_nothing_is_an_empty_document():
    assert encode(batch()) == {"resourceSpans": []}


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1001])
def test_a_document_in_chunks_is_whole_json(count):
    one = span(trace_id=trace_id(1), span_id=span_id(1))
    document = json.loads(b"".join(encode_chunks(batch(*[one] * count))))
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert len(spans) == count
