"""One OTLP KeyValue to Python, within the limits; for the few that columns leave."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.variant import AttributeValue

CUT_VALUE = "attribute values beyond the size limit were cut"
CUT_KEY = "attribute keys beyond the size limit were cut"
CUT_NESTING = "attribute values nested beyond the limit were emptied"
REPEATED_KEY = "repeated attribute keys: the last value was kept"
STRING_INDEX = "indexes into a string table are not supported: taken as absent"


def parse_key_value(message: bytes) -> Any:
    try:
        return KeyValue.FromString(message)
    except DecodeError:
        raise BadRequest("an attribute is not a valid KeyValue message") from None


def parse_any_value(message: bytes) -> Any:
    try:
        return AnyValue.FromString(message)
    except DecodeError:
        raise BadRequest("an attribute is not a valid AnyValue message") from None


class Reader:
    """Turns messages into Python values; `remarks` collects what it had to alter."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.remarks: set[str] = set()
        self._left = 0

    def attributes(self, messages: Iterable[bytes]) -> dict[str, AttributeValue]:
        return self._map(map(parse_key_value, messages), 1, fresh=True)

    def value(self, message: Any) -> AttributeValue:
        self._left = self.limits.value_bytes
        return self._value(message, 1)

    def _map(
        self, entries: Iterable[Any], depth: int, *, fresh: bool = False
    ) -> dict[str, AttributeValue]:
        read: dict[str, AttributeValue] = {}
        for entry in entries:
            if fresh:
                self._left = self.limits.value_bytes
            elif self._exhausted(len(entry.key)):
                break
            if entry.key_strindex and not entry.key:
                self.remarks.add(STRING_INDEX)
            key = self._key(entry.key)
            if key in read:
                self.remarks.add(REPEATED_KEY)
            read[key] = self._value(entry.value, depth)
        return read

    def _list(self, items: Iterable[Any], depth: int) -> list[AttributeValue]:
        read: list[AttributeValue] = []
        for item in items:
            if self._exhausted(1):
                break
            read.append(self._value(item, depth))
        return read

    def _value(self, message: Any, depth: int) -> AttributeValue:
        match message.WhichOneof("value"):
            case None:
                return None
            case "string_value":
                return self._text(message.string_value)
            case "bytes_value":
                return self._raw(message.bytes_value)
            case "string_value_strindex":
                self.remarks.add(STRING_INDEX)
                return None
            case "array_value" | "kvlist_value" as kind:
                return self._nested(getattr(message, kind).values, kind, depth)
            case kind:
                number: AttributeValue = getattr(message, kind)
                return number

    def _nested(self, values: Any, kind: str, depth: int) -> AttributeValue:
        if depth > self.limits.nesting:
            self.remarks.add(CUT_NESTING)
            return None
        if kind == "array_value":
            return self._list(values, depth + 1)
        return self._map(values, depth + 1)

    def _exhausted(self, size: int) -> bool:
        if self._left > 0:
            self._left -= size
            return False
        self.remarks.add(CUT_VALUE)
        return True

    def _key(self, key: str) -> str:
        cut = cut_text(key, self.limits.key_bytes)
        if cut != key:
            self.remarks.add(CUT_KEY)
        return cut

    def _text(self, text: str) -> str:
        cut = cut_text(text, self._left)
        self._left -= len(cut)
        if cut != text:
            self.remarks.add(CUT_VALUE)
        return cut

    def _raw(self, raw: bytes) -> bytes:
        cut = raw[: max(self._left, 0)]
        self._left -= len(cut)
        if len(cut) < len(raw):
            self.remarks.add(CUT_VALUE)
        return cut


def cut_text(text: str, limit: int) -> str:
    """`text`, or its longest beginning of at most `limit` bytes of UTF-8."""
    limit = max(limit, 0)
    if len(text) * 4 <= limit:
        return text
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode(errors="ignore")
