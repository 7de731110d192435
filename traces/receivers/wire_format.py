"""OTLP's attributes, events and links as protobuf bytes, for what comes otherwise.

Written by hand because protobuf's own messages cost ten times as much each.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

_UINT64_MAX = 2**64 - 1
_LENGTHS: Final = [bytes([n]) for n in range(128)]
_DOUBLE: Final = struct.Struct("<d")
_FIXED64: Final = struct.Struct("<Q")
_MOST_REMEMBERED = 50_000
_LONGEST_REMEMBERED = 256

Scalar = str | bool | int | float | bytes | list[str] | list["Scalar"]


def field_tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def varint(number: int) -> bytes:
    if number < 128:
        return _LENGTHS[number]
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def sized(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


_heads: dict[str, bytes] = {}


def key_value(key: str, value: Scalar) -> bytes:
    """A KeyValue message. Integers must fit 64 bits, texts hold no lone surrogate."""
    head = _heads.get(key) or _remember_head(key)
    if type(value) is str:
        text = value.encode()
        if len(text) < _SHORT:
            return head + _SHORT_TEXTS[len(text)] + text
    elif type(value) is int and 0 <= value < _SMALL:
        return head + _SMALL_INTEGERS[value]
    content = any_value(value)
    return head + varint(len(content)) + content


def key_values(attributes: Iterable[tuple[str, Scalar]]) -> list[bytes]:
    """As `key_value`, whose usual case is repeated here: a call costs as much."""
    heads, short = _heads, _SHORT_TEXTS
    messages = []
    for key, value in attributes:
        if type(value) is str and key in heads:
            text = value.encode()
            if len(text) < _SHORT:
                messages.append(heads[key] + short[len(text)] + text)
                continue
        messages.append(key_value(key, value))
    return messages


def _remember_head(key: str) -> bytes:
    """All that goes before the length of a value; few keys make most attributes."""
    head = sized(b"\x0a", key.encode()) + b"\x12"
    if len(head) <= _LONGEST_REMEMBERED:
        if len(_heads) >= _MOST_REMEMBERED:
            _heads.clear()
        _heads[key] = head
    return head


def any_value(value: Scalar) -> bytes:
    return _ENCODERS[type(value)](value)


def _integer(value: int) -> bytes:
    return b"\x18" + varint(value & _UINT64_MAX)


def _array(values: Iterable[Scalar]) -> bytes:
    items = [sized(b"\x0a", any_value(value)) for value in values]
    return sized(b"\x2a", b"".join(items))


_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    str: lambda value: sized(b"\x0a", value.encode()),
    bool: lambda value: b"\x10\x01" if value else b"\x10\x00",
    int: _integer,
    float: lambda value: b"\x21" + _DOUBLE.pack(value),
    bytes: lambda value: sized(b"\x3a", value),
    list: _array,
}

# What goes between a head and a text, by the text's length, and after one.
_SHORT = 126
_SHORT_TEXTS: Final = [bytes([n + 2, 0x0A, n]) for n in range(_SHORT)]
_SMALL = 1024
_SMALL_INTEGERS: Final = [sized(b"", _integer(n)) for n in range(_SMALL)]


def event(
    time_unix_nano: int, name: str, attributes: Iterable[bytes] = (), dropped: int = 0
) -> bytes:
    """An Event message; `attributes` are KeyValue messages."""
    parts = [b"\x09" + _FIXED64.pack(time_unix_nano), sized(b"\x12", name.encode())]
    parts += [sized(b"\x1a", attribute) for attribute in attributes]
    if dropped:
        parts.append(b"\x20" + varint(dropped))
    return b"".join(parts)


def link(trace_id: bytes, span_id: bytes, attributes: Iterable[bytes] = ()) -> bytes:
    """A Link message; `attributes` are KeyValue messages."""
    parts = [sized(b"\x0a", trace_id), sized(b"\x12", span_id)]
    parts += [sized(b"\x22", attribute) for attribute in attributes]
    return b"".join(parts)
