"""OTLP messages as plain Python, to compare."""

from typing import Any


def attributes_of(holder: Any) -> dict[str, Any]:
    return {entry.key: value_of(entry.value) for entry in holder.attributes}


def value_of(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def resource_of(request: Any) -> dict[str, Any]:
    [group] = request.resource_spans
    return attributes_of(group.resource)
