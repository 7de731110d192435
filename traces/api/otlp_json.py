"""Spans as OTLP JSON, nothing lost: what a download and the REST API give.

The proto3 JSON mapping of OTLP: ids in hexadecimal, enums as numbers, 64-bit integers
as text, bytes as base64, NaN and the infinities as text.
"""

import base64
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from traces.spans import SpanBatch
from traces.variant import AttributeValue, decode_attributes

SPANS_A_CHUNK: Final = 500
RESOURCE_KEY: Final = "resource_attributes"
SCOPE_KEYS: Final = ("scope_name", "scope_version", "scope_attributes")

Json = dict[str, Any]
GroupKey = tuple[Any, ...]


def encode(batch: SpanBatch) -> Json:
    """`{"resourceSpans": […]}`; for traces that fit memory as Python objects."""
    document: Json = orjson.loads(b"".join(encode_chunks(batch)))
    return document


def encode_chunks(batch: SpanBatch) -> Iterator[bytes]:
    """The same as the bytes of a JSON document, a few hundred spans at a time."""
    yield b'{"resourceSpans":['
    groups = itertools.groupby(_grouped_indices(batch), key=lambda item: item[0][0])
    for number, (_, resource_items) in enumerate(groups):
        yield b"," if number else b""
        yield from _resource_spans(batch, list(resource_items))
    yield b"]}"


def _grouped_indices(batch: SpanBatch) -> list[tuple[GroupKey, int]]:
    """((resource, scope), row) of each span; groups in order of first appearance."""
    columns = [_hashable(batch, name) for name in (RESOURCE_KEY, *SCOPE_KEYS)]
    first_seen: dict[GroupKey, int] = {}
    resources: dict[Any, int] = {}
    keyed = []
    for row, (resource, *scope) in enumerate(zip(*columns, strict=True)):
        resource_number = resources.setdefault(resource, len(resources))
        key = (resource_number, *scope)
        keyed.append(((resource_number, first_seen.setdefault(key, row)), row))
    return sorted(keyed)


def _hashable(batch: SpanBatch, name: str) -> list[Any]:
    cells = batch.column(name).to_pylist()
    return [tuple(cell.values()) if isinstance(cell, dict) else cell for cell in cells]


def _resource_spans(
    batch: SpanBatch, items: list[tuple[GroupKey, int]]
) -> Iterator[bytes]:
    first = batch.slice(items[0][1], 1).to_pylist()[0]
    yield b'{"resource":' + orjson.dumps(_attributes_part(first[RESOURCE_KEY]))
    yield b',"scopeSpans":['
    groups = itertools.groupby(items, key=lambda item: item[0])
    for number, (_, scope_items) in enumerate(groups):
        yield b"," if number else b""
        yield from _scope_spans(batch, [row for _, row in scope_items])
    yield b"]}"


def _scope_spans(batch: SpanBatch, rows: list[int]) -> Iterator[bytes]:
    first = batch.slice(rows[0], 1).to_pylist()[0]
    scope = {"name": first["scope_name"], "version": first["scope_version"]}
    scope = {key: text for key, text in scope.items() if text}
    scope |= _attributes_part(first["scope_attributes"])
    yield b'{"scope":' + orjson.dumps(scope) + b',"spans":['
    for start in range(0, len(rows), SPANS_A_CHUNK):
        chunk = batch.take(rows[start : start + SPANS_A_CHUNK]).to_pylist()
        spans = b",".join(orjson.dumps(encode_span(row)) for row in chunk)
        yield b"," + spans if start else spans
    yield b"]}"


def encode_span(row: Mapping[str, Any]) -> Json:
    """One span of `SpanBatch.to_pylist()`. Absent and empty fields are left out."""
    end = row["start_time_unix_nano"] + row["duration_nano"]
    span = {
        "traceId": row["trace_id"].hex(),
        "spanId": row["span_id"].hex(),
        "parentSpanId": (row["parent_span_id"] or b"").hex(),
        "traceState": row["trace_state"],
        "flags": row["flags"],
        "name": row["name"],
        "kind": row["kind"],
        "startTimeUnixNano": str(row["start_time_unix_nano"]),
        "endTimeUnixNano": str(end),
        **_attributes_part(row["attributes"]),
        "droppedAttributesCount": row["dropped_attributes_count"],
        "events": [encode_event(event) for event in row["events"] or ()],
        "droppedEventsCount": row["dropped_events_count"],
        "links": [encode_link(link) for link in row["links"] or ()],
        "droppedLinksCount": row["dropped_links_count"],
        "status": _status(row),
    }
    return _without_defaults(span) | {"name": row["name"], "kind": row["kind"]}


def encode_event(event: Mapping[str, Any]) -> Json:
    return _without_defaults(
        {
            "timeUnixNano": str(event["time_unix_nano"]),
            "name": event["name"],
            **_attributes_part(event["attributes"]),
            "droppedAttributesCount": event["dropped_attributes_count"],
        }
    )


def encode_link(link: Mapping[str, Any]) -> Json:
    return _without_defaults(
        {
            "traceId": link["trace_id"].hex(),
            "spanId": link["span_id"].hex(),
            "traceState": link["trace_state"],
            "flags": link["flags"],
            **_attributes_part(link["attributes"]),
            "droppedAttributesCount": link["dropped_attributes_count"],
        }
    )


def _status(row: Mapping[str, Any]) -> Json:
    return _without_defaults(
        {"code": row["status_code"], "message": row["status_message"]}
    )


def _without_defaults(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value not in ("", 0, [])}


def _attributes_part(cell: Mapping[str, bytes] | None) -> Json:
    attributes = decode_attributes(cell)
    return {"attributes": encode_map(attributes)} if attributes else {}


def encode_map(attributes: Mapping[str, AttributeValue]) -> list[Json]:
    return [
        {"key": key, "value": encode_value(value)} for key, value in attributes.items()
    ]


def encode_value(value: AttributeValue) -> Json:
    """An AnyValue; an empty one for an absent value."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": encode_double(value)}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case Mapping():
            return {"kvlistValue": {"values": encode_map(value)}}
    return {"arrayValue": {"values": [encode_value(item) for item in value]}}


def encode_double(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
