"""Builders of Jaeger's thrift, field by field."""

from typing import Any

from tests.receivers.thrift_writing import (
    Value,
    boolean,
    call,
    double,
    i32,
    i64,
    listed,
    struct,
    text,
    written,
)

START_MICRO = 1_700_000_000_000_001
HIGH, LOW, SPAN = 0x0AF7651916CD43DD, 0x0448EB211C80319C, 0x37AD6B7169203331


def tag(key: str | bytes, value: Any) -> Value:
    """A tag of the type that the value has."""
    match value:
        case bool():
            typed = {2: i32(2), 5: boolean(value)}
        case int():
            typed = {2: i32(3), 6: i64(value)}
        case float():
            typed = {2: i32(1), 4: double(value)}
        case bytes():
            typed = {2: i32(4), 7: text(value)}
        case _:
            typed = {2: i32(0), 3: text(value)}
    return struct({1: text(key), **typed})


def tags(values: dict[Any, Any]) -> Value:
    return listed(*[tag(key, value) for key, value in values.items()])


def bad_text(key: str, value: bytes) -> Value:
    """A tag said to be text, of any bytes."""
    return struct({1: text(key), 2: i32(0), 3: text(value)})


def reference(kind: int, span_id: int, low: int = LOW, high: int = HIGH) -> Value:
    return struct({1: i32(kind), 2: i64(low), 3: i64(high), 4: i64(span_id)})


def log(micro: int, **fields: Any) -> Value:
    return struct({1: i64(micro), 2: tags(fields)})


def span(**changes: Any) -> Value:
    """A good span. `tags` may be a dict; references and logs are lists of values."""
    given: dict[str, Any] = {
        "low": LOW,
        "high": HIGH,
        "id": SPAN,
        "parent": 0,
        "name": "GET /",
        "flags": 1,
        "start": START_MICRO,
        "duration": 12,
        "tags": {},
        "references": (),
        "logs": (),
    } | changes
    attributes = given["tags"]
    return struct(
        {
            1: i64(given["low"]),
            2: i64(given["high"]),
            3: i64(given["id"]),
            4: i64(given["parent"]),
            5: text(given["name"]),
            6: listed(*given["references"]),
            7: i32(given["flags"]),
            8: i64(given["start"]),
            9: i64(given["duration"]),
            10: tags(attributes)
            if isinstance(attributes, dict)
            else listed(*attributes),
            11: listed(*given["logs"]),
        }
    )


def batch_value(
    *spans: Value,
    service: str = "shop",
    process_tags: dict[str, Any] | None = None,
    sequence: int | None = None,
    stats: tuple[int, int, int] | None = None,
) -> Value:
    process = struct({1: text(service), 2: tags(process_tags or {})})
    fields = {1: process, 2: listed(*spans)}
    if sequence is not None:
        fields[3] = i64(sequence)
    if stats is not None:
        fields[4] = struct(dict(enumerate(map(i64, stats), 1)))
    return struct(fields)


def batch(*spans: Value, **options: Any) -> bytes:
    """What is posted over HTTP."""
    return written(batch_value(*spans, **options))


def datagram(*spans: Value, protocol: str = "compact", **options: Any) -> bytes:
    return call("emitBatch", {1: batch_value(*spans, **options)}, protocol)
