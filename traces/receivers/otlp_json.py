"""Any OTLP JSON to the protobuf bytes of the same request, value by value.

Both encodings then share one path, so they cannot come to differ in what they check,
cut or refuse. JSON's own faults are found here, span by span: ids that are not hex,
numbers that do not fit, values of the wrong type. `plain_otlp_json` is faster, for
requests in which nothing is odd.
"""

import binascii
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from traces.receivers.key_value import CUT_NESTING
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.receivers.wire_format import field_tag, sized, varint
from traces.spans import SpanKind, StatusCode
from traces.variant import INT64_MAX, INT64_MIN

_Json = Any
_Encode = Callable[[_Json], bytes]
_UINT64_MAX = 2**64 - 1
_LONGEST_INTEGER = 21
_EXACT_IN_DOUBLE = 2**53
_UNKNOWN = 127
_KINDS: Final = {f"SPAN_KIND_{kind.name}": int(kind) for kind in SpanKind}
_CODES: Final = {f"STATUS_CODE_{code.name}": int(code) for code in StatusCode}
_NOT_AN_ID = b"\0"  # of no valid length: replaced, with a remark, later


class BadSpan(Exception):
    """This span cannot be taken; the text says why."""


class Transcoded(NamedTuple):
    """The request without its bad spans, why those are bad, what was altered."""

    body: bytes
    rejected: Counter[str]
    remarks: set[str]


