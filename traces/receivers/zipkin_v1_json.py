"""Zipkin v1 JSON."""

import base64
import binascii
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from traces.receivers.json_fields import (
    BadSpan,
    JsonObject,
    integer,
    objects,
    text,
    whole_number,
)
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.receivers.wire import Read
from traces.receivers.wire_format import Scalar
from traces.receivers.zipkin_documents import SpanDocuments
from traces.receivers.zipkin_json import annotation_time, duration, endpoint
from traces.receivers.zipkin_spans import ABSENT, Endpoint
from traces.receivers.zipkin_v1_spans import (
    BinaryAnnotation,
    Tag,
    V1Annotation,
    V1Span,
    to_v2_columns,
)
from traces.receivers.zipkin_wire import to_wire

V2_AT_V1: Final = (
    "this is Zipkin v2 JSON; Zipkin v1 JSON is read here (a list of spans with"
    " annotations and binaryAnnotations), v2 at /api/v2/spans"
)
_ONLY_IN_V2: Final = ("kind", "tags", "shared", "localEndpoint", "remoteEndpoint")
_INTEGERS: Final = ("I16", "I32", "I64")


def read_json(bodies: Sequence[bytes], limits: Limits) -> Read:
    """A bad request has its error in its verdict."""
    spans, request, verdicts = _DOCUMENTS.read_all(bodies, limits)
    tags = [list(map(_tag, span.binary_annotations or ())) for span in spans]
    return to_wire(to_v2_columns(spans, tags, request), verdicts)


def _tag(binary: BinaryAnnotation) -> Tag:
    return Tag(binary.key, _value(binary), binary.endpoint)


def _value(binary: BinaryAnnotation) -> Scalar:
    """With the type that it is said to have, if the text can be read so."""
    value = binary.value
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    if binary.type in _INTEGERS:
        number = whole_number(value)
        return value if number is None else number
    if binary.type == "BYTES":
        with suppress(binascii.Error, ValueError):
            return base64.b64decode(value, validate=True)
    return value


def _require_v1(span: V1Span) -> None:
    of_v2 = (
        span.kind,
        span.tags,
        span.shared,
        span.local_endpoint,
        span.remote_endpoint,
    )
    if any(each is not ABSENT for each in of_v2):
        raise BadRequest(V2_AT_V1)


def _lenient_span(span: JsonObject) -> V1Span:
    if any(key in span for key in _ONLY_IN_V2):
        raise BadRequest(V2_AT_V1)
    return V1Span(
        trace_id=text(span, "traceId"),
        id=text(span, "id"),
        parent_id=text(span, "parentId"),
        name=text(span, "name"),
        timestamp=integer(span, "timestamp"),
        duration=duration(span),
        debug=span.get("debug") is True,
        annotations=[_annotation(each) for each in objects(span, "annotations")],
        binary_annotations=[_binary(e) for e in objects(span, "binaryAnnotations")],
    )


def _annotation(annotation: JsonObject) -> V1Annotation:
    where = _endpoint(annotation)
    return V1Annotation(annotation_time(annotation), text(annotation, "value"), where)


def _binary(binary: JsonObject) -> BinaryAnnotation:
    value = binary.get("value")
    if not isinstance(value, str | bool | int | float | None):
        raise BadSpan("a binary annotation is neither text, number nor boolean")
    if isinstance(value, int) and whole_number(int(value)) is None:
        raise BadSpan("a binary annotation is not a 64-bit number")
    kind = text(binary, "type")
    return BinaryAnnotation(text(binary, "key"), value, kind, _endpoint(binary))


def _endpoint(holder: JsonObject) -> Endpoint | None:
    return None if holder.get("endpoint") is None else endpoint(holder, "endpoint")


_DOCUMENTS: Final = SpanDocuments(V1Span, _lenient_span, _require_v1)
