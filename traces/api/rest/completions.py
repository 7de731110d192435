"""What there is to ask for: services, span names, attribute keys and values."""

import time
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from traces.api.rest import shapes
from traces.api.rest.problems import answers_problems
from traces.query import MAX_LIMIT, Attribute, Scope, Value, Window
from traces.search.form import FieldError, FormError, SearchForm, read_form
from traces.search.translate import to_query
from traces.store.current import current_store

DEFAULT_LIMIT: Final = 100
MAX_TEXT: Final = 16_384
TIME: Final = shapes.TIME_PARAMETERS


@extend_schema(
    operation_id="list_services",
    summary="Service names",
    parameters=shapes.TIME,
    responses={200: shapes.NamesShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems(*TIME)
def services(request: Request) -> Response:
    """Names of the services with a span that starts in the time range, sorted."""
    return Response({"names": current_store().get_services(window_of(request))})


@extend_schema(
    operation_id="list_span_names",
    summary="Span names",
    parameters=[
        shapes.text_parameter("service", "Only this service's; of all unless given."),
        *shapes.TIME,
    ],
    responses={200: shapes.NamesShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("service", *TIME)
def span_names(request: Request) -> Response:
    """Names of the spans that start in the time range, sorted; at most 1000."""
    service_name = text_of(request, "service") or None
    names = current_store().get_span_names(service_name, window_of(request))
    return Response({"names": names})


@extend_schema(
    operation_id="list_attribute_keys",
    summary="Attribute keys",
    parameters=[shapes.PREFIX, shapes.LIMIT, *shapes.TIME],
    responses={200: shapes.AttributeKeysShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("prefix", "limit", *TIME)
def attribute_keys(request: Request) -> Response:
    """Keys in use, each with its scope: span, resource, event or instrumentation."""
    found = current_store().get_attribute_keys(
        window_of(request), text_of(request, "prefix"), limit_of(request)
    )
    return Response({"keys": [{"key": a.key, "scope": a.scope} for a in found]})


@extend_schema(
    operation_id="list_attribute_values",
    summary="Attribute values",
    parameters=[
        shapes.text_parameter("key", "The attribute's key.", required=True),
        shapes.text_parameter(
            "scope",
            "span, resource, event or instrumentation; span and resource unless given.",
        ),
        shapes.PREFIX,
        shapes.LIMIT,
        *shapes.TIME,
    ],
    responses={200: shapes.AttributeValuesShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("key", "scope", "prefix", "limit", *TIME)
def attribute_values(request: Request) -> Response:
    """Scalar values in use, the most frequent first."""
    found = current_store().get_attribute_values(
        attribute_of(request),
        window_of(request),
        text_of(request, "prefix"),
        limit_of(request),
    )
    return Response({"values": [typed(value) for value in found]})


def typed(value: Value) -> dict[str, str]:
    kinds = {str: "string", bool: "bool", int: "int", float: "double"}
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"type": kinds[type(value)], "value": text}


def window_of(request: Request) -> Window:
    form = read_form(request.query_params)
    times = SearchForm(range=form.range, from_time=form.from_time, to_time=form.to_time)
    return to_query(times, time.time_ns()).window


def text_of(request: Request, parameter: str) -> str:
    text: str = request.query_params.get(parameter, "")
    if len(text) > MAX_TEXT:
        message = f"longer than {MAX_TEXT} characters"
        raise FormError([FieldError(parameter, message)])
    return text


def limit_of(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    whole = text.isascii() and text.isdigit() and len(text) <= 9
    if not whole or not 1 <= int(text) <= MAX_LIMIT:
        message = f"expected a whole number between 1 and {MAX_LIMIT}"
        raise FormError([FieldError("limit", message)])
    return int(text)


def attribute_of(request: Request) -> Attribute:
    key: Any = text_of(request, "key")
    scope = text_of(request, "scope")
    if not key:
        raise FormError([FieldError("key", "an attribute key is needed")])
    if scope and scope not in list(Scope):
        message = f"expected one of {', '.join(Scope)}"
        raise FormError([FieldError("scope", message)])
    return Attribute(key, Scope(scope) if scope else None)
