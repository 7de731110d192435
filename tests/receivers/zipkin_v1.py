"""Builders of Zipkin's version 1, in JSON and thrift."""

import struct as binary
from typing import Any

from tests.receivers.thrift_writing import (
    Value,
    boolean,
    i16,
    i32,
    i64,
    listed,
    struct,
    text,
    written,
)
from tests.receivers.zipkin import SPAN_HEX, START, TRACE_HEX

SHOP = {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80}
BANK = {"serviceName": "bank", "ipv6": "2001:db8::1", "port": 65_535}


def v1_span(**fields: Any) -> dict[str, Any]:
    return {"traceId": TRACE_HEX, "id": SPAN_HEX, "name": "get /"} | fields


def moment(value: str, after: int = 0, endpoint: Any = SHOP) -> dict[str, Any]:
    return {"timestamp": START + after, "value": value, "endpoint": endpoint}


def tag(key: str, value: Any, endpoint: Any = SHOP) -> dict[str, Any]:
    return {"key": key, "value": value, "endpoint": endpoint}


def thrift_list(*spans: dict[str, Any]) -> bytes:
    return b"\x0c" + binary.pack(">i", len(spans)) + b"".join(map(_thrift_span, spans))


def _thrift_span(span: dict[str, Any]) -> bytes:
    trace_id = span["traceId"].rjust(32, "0")
    fields = {
        1: i64(_signed(trace_id[16:])),
        3: text(span["name"]),
        4: i64(_signed(span["id"])),
        6: listed(*[_annotation(each) for each in span.get("annotations", ())]),
        8: listed(*[_binary(each) for each in span.get("binaryAnnotations", ())]),
        9: boolean(span.get("debug", False)),
        12: i64(_signed(trace_id[:16])),
    }
    if "parentId" in span:
        fields[5] = i64(_signed(span["parentId"]))
    for number, key in ((10, "timestamp"), (11, "duration")):
        if key in span:
            fields[number] = i64(span[key])
    return written(struct(fields))


def _signed(digits: str) -> int:
    return int.from_bytes(bytes.fromhex(digits.rjust(16, "0")), signed=True)


def _annotation(annotation: dict[str, Any]) -> Value:
    fields = {1: i64(annotation["timestamp"]), 2: text(annotation["value"])}
    return struct(fields | _host(3, annotation))


def _binary(annotation: dict[str, Any]) -> Value:
    kind, raw = _typed(annotation["value"])
    fields = {1: text(annotation["key"]), 2: text(raw), 3: i32(kind)}
    return struct(fields | _host(4, annotation))


def _typed(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 0, bytes([value])
    return 6, value.encode()


def _host(number: int, holder: dict[str, Any]) -> dict[int, Value]:
    endpoint = holder.get("endpoint")
    if endpoint is None:
        return {}
    port = endpoint.get("port", 0)
    fields: dict[int, Value] = {
        2: i16(port - 65_536 if port > 32_767 else port),
        3: text(endpoint.get("serviceName", "")),
    }
    if "ipv4" in endpoint:
        parts = map(int, endpoint["ipv4"].split("."))
        fields[1] = i32(int.from_bytes(bytes(parts), signed=True))
    if "ipv6" in endpoint:
        fields[4] = text(b"\x20\x01\x0d\xb8" + bytes(11) + b"\1")
    return {number: struct(fields)}
