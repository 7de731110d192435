"""Zipkin v2 JSON. Ids are read as Zipkin's server reads them."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from traces.receivers.json_fields import (
    BadSpan,
    JsonObject,
    integer,
    mapping,
    objects,
    text,
)
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.receivers.wire import Read
from traces.receivers.zipkin_documents import SpanDocuments
from traces.receivers.zipkin_spans import (
    ABSENT,
    Annotation,
    Endpoint,
    ZipkinSpan,
    to_columns,
)
from traces.receivers.zipkin_wire import to_wire

V1_AT_V2: Final = (
    "this is Zipkin v1 JSON; Zipkin v2 JSON is read here (a list of spans with id,"
    " traceId, timestamp, localEndpoint), v1 at /api/v1/spans"
)


def read_json(bodies: Sequence[bytes], limits: Limits) -> Read:
    """A bad request has its error in its verdict."""
    spans, request, verdicts = _DOCUMENTS.read_all(bodies, limits)
    return to_wire(to_columns(spans, request), verdicts)


def _require_v2(span: ZipkinSpan) -> None:
    annotations = span.annotations or ()
    if span.binary_annotations is not ABSENT or any(
        each.endpoint is not ABSENT for each in annotations
    ):
        raise BadRequest(V1_AT_V2)


def is_v1(span: Any) -> bool:
    """Whether a parsed span has what only version 1 has."""
    if not isinstance(span, dict):
        return False
    annotations = span.get("annotations")
    return "binaryAnnotations" in span or (
        isinstance(annotations, list)
        and any(isinstance(a, dict) and "endpoint" in a for a in annotations)
    )


def _lenient_span(span: JsonObject) -> ZipkinSpan:
    if is_v1(span):
        raise BadRequest(V1_AT_V2)
    return ZipkinSpan(
        trace_id=text(span, "traceId"),
        id=text(span, "id"),
        parent_id=text(span, "parentId"),
        kind=text(span, "kind"),
        name=text(span, "name"),
        timestamp=integer(span, "timestamp"),
        duration=duration(span),
        debug=span.get("debug") is True,
        shared=span.get("shared") is True,
        local_endpoint=endpoint(span, "localEndpoint"),
        remote_endpoint=endpoint(span, "remoteEndpoint"),
        annotations=[_annotation(each) for each in objects(span, "annotations")],
        tags={key: _tag_text(value) for key, value in mapping(span, "tags").items()},
    )


def _annotation(annotation: JsonObject) -> Annotation:
    return Annotation(annotation_time(annotation), text(annotation, "value"))


def _tag_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    raise BadSpan("a tag is not text")


def duration(span: JsonObject) -> int | None:
    """Microseconds; less than one counts as one."""
    value = span.get("duration")
    if isinstance(value, float) and 0 < value < 1:
        return 1
    return integer(span, "duration")


def endpoint(holder: JsonObject, key: str) -> Endpoint:
    found = mapping(holder, key)
    return Endpoint(
        service_name=text(found, "serviceName"),
        ipv4=text(found, "ipv4"),
        ipv6=text(found, "ipv6"),
        port=integer(found, "port"),
    )


def annotation_time(annotation: JsonObject) -> int:
    time = integer(annotation, "timestamp")
    if time is None:
        raise BadSpan("an annotation without a timestamp")
    return time


_DOCUMENTS: Final = SpanDocuments(ZipkinSpan, _lenient_span, _require_v2)