def to_protobuf(body: bytes, limits: Limits) -> Transcoded:
    """Raises BadRequest unless the body is JSON in the outline of a request."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from None
    transcoder = Transcoder(limits.nesting)
    try:
        encoded = transcoder.request(request)
    except BadSpan as error:  # outside of any span
        raise BadRequest(str(error)) from None
    return Transcoded(encoded, transcoder.rejected, transcoder.remarks)


class Transcoder:
    def __init__(self, nesting: int) -> None:
        self.nesting = nesting
        self.rejected: Counter[str] = Counter()
        self.remarks: set[str] = set()
        attributes = self.attributes
        self.request = _message({"resourceSpans": _each(1, self._resource_spans)})
        self._resource_fields = _message({"attributes": attributes(1)})
        self._scope_fields = _message(
            {"name": _text(1), "version": _text(2), "attributes": attributes(3)}
        )
        self._scope_spans_fields = _message(
            {"scope": _one(1, self._scope_fields), "spans": self._spans}
        )
        self._resource_spans_fields = _message(
            {
                "resource": _one(1, self._resource_fields),
                "scopeSpans": _each(2, self._scope_spans_fields),
            }
        )
        self.event = _message(
            {
                "timeUnixNano": _fixed64(1),
                "name": _text(2),
                "attributes": attributes(3),
                "droppedAttributesCount": _uint32(4),
            }
        )
        self.link = _message(
            {
                "traceId": _lenient_id(1),
                "spanId": _lenient_id(2),
                "traceState": _text(3),
                "attributes": attributes(4),
                "droppedAttributesCount": _uint32(5),
                "flags": _fixed32(6),
            }
        )
        self._span = _message(self._span_fields())

    def _span_fields(self) -> dict[str, _Encode]:
        status = _message({"message": _text(2), "code": _enum(3, _CODES)})
        return {
            "traceId": _id(1, "traceId", 32),
            "spanId": _id(2, "spanId", 16),
            "traceState": _text(3),
            "parentSpanId": _lenient_id(4),
            "name": _text(5),
            "kind": _enum(6, _KINDS),
            "startTimeUnixNano": _fixed64(7),
            "endTimeUnixNano": _fixed64(8),
            "attributes": self.attributes(9),
            "droppedAttributesCount": _uint32(10),
            "events": _each(11, self.event),
            "droppedEventsCount": _uint32(12),
            "links": _each(13, self.link),
            "droppedLinksCount": _uint32(14),
            "status": _one(15, status),
            "flags": _fixed32(16),
        }

    def _resource_spans(self, value: _Json) -> bytes:
        return self._resource_spans_fields(value)

    def _spans(self, spans: _Json) -> bytes:
        encoded = []
        for span in _list(spans):
            try:
                encoded.append(sized(b"\x12", self._span(span)))
            except BadSpan as error:
                self.rejected[str(error)] += 1
        return b"".join(encoded)

    def attributes(self, number: int) -> _Encode:
        tag = field_tag(number, 2)

        def encode(values: _Json) -> bytes:
            return b"".join(
                [sized(tag, self.key_value(value, 1)) for value in _list(values)]
            )

        return encode

    def key_value(self, entry: _Json, depth: int) -> bytes:
        entry = _object(entry)
        key, value = entry.get("key") or "", entry.get("value")
        encoded = sized(b"\x0a", _utf8(key))
        return encoded + sized(b"\x12", self._any_value(value, depth))

    def _any_value(self, value: _Json, depth: int) -> bytes:
        for name, content in _object(value or {}).items():
            if content is None:
                continue
            if name in _SCALARS:
                return _SCALARS[name](content)
            if name in _NESTED:
                return self._nested(_NESTED[name], _object(content), depth)
        return b""

    def _nested(self, tag: bytes, content: Mapping[str, _Json], depth: int) -> bytes:
        if depth > self.nesting:
            return self.cut_nesting()
        encode = self._any_value if tag == _ARRAY_TAG else self.key_value
        items = [
            sized(b"\x0a", encode(item, depth + 1))
            for item in _list(content.get("values") or [])
        ]
        return sized(tag, b"".join(items))

    def cut_nesting(self) -> bytes:
        self.remarks.add(CUT_NESTING)
        return b""


def _message(fields: Mapping[str, _Encode]) -> _Encode:
    """An object whose known members are encoded; the rest, and nulls, are ignored.

    The names of the protobuf definition are understood too: some senders use them.
    """
    known = dict(fields) | {_snake(name): encode for name, encode in fields.items()}

    def encode(value: _Json) -> bytes:
        parts = []
        for name, content in _object(value).items():
            field = known.get(name)
            if field is not None and content is not None:
                parts.append(field(content))
        return b"".join(parts)

    return encode


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _object(value: _Json) -> dict[str, _Json]:
    if not isinstance(value, dict):
        raise BadSpan("an object is expected where something else stands")
    return value


def _list(value: _Json) -> list[_Json]:
    if not isinstance(value, list):
        raise BadSpan("a list is expected where something else stands")
    return value


def _utf8(value: _Json) -> bytes:
    if not isinstance(value, str):
        raise BadSpan("a text is expected where something else stands")
    return value.encode()


def _one(number: int, encode: _Encode) -> _Encode:
    tag = field_tag(number, 2)
    return lambda value: sized(tag, encode(value))


def _each(number: int, encode: _Encode) -> _Encode:
    tag = field_tag(number, 2)
    return lambda values: b"".join([sized(tag, encode(v)) for v in _list(values)])


def _text(number: int) -> _Encode:
    return _one(number, _utf8)


def _id(number: int, name: str, digits: int) -> _Encode:
    tag = field_tag(number, 2)

    def encode(value: _Json) -> bytes:
        text = _utf8(value)
        try:
            return sized(tag, binascii.unhexlify(text) if len(text) == digits else b"")
        except binascii.Error:
            raise BadSpan(f"{name} is not {digits} hex digits") from None

    return encode


def _lenient_id(number: int) -> _Encode:
    tag = field_tag(number, 2)

    def encode(value: _Json) -> bytes:
        try:
            return sized(tag, binascii.unhexlify(_utf8(value)))
        except binascii.Error:
            return sized(tag, _NOT_AN_ID)

    return encode


def _integer(value: _Json, smallest: int, largest: int) -> int:
    """A number, or its decimal digits as a text."""
    if isinstance(value, str):
        value = _digits(value)
    elif isinstance(value, float) and abs(value) <= _EXACT_IN_DOUBLE:
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadSpan("an integer is expected where something else stands")
    if not smallest <= value <= largest:
        raise BadSpan(f"an integer is not between {smallest} and {largest}")
    return value


def _digits(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(text) > _LONGEST_INTEGER:
        return None
    return int(text)


def _fixed64(number: int) -> _Encode:
    pack, tag = struct.Struct("<Q").pack, field_tag(number, 1)
    return lambda value: tag + pack(_integer(value, 0, _UINT64_MAX))


def _fixed32(number: int) -> _Encode:
    pack, tag = struct.Struct("<I").pack, field_tag(number, 5)
    return lambda value: tag + pack(_integer(value, 0, 2**32 - 1))


def _uint32(number: int) -> _Encode:
    tag = field_tag(number, 0)
    return lambda value: tag + varint(_integer(value, 0, 2**32 - 1))


def _enum(number: int, names: Mapping[str, int]) -> _Encode:
    tag = field_tag(number, 0)

    def encode(value: _Json) -> bytes:
        if isinstance(value, str):
            value = names.get(value, _digits(value))
            if value is None:
                return tag + varint(_UNKNOWN)
        code = _integer(value, -(2**31), 2**31 - 1)
        return tag + varint(code if code >= 0 else _UNKNOWN)

    return encode


def _bool_value(value: _Json) -> bytes:
    if not isinstance(value, bool):
        raise BadSpan("a boolean is expected where something else stands")
    return b"\x10\x01" if value else b"\x10\x00"


def _int_value(value: _Json) -> bytes:
    return b"\x18" + varint(_integer(value, INT64_MIN, INT64_MAX) & _UINT64_MAX)


def _double_value(value: _Json) -> bytes:
    """NaN and the infinities are texts; `float` knows them and digits alike."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadSpan("a number is expected where something else stands")
    try:
        return b"\x21" + struct.pack("<d", float(value))
    except (ValueError, OverflowError):
        raise BadSpan("a text where a number is expected is none") from None


def _bytes_value(value: _Json) -> bytes:
    text = _utf8(value).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        raise BadSpan("a bytesValue is not base64") from None
    return sized(b"\x3a", raw)


_STRING_VALUE: Final = _text(1)
_SCALARS: Final[dict[str, _Encode]] = {
    "stringValue": _STRING_VALUE,
    "boolValue": _bool_value,
    "intValue": _int_value,
    "doubleValue": _double_value,
    "bytesValue": _bytes_value,
    "string_value": _STRING_VALUE,
    "bool_value": _bool_value,
    "int_value": _int_value,
    "double_value": _double_value,
    "bytes_value": _bytes_value,
}
_ARRAY_TAG, _MAP_TAG = b"\x2a", b"\x32"
_NESTED: Final = {
    "arrayValue": _ARRAY_TAG,
    "kvlistValue": _MAP_TAG,
    "array_value": _ARRAY_TAG,
    "kvlist_value": _MAP_TAG,
}
