"""Jaeger's JSON (what its API and its UI's download give) to the wire.

An id that is no hexadecimal number, as hand-written samples have, is replaced by a hash
of its text, and the text kept as an attribute.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from traces.receivers.jaeger_spans import (
    JaegerBuilder,
    JaegerSpan,
    Log,
    Reference,
    Tag,
    read_each,
)
from traces.receivers.json_fields import (
    BadSpan,
    JsonObject,
    integer,
    mapping,
    objects,
    text,
    whole_number,
)
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.receivers.wire import Read
from traces.receivers.wire_format import Scalar
from traces.spans import SPAN_ID_BYTES, TRACE_ID_BYTES

ORIGINAL_TRACE_ID: Final = "jaeger.trace_id"
ORIGINAL_SPAN_ID: Final = "jaeger.span_id"
_NANO_PER_MICRO = 1_000
_MAX_ID_TEXT = 256


class Id(NamedTuple):
    """An id, and its text where that is not the id in hexadecimal."""

    id: bytes
    original: str = ""


def read_documents(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Each body is Jaeger's answer `{"data": [trace…]}`, a list of traces or one."""
    return read_each(bodies, limits, _read_document)


def _read_document(builder: JaegerBuilder, body: bytes) -> None:
    try:
        document = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise BadRequest(f"not JSON: {error}") from None
    for trace in _traces(document):
        _read_trace(builder, trace)


def _traces(document: object) -> list[JsonObject]:
    traces = document.get("data") if isinstance(document, dict) else document
    if traces is None:
        traces = [document]
    if not isinstance(traces, list) or not all(isinstance(t, dict) for t in traces):
        raise BadRequest("Jaeger JSON whose data is not a list of traces")
    if not all(isinstance(trace.get("spans"), list) for trace in traces):
        raise BadRequest("Jaeger JSON with a trace that has no list of spans")
    return traces


def _read_trace(builder: JaegerBuilder, trace: JsonObject) -> None:
    processes = trace.get("processes")
    resources = _Resources(builder, processes if isinstance(processes, dict) else {})
    for span in trace["spans"]:
        try:
            builder.add(_span(span), resources.of(span))
        except BadSpan as error:
            builder.refuse(str(error))


class _Resources:
    """The processes of one trace, each read once, as numbers of resources."""

    def __init__(self, builder: JaegerBuilder, processes: JsonObject) -> None:
        self._builder = builder
        self._processes = processes
        self._known: dict[str, int] = {}

    def of(self, span: JsonObject) -> int:
        """A process within the span goes before the one it names."""
        if own := mapping(span, "process"):
            return self._open(own)
        name = text(span, "processID")
        if name not in self._known:
            self._known[name] = self._open(mapping(self._processes, name))
        return self._known[name]

    def _open(self, process: JsonObject) -> int:
        return self._builder.open_resource(text(process, "serviceName"), _tags(process))


def _span(span: Any) -> JaegerSpan:
    if not isinstance(span, dict):
        raise BadSpan("a span that is not an object")
    trace_id = parse_id(text(span, "traceID"), TRACE_ID_BYTES, "traceID")
    span_id = parse_id(text(span, "spanID"), SPAN_ID_BYTES, "spanID")
    return JaegerSpan(
        trace_id=trace_id.id,
        span_id=span_id.id,
        name=text(span, "operationName"),
        flags=integer(span, "flags") or 0,
        start_time_unix_nano=_required(span, "startTime") * _NANO_PER_MICRO,
        duration_nano=(integer(span, "duration") or 0) * _NANO_PER_MICRO,
        tags=[*_tags(span), *_original_ids(trace_id, span_id)],
        references=[_reference(each) for each in objects(span, "references")],
        logs=[_log(each) for each in objects(span, "logs")],
        parent_span_id=_old_parent(span),
        warnings=_warnings(span),
    )


def _required(span: JsonObject, key: str) -> int:
    value = integer(span, key)
    if value is None:
        raise BadSpan(f"{key} is missing")
    return value


def _original_ids(trace_id: Id, span_id: Id) -> list[Tag]:
    originals = {ORIGINAL_TRACE_ID: trace_id, ORIGINAL_SPAN_ID: span_id}
    return [(key, each.original) for key, each in originals.items() if each.original]


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


def _reference(reference: JsonObject) -> Reference:
    return Reference(
        text(reference, "refType").lower(),
        parse_id(
            text(reference, "traceID"), TRACE_ID_BYTES, "a reference's traceID"
        ).id,
        parse_id(text(reference, "spanID"), SPAN_ID_BYTES, "a reference's spanID").id,
    )


def _old_parent(span: JsonObject) -> bytes:
    parent = text(span, "parentSpanID").lstrip("0")
    return parse_id(parent, SPAN_ID_BYTES, "parentSpanID").id if parent else b""


def _warnings(span: JsonObject) -> list[str]:
    warnings = span.get("warnings")
    return [str(each) for each in warnings] if isinstance(warnings, list) else []


def _log(log: JsonObject) -> Log:
    time = _required(log, "timestamp") * _NANO_PER_MICRO
    return Log(time, _tags(log, "fields"))


def _tags(source: JsonObject, key: str = "tags") -> list[Tag]:
    """The key-values, each with the type it declares."""
    return [(text(tag, "key"), _typed(tag)) for tag in objects(source, key)]


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
