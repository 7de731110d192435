"""Builders of Zipkin spans and requests, and what becomes of them."""

import json
import struct
from ipaddress import ip_address
from typing import Any

from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding
from traces.receivers.wire_format import field_tag, sized, varint

TRACE_HEX = "463ac35c9f6413ad48485a3953bb6124"
SPAN_HEX = "a2fb4a1d1a96d312"
START = 1_700_000_000_000_001
_KINDS = {"CLIENT": 1, "SERVER": 2, "PRODUCER": 3, "CONSUMER": 4}


def zipkin_span(**fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE_HEX,
        "id": SPAN_HEX,
        "name": "get /",
        "timestamp": START,
        "duration": 12,
        "localEndpoint": {"serviceName": "shop"},
    } | fields


def zipkin_json(*spans: Any) -> bytes:
    return json.dumps(spans).encode()


def zipkin_protobuf(*spans: dict[str, Any]) -> bytes:
    """The same spans; ids may be bytes, a kind a number."""
    return b"".join(_field(1, _span(span)) for span in spans)


def decode_zipkin(body: bytes, encoding: Encoding = Encoding.ZIPKIN_JSON) -> Decoded:
    return decode([body], encoding, limits())


def decode_spans(*spans: Any) -> Decoded:
    return decode_zipkin(zipkin_json(*spans))


def read_rows(*spans: Any) -> list[dict[str, Any]]:
    """The rows of a batch in which nothing was refused or altered."""
    decoded = decode_spans(*spans)
    assert not decoded.verdicts[0].message
    return rows_of(decoded.batch)


def read_row(**fields: Any) -> dict[str, Any]:
    [row] = read_rows(zipkin_span(**fields))
    return row


def _span(span: dict[str, Any]) -> bytes:
    kind = span.get("kind", 0)
    parts = [
        _field(1, _id(span.get("traceId"))),
        _field(2, _id(span.get("parentId"))),
        _field(3, _id(span.get("id"))),
        _number(4, kind if isinstance(kind, int) else _KINDS[kind]),
        _field(5, span.get("name", "").encode()),
        _fixed64(6, span.get("timestamp", 0)),
        _number(7, span.get("duration", 0)),
        _number(12, span.get("debug", 0)),
        _number(13, span.get("shared", 0)),
    ]
    for number, key in ((8, "localEndpoint"), (9, "remoteEndpoint")):
        if key in span:
            parts.append(_field(number, _endpoint(span[key])))
    for each in span.get("annotations", ()):
        value = _field(2, each.get("value", "").encode())
        parts.append(_field(10, _fixed64(1, each["timestamp"]) + value))
    for key, value in span.get("tags", {}).items():
        entry = _field(1, key.encode()) + _field(2, value.encode())
        parts.append(sized(field_tag(11, 2), entry))
    return b"".join(parts)


def _endpoint(endpoint: dict[str, Any]) -> bytes:
    return b"".join(
        [
            _field(1, endpoint.get("serviceName", "").encode()),
            _field(2, _address(endpoint.get("ipv4", b""))),
            _field(3, _address(endpoint.get("ipv6", b""))),
            _number(4, endpoint.get("port", 0)),
        ]
    )


def _id(value: str | bytes | None) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else value or b""


def _address(value: str | bytes) -> bytes:
    return ip_address(value).packed if isinstance(value, str) else value


def _field(number: int, content: bytes) -> bytes:
    return sized(field_tag(number, 2), content) if content else b""


def _number(number: int, value: int) -> bytes:
    return field_tag(number, 0) + varint(int(value) & (2**64 - 1)) if value else b""


def _fixed64(number: int, value: int) -> bytes:
    return field_tag(number, 1) + struct.pack("<Q", value)
