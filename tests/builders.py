"""Small builders: a span as keyword arguments, a batch of them, a whole trace."""

import itertools
from typing import Any

import pyarrow as pa

from traces.spans import EVENT, LINK, SPAN_SCHEMA, SpanBatch
from traces.variant import encode_attributes

MS = 1_000_000
SECOND = 1_000_000_000
T0 = 1_790_000_000 * SECOND

_numbers = itertools.count(1)


def trace_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def event(name: str = "event", at: int = T0, **attributes: Any) -> dict[str, Any]:
    return {"time_unix_nano": at, "name": name, "attributes": attributes}


def link(to_trace: bytes, to_span: bytes, **attributes: Any) -> dict[str, Any]:
    return {"trace_id": to_trace, "span_id": to_span, "attributes": attributes}


def span(**fields: Any) -> dict[str, Any]:
    """A span row with defaults; `service` and `start_ms`/`ms` are shorthands."""
    fields = dict(fields)
    start_ms = fields.pop("start_ms", 0)
    row: dict[str, Any] = {
        "trace_id": trace_id(1),
        "span_id": span_id(next(_numbers)),
        "parent_span_id": None,
        "trace_state": "",
        "flags": 1,
        "name": "GET /",
        "kind": 2,
        "start_time_unix_nano": T0 + int(start_ms * MS),
        "duration_nano": int(fields.pop("ms", 10) * MS),
        "status_code": 0,
        "status_message": "",
        "service_name": fields.pop("service", "gateway"),
        "attributes": {},
        "resource_attributes": None,
        "scope_name": "",
        "scope_version": "",
        "scope_attributes": {},
        "events": [],
        "links": [],
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
    }
    unknown = fields.keys() - row.keys()
    assert not unknown, f"a span has no {unknown}"
    row |= fields
    if row["resource_attributes"] is None:
        row["resource_attributes"] = {"service.name": row["service_name"]}
    return row


def batch(*spans: dict[str, Any]) -> SpanBatch:
    """The spans as a SpanBatch."""
    columns = [
        _column(field, [row[field.name] for row in spans]) for field in SPAN_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SPAN_SCHEMA)


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    if field.name.endswith("attributes"):
        return encode_attributes(values)
    if field.name == "events":
        return _nested(EVENT, values)
    if field.name == "links":
        return _nested(LINK, values)
    return pa.array(values, field.type)


_DEFAULTS: dict[str, Any] = {
    "dropped_attributes_count": 0,
    "trace_state": "",
    "flags": 0,
}


def _nested(kind: pa.StructType, lists: list[list[dict[str, Any]]]) -> pa.Array:
    rows: list[dict[str, Any]] = [_DEFAULTS | row for rows in lists for row in rows]
    columns = [
        encode_attributes([row["attributes"] for row in rows])
        if field.name == "attributes"
        else pa.array([row[field.name] for row in rows], field.type)
        for field in kind
    ]
    ends = itertools.accumulate((len(rows) for rows in lists), initial=0)
    elements = pa.StructArray.from_arrays(columns, fields=list(kind))
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), elements, type=pa.list_(pa.field("element", kind))
    )
