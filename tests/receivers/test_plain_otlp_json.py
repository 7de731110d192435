"""OTLP JSON read by columns is what the same JSON is, read value by value."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import T0, span_id, trace_id
from tests.receivers.messages import json_request, json_span
from tests.receivers.serving import limits
from traces.receivers import otlp, otlp_json_texts
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.receivers.plain_otlp_json import PlainRequests

SMALL = limits(spans_per_request=4, nesting=2, attributes=6, value_bytes=40)


class NeverPlain(PlainRequests):
    def add(self, body: bytes) -> bool:
        return False


def is_plain(body: bytes) -> bool:
    return PlainRequests(SMALL).add(body)


def outcome(bodies: Sequence[bytes]) -> Any:
    batch, verdicts = decode(bodies, Encoding.OTLP_JSON, SMALL)
    said = [(v.spans, v.rejected, v.remarks, str(v.error)) for v in verdicts]
    return said, repr(batch.to_pylist())  # as a text, because NaN is not itself


def require_same(bodies: Sequence[bytes]) -> None:
    by_columns = outcome(bodies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otlp, "PlainRequests", NeverPlain)
        assert outcome(bodies) == by_columns


def attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


FLAT = [
    attribute("http.route", stringValue="/cart/{id}"),
    attribute("attempt", intValue="3"),
    attribute("size", intValue=-5),
    attribute("share", doubleValue=0.5),
    attribute("hit", boolValue=False),
    attribute("raw", bytesValue="/w=="),
]
NESTED = [
    attribute("list", arrayValue={"values": [{"intValue": 1}, {"stringValue": "é"}]}),
    attribute("map", kvlistValue={"values": [attribute("k", doubleValue="NaN")]}),
    attribute("none"),
]
EVENT = {
    "timeUnixNano": str(T0),
    "name": "exception",
    "attributes": FLAT[:2],
    "droppedAttributesCount": 1,
}
LINK = {
    "traceId": trace_id(9).hex(),
    "spanId": span_id(9).hex(),
    "traceState": "a=b",
    "attributes": FLAT[:1],
    "droppedAttributesCount": 2,
    "flags": 1,
}
FULL = json_span(
    1,
    traceState="vendor=x",
    parentSpanId=span_id(2).hex(),
    name="GET /cart\n\u202e",
    kind=2,
    attributes=FLAT,
    droppedAttributesCount=1,
    events=[EVENT, EVENT],
    droppedEventsCount=2,
    links=[LINK],
    droppedLinksCount=3,
    status={"message": "boom", "code": 2},
    flags=257,
)
NUMBERS = json_span(
    2, startTimeUnixNano=T0, endTimeUnixNano=T0 + 1, attributes=NESTED, parentSpanId=""
)
SCOPE = {"name": "scope", "version": "1", "attributes": FLAT[:1]}
RESOURCE = {
    "attributes": [attribute("service.name", stringValue="shop"), *NESTED],
    "droppedAttributesCount": 1,
}
DOCUMENT = {
    "resourceSpans": [
        {
            "resource": RESOURCE,
            "scopeSpans": [
                {"scope": SCOPE, "spans": [FULL, NUMBERS], "schemaUrl": "https://x"},
                {"spans": [json_span(3)]},
            ],
            "schemaUrl": "",
        },
        {"scopeSpans": [{"scope": {}, "spans": []}]},
    ]
}

ODD_NUMBERS = [-1, 6, 2**31, 2**32, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**30]
ODD_NUMBERS += [1.0, -0.0, 0.5, 1e19, 1e300, float("nan"), float("inf")]
ODD_TEXTS = ["", "5", "-5", "007", "-0", " 5", "5 ", "1_0", "+5", "0x10", "5.0", "1e3"]
ODD_TEXTS += ["٣", str(2**63), str(2**64), "9" * 30, "NaN", "Infinity", "true"]
ODD_TEXTS += ["SPAN_KIND_SERVER", "STATUS_CODE_ERROR", "a", "_w", "====", "\0"]
ODD_TEXTS += ["\ud800", "x" * 60, "A" * 31, "aB" * 16, "z" * 32, " " * 32, "0" * 32]
ODD_TEXTS += ["aB" * 8, "0" * 16, "z" * 16, "٣" * 16, "aBcD", "service.name"]
ODD_VALUES = [None, True, 5, [], [None], [5], {}, {"a": [1]}, FLAT, EVENT, FULL]
ODD_VALUES += [{"values": [{"arrayValue": {"values": NESTED}}]}, {"string_value": "x"}]
ODD = ODD_NUMBERS + ODD_TEXTS + ODD_VALUES


class Members(list[Any]):
    """An object as [name, value] pairs, of which names may repeat."""


def as_members(value: Any) -> Any:
    if isinstance(value, dict):
        return Members([name, as_members(each)] for name, each in value.items())
    return [as_members(each) for each in value] if isinstance(value, list) else value


def dump(value: Any) -> str:
    if isinstance(value, Members):
        pairs = [f"{json.dumps(name)}: {dump(each)}" for name, each in value]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value)


def places(value: Any) -> Iterator[tuple[list[Any], int]]:
    """Every list and index, or object's pairs and index, in document order."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from places(item[1] if isinstance(value, Members) else item)


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def change(document: Any, place: int, action: str, odd: Any) -> None:
    found = list(places(document))
    if not found:
        return
    holder, index = found[place % len(found)]
    if action == "drop":
        del holder[index]
    elif not isinstance(holder, Members):
        holder[index] = odd
    elif action == "repeat":
        holder.append([holder[index][0], odd])
    elif action == "rename":
        holder[index][0] = snake(holder[index][0])
    elif action == "add":
        holder.append(["unknown", odd])
    else:
        holder[index][1] = odd


