"""OTLP JSON, as the API answers it, back to plain Python values."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

KINDS: dict[str, Callable[[Any], Any]] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": base64.b64decode,
    "arrayValue": lambda value: [plain(item) for item in value.get("values", [])],
    "kvlistValue": lambda value: attributes(value.get("values", [])),
}


def plain(value: dict[str, Any]) -> Any:
    if not value:
        return None
    ((kind, content),) = value.items()
    return KINDS[kind](content)


def attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: plain(pair["value"]) for pair in pairs}


def spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each span with its resource's attributes and scope beside its own fields."""
    for group in document["resourceSpans"]:
        resource = attributes(group["resource"].get("attributes", []))
        for scope_spans in group["scopeSpans"]:
            scope = scope_spans.get("scope", {})
            for span in scope_spans["spans"]:
                yield {**span, "resource": resource, "scope": scope}
