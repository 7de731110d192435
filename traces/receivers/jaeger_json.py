"""Jaeger's JSON (what its API and its UI's download give) into OTLP.

The mapping is the OpenTelemetry Collector's "OpenTelemetry to Jaeger Transformation",
read backwards. An id that is no hexadecimal number, as hand-written samples have, is
replaced by a hash of its text, and the text kept as an attribute.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from traces import semconv
from traces.receivers.json_fields import (
    BadSpan,
    JsonObject,
    UnreadableDocument,
    integer,
    mapping,
    objects,
    text,
    whole_number,
)
from traces.receivers.translation import (
    KIND_BY_NAME,
    MAX_TIME_UNIX_NANO,
    NANO_PER_MICRO,
    STATUS_BY_NAME,
    Placed,
    Scalar,
    Tags,
    Translated,
    collect,
    key_values,
    take_scope,
    take_text,
    unix_nano,
)
from traces.spans import SPAN_ID_BYTES, TRACE_ID_BYTES

ORIGINAL_TRACE_ID: Final = "jaeger.trace_id"
ORIGINAL_SPAN_ID: Final = "jaeger.span_id"
REFERENCE_TYPE: Final = "opentracing.ref_type"
WARNINGS: Final = "@jaeger@warnings"  # Jaeger's own key for them
SAMPLED_FLAG: Final = 1
UNNAMED_EVENT: Final = "log"
_MAX_ID_TEXT = 256


class Id(NamedTuple):
    """An id, and its text where that is not the id in hexadecimal."""

    id: bytes
    original: str = ""


class Process(NamedTuple):
    key: str
    resource: Tags


def translate(document: object) -> Iterator[Translated]:
    """Jaeger's answer `{"data": [trace…]}` or one bare trace, as OTLP requests.

    Raises UnreadableDocument.
    """
    traces = _traces(document)
    return collect(found for trace in traces for found in _trace_spans(trace))


def _traces(document: object) -> list[JsonObject]:
    traces = document.get("data") if isinstance(document, dict) else document
    if traces is None:
        traces = [document]
    if not isinstance(traces, list) or not all(isinstance(t, dict) for t in traces):
        raise UnreadableDocument("Jaeger JSON whose data is not a list of traces")
    if not all(isinstance(trace.get("spans"), list) for trace in traces):
        raise UnreadableDocument("Jaeger JSON with a trace that has no list of spans")
    return traces


def _trace_spans(trace: JsonObject) -> Iterator[Placed | BadSpan]:
    processes = trace.get("processes")
    resources = _Resources(processes if isinstance(processes, dict) else {})
    for span in trace["spans"]:
        try:
            yield _span(span, resources)
        except BadSpan as error:
            yield error


class _Resources:
    """The processes of one trace, each read once."""

    def __init__(self, processes: JsonObject) -> None:
        self._processes = processes
        self._known: dict[str, Process] = {}

    def of(self, span: JsonObject) -> Process:
        """A process within the span goes before the one it names."""
        if own := mapping(span, "process"):
            return _process(own)
        name = text(span, "processID")
        if name not in self._known:
            self._known[name] = _process(mapping(self._processes, name))
        return self._known[name]


def _process(process: JsonObject) -> Process:
    resource: Tags = {}
    if service := text(process, "serviceName"):
        resource[semconv.SERVICE_NAME] = service
    resource |= {k: v for k, v in _tags(process).items() if k not in resource}
    return Process(repr(resource), resource)


def _span(span: Any, resources: _Resources) -> Placed:
    if not isinstance(span, dict):
        raise BadSpan("a span that is not an object")
    process = resources.of(span)
    tags = _tags(span)
    start = unix_nano(_required(span, "startTime"), "startTime")
    message = Span(
        name=text(span, "operationName"),
        start_time_unix_nano=start,
        end_time_unix_nano=_end(start, integer(span, "duration") or 0),
        flags=(integer(span, "flags") or 0) & SAMPLED_FLAG,
    )
    _set_ids(message, span, tags)
    _set_references(message, span)
    scope = take_scope(tags)
    _take_fields(message, tags)
    _keep_warnings(span, tags)
    message.attributes.extend(key_values(tags))
    message.events.extend(map(_event, objects(span, "logs")))
    return Placed(message, process.resource, process.key, scope)


def _required(span: JsonObject, key: str) -> int:
    value = integer(span, key)
    if value is None:
        raise BadSpan(f"{key} is missing")
    return value


def _end(start: int, duration_micro: int) -> int:
    end = start + duration_micro * NANO_PER_MICRO
    if not 0 <= end <= MAX_TIME_UNIX_NANO:
        raise BadSpan("the end is not between 1970 and 2262")
    return end


def _set_ids(message: Span, span: JsonObject, tags: Tags) -> None:
    trace_id = parse_id(text(span, "traceID"), TRACE_ID_BYTES, "traceID")
    span_id = parse_id(text(span, "spanID"), SPAN_ID_BYTES, "spanID")
    message.trace_id, message.span_id = trace_id.id, span_id.id
    if trace_id.original:
        tags[ORIGINAL_TRACE_ID] = trace_id.original
    if span_id.original:
        tags[ORIGINAL_SPAN_ID] = span_id.original


def parse_id(value: str, length: int, what: str) -> Id:
    """An id of up to `length` bytes from hexadecimal digits, zeros before it optional.

    Raises BadSpan for one that is absent or zero.
    """
    if not value or len(value) > _MAX_ID_TEXT:
        raise BadSpan(f"{what} is missing or over {_MAX_ID_TEXT} characters")
    try:
        parsed = bytes.fromhex(value.rjust(2 * length, "0"))
    except ValueError:
        parsed = b""
    # fromhex overlooks spaces.
    if len(parsed) != length or not value.isalnum():
        return Id(hashlib.sha256(value.encode()).digest()[:length], value)
    if not any(parsed):
        raise BadSpan(f"{what} is zero")
    return Id(parsed)


def _set_references(message: Span, span: JsonObject) -> None:
    """The first CHILD_OF of this trace is the parent, else the first FOLLOWS_FROM."""
    references = [_reference(r) for r in objects(span, "references")]
    here = [r for r in references if r.trace_id == message.trace_id]
    here.sort(key=lambda reference: reference.kind != "CHILD_OF")
    parent = here[0] if here else None
    if parent is not None:
        message.parent_span_id = parent.span_id
    elif old_style := text(span, "parentSpanID").lstrip("0"):
        message.parent_span_id = parse_id(old_style, SPAN_ID_BYTES, "parentSpanID").id
    message.links.extend(_link(r) for r in references if r is not parent)


class _Reference(NamedTuple):
    kind: str
    trace_id: bytes
    span_id: bytes


def _reference(reference: JsonObject) -> _Reference:
    return _Reference(
        text(reference, "refType"),
        parse_id(
            text(reference, "traceID"), TRACE_ID_BYTES, "a reference's traceID"
        ).id,
        parse_id(text(reference, "spanID"), SPAN_ID_BYTES, "a reference's spanID").id,
    )


def _link(reference: _Reference) -> Span.Link:
    link = Span.Link(trace_id=reference.trace_id, span_id=reference.span_id)
    if reference.kind:
        attributes = {REFERENCE_TYPE: reference.kind.lower()}
        link.attributes.extend(key_values(attributes))
    return link


def _take_fields(message: Span, tags: Tags) -> None:
    """Move what OpenTelemetry has a field for out of the tags."""
    _take_kind(message, tags)
    _take_status(message, tags)
    message.trace_state = take_text(tags, "w3c.tracestate")
    message.dropped_attributes_count = _take_count(tags, "attributes")
    message.dropped_events_count = _take_count(tags, "events")
    message.dropped_links_count = _take_count(tags, "links")


def _take_kind(message: Span, tags: Tags) -> None:
    name = str(tags.get("span.kind", "internal")).upper()
    message.kind = KIND_BY_NAME.get(name, Span.SPAN_KIND_UNSPECIFIED)
    if name in KIND_BY_NAME:
        tags.pop("span.kind", None)


def _take_status(message: Span, tags: Tags) -> None:
    code = str(tags.get("otel.status_code", "")).upper()
    if code in STATUS_BY_NAME:
        del tags["otel.status_code"]
        message.status.code = STATUS_BY_NAME[code]
        message.status.message = take_text(tags, "otel.status_description")
    if tags.get("error") in (True, "true"):
        del tags["error"]
        message.status.code = STATUS_BY_NAME["ERROR"]


def _take_count(tags: Tags, what: str) -> int:
    key = f"otel.dropped_{what}_count"
    count = tags.get(key)
    if isinstance(count, int) and 0 <= count < 2**32:
        del tags[key]
        return count
    return 0


def _keep_warnings(span: JsonObject, tags: Tags) -> None:
    warnings = span.get("warnings")
    if isinstance(warnings, list) and warnings:
        tags[WARNINGS] = [str(warning) for warning in warnings]


def _event(log: JsonObject) -> Span.Event:
    fields = _tags(log, "fields")
    name = take_text(fields, "event") or UNNAMED_EVENT
    dropped = _take_count(fields, "attributes")
    time = unix_nano(_required(log, "timestamp"), "a log's timestamp")
    event = Span.Event(time_unix_nano=time, name=name, dropped_attributes_count=dropped)
    event.attributes.extend(key_values(fields))
    return event


def _tags(source: JsonObject, key: str = "tags") -> Tags:
    """The key-values, each with the type it declares; of equal keys the first stays."""
    tags: Tags = {}
    for tag in objects(source, key):
        tags.setdefault(text(tag, "key"), _typed(tag))
    return tags


def _typed(tag: JsonObject) -> Scalar:
    value = tag.get("value")
    typed = _as_declared(text(tag, "type").lower(), value)
    return typed if typed is not None else _as_is(value)


def _as_declared(declared: str, value: Any) -> Scalar | None:
    match declared:
        case "bool":
            return {"true": True, "false": False}.get(str(value).lower())
        case "int64":
            exact = not isinstance(value, float) or value.is_integer()
            return whole_number(value) if exact else None
        case "float64":
            return _double(value)
        case "binary":
            return _binary(value)
    return None


def _double(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _binary(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError, binascii.Error):
        return None


def _as_is(value: Any) -> Scalar:
    """A value whose declared type is text, absent or untrue."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int) and whole_number(value) is not None:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise BadSpan("a tag's value is nested too deeply") from error