CHANGES = st.tuples(
    st.integers(0, 500),
    st.sampled_from(["replace", "replace", "drop", "repeat", "rename", "add"]),
    st.sampled_from(ODD).map(as_members),
)


def changed(changes: Sequence[tuple[int, str, Any]]) -> bytes:
    document = as_members(DOCUMENT)
    for each in changes:
        change(document, *copy.deepcopy(each))
    return dump(document).encode()


BODIES = st.lists(CHANGES, max_size=3).map(changed)


def test_the_document_that_is_changed_is_plain():
    assert is_plain(changed([]))
    require_same([changed([])])


@given(st.lists(BODIES, min_size=1, max_size=3))
def test_a3_a4_whatever_is_odd_ends_as_if_read_value_by_value(bodies):
    require_same(bodies)


@given(
    st.integers(0, 10_000),
    st.integers(0, 3),
    st.binary(max_size=2) | st.sampled_from([b"{", b"]", b'"', b",", b"0", b"\\u0061"]),
)
def test_a4_any_bytes_put_in_end_as_if_read_value_by_value(place, removed, inserted):
    body = changed([])
    place %= len(body)
    require_same([body[:place] + inserted + body[place + removed :]])


@pytest.mark.parametrize("place", range(len(list(places(as_members(DOCUMENT))))))
def test_a3_a_null_anywhere_ends_as_if_read_value_by_value(place: int):
    require_same([changed([(place, "replace", None)])])


def nested(depth: int) -> Any:
    value: Any = {"intValue": 1}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    return value


@pytest.mark.parametrize(
    "depth", [1, 2, 3, 33, 300, 330, 338, 339, 340, 341, 345, 5_000]
)
@pytest.mark.parametrize("name", ["attributes", "links"])
def test_a4_deep_nesting_ends_as_if_read_value_by_value(name: str, depth: int):
    attributes = [{"key": "k", "value": "VALUE"}]
    given = attributes if name == "attributes" else [{"attributes": attributes}]
    value = b'{"arrayValue":{"values":[' * depth + b"{}" + b"]}}" * depth
    require_same([json_request(json_span(**{name: given})).replace(b'"VALUE"', value)])


def test_plain_and_odd_requests_keep_their_order():
    plain = [
        json_request(json_span(number, name=str(number))) for number in range(1, 7)
    ]
    odd = [body.replace(b"spanId", b"span_id") for body in plain]
    bodies = [odd[0], plain[1], b"no JSON", plain[2], odd[3], odd[4], plain[5]]
    batch, verdicts = decode(bodies, Encoding.OTLP_JSON, limits())
    assert batch["name"].to_pylist() == ["1", "2", "3", "4", "5", "6"]
    assert [v.accepted_spans for v in verdicts] == [1, 1, 0, 1, 1, 1, 1]
    assert [v.error is not None for v in verdicts].index(True) == 2


def test_what_is_remembered_of_texts_is_bounded(monkeypatch):
    monkeypatch.setattr(otlp_json_texts, "_MOST_REMEMBERED", 10)
    texts = otlp_json_texts.KeyValueTexts(nesting=1)
    for number in range(100):
        texts[json.dumps(attribute("k", intValue=number)).encode()]
    texts[json.dumps(attribute("k", stringValue="x" * 10_000)).encode()]
    assert 0 < len(texts) <= 10
    assert max(map(len, texts)) < 1_000
