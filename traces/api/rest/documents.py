"""The OpenAPI document as a page of plain HTML: no script of another's is needed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    generator: Any = SchemaGenerator  # it ships no types
    schema = generator().get_schema(request=None, public=True)
    context = {"operations": list(operations(schema))}
    return render(request, "traces/api_docs.html", context)


def operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry an operation: path, words, parameters, and the answer's fields."""
    return [
        {
            "path": path,
            "method": method.upper(),
            "summary": operation.get("summary", operation["operationId"]),
            "description": operation.get("description", ""),
            "parameters": operation.get("parameters", []),
            "fields": list(answer_fields(schema, operation)),
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def answer_fields(
    schema: dict[str, Any], operation: dict[str, Any]
) -> list[tuple[str, str, str]]:
    """(name, type, words) of the 200 answer, those of nested objects dotted."""
    content = operation["responses"]["200"].get("content", {})
    body = content.get("application/json", {}).get("schema", {})
    return list(_fields(schema, body, ""))


def _fields(
    schema: dict[str, Any], node: dict[str, Any], prefix: str
) -> list[tuple[str, str, str]]:
    node = _resolve(schema, node)
    found = []
    for name, field in node.get("properties", {}).items():
        shape = _resolve(schema, field)
        inner = _resolve(schema, shape.get("items", shape))
        dotted = f"{prefix}{name}{'[]' if 'items' in shape else ''}"
        words = field.get("description", shape.get("description", ""))
        found.append((dotted, inner.get("type", "any"), words))
        found += _fields(schema, inner, f"{dotted}.")
    return found


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "allOf" in node:
        node = node["allOf"][0] | {k: v for k, v in node.items() if k != "allOf"}
    if "$ref" not in node:
        return node
    name = node["$ref"].rpartition("/")[2]
    resolved: dict[str, Any] = schema["components"]["schemas"][name]
    return resolved
