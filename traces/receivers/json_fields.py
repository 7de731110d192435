"""Typed looks into parsed JSON that a stranger wrote, and the refusals they lead to."""

import math
from typing import Any

JsonObject = dict[str, Any]

_INT64 = range(-(2**63), 2**63)
_LONGEST_INTEGER_TEXT = 20


class UnreadableDocument(ValueError):
    """Nothing of a document can be taken; the text says why."""


class BadSpan(ValueError):
    """One span cannot be taken; the text says why."""


def text(source: JsonObject, key: str, default: str = "") -> str:
    value = source.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise BadSpan(f"{key} is not text")
    return value


def integer(source: JsonObject, key: str) -> int | None:
    """A whole number, or its decimal text; a fraction is cut off; None if absent."""
    value = source.get(key)
    if value is None:
        return None
    number = whole_number(value)
    if number is None:
        raise BadSpan(f"{key} is not a 64-bit number")
    return number


def whole_number(value: object) -> int | None:
    if isinstance(value, str):
        value = _parse_integer(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value in _INT64 else None


def _parse_integer(value: str) -> int | None:
    # Python takes its time over long digit strings, and takes other scripts' digits.
    if len(value) > _LONGEST_INTEGER_TEXT or not value.isascii():
        return None
    try:
        return int(value)
    except ValueError:
        return None


def objects(source: JsonObject, key: str) -> list[JsonObject]:
    """A list of objects; empty if absent or null."""
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise BadSpan(f"{key} is not a list of objects")
    return value


def mapping(source: JsonObject, key: str) -> JsonObject:
    """An object; empty if absent or null."""
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadSpan(f"{key} is not an object")
    return value
