"""Zipkin v2 JSON into OTLP.

The mapping is OpenTelemetry's "OpenTelemetry to Zipkin Transformation", read
backwards; tags stay the text they are. Ids are read as Zipkin's server reads them.
"""

import math
import re
from collections.abc import Iterable, Iterator
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
)
from traces.receivers.translation import (
    KIND_BY_NAME,
    MAX_TIME_UNIX_NANO,
    NANO_PER_MICRO,
    STATUS_BY_NAME,
    Placed,
    Tags,
    Translated,
    collect,
    key_values,
    take_scope,
    take_text,
    unix_nano,
)
from traces.spans import SPAN_ID_BYTES, TRACE_ID_BYTES

SHARED: Final = "zipkin.shared"
DEBUG: Final = "zipkin.debug"
# The Collector's mark for a start that the sender left out.
NO_START: Final = "otel.zipkin.absentField.startTime"
MAX_PORT: Final = 65_535
V1_AT_V2: Final = (
    "this is Zipkin v1 JSON; only Zipkin v2 JSON (a list of spans with id, traceId,"
    " timestamp, localEndpoint) is read"
)
_LOWER_HEX = re.compile(r"[0-9a-f]+", re.ASCII)


def translate(document: object) -> Iterator[Translated]:
    """A list of spans, or of traces (lists of spans), as OTLP requests.

    Raises UnreadableDocument.
    """
    spans = _spans(document)
    if any(_is_v1(span) for span in spans):
        raise UnreadableDocument(V1_AT_V2)
    starts = _Starts(spans)
    return collect(_each(spans, starts))


def _spans(document: object) -> list[Any]:
    if not isinstance(document, list):
        raise UnreadableDocument("Zipkin JSON that is not a list of spans")
    if document and all(isinstance(trace, list) for trace in document):
        return [span for trace in document for span in trace]
    return document


def _is_v1(span: Any) -> bool:
    if not isinstance(span, dict):
        return False
    annotations = span.get("annotations")
    if not isinstance(annotations, list):
        annotations = []
    return "binaryAnnotations" in span or any(
        isinstance(a, dict) and "endpoint" in a for a in annotations
    )


def _each(spans: list[Any], starts: "_Starts") -> Iterator[Placed | BadSpan]:
    for span in spans:
        try:
            yield _span(span, starts)
        except BadSpan as error:
            yield error


class _Starts:
    """When spans start, for the halves of shared spans that leave it out."""

    def __init__(self, spans: Iterable[Any]) -> None:
        self._by_span: dict[tuple[str, str], int] = {}
        self._by_trace: dict[str, int] = {}
        for span in spans:
            if isinstance(span, dict):
                self._note(span)

    def _note(self, span: JsonObject) -> None:
        trace_id, span_id = str(span.get("traceId")), str(span.get("id"))
        start = _own_start(span)
        if start is not None:
            _keep_least(self._by_span, (trace_id, span_id), start)
            _keep_least(self._by_trace, trace_id, start)

    def stand_in(self, span: JsonObject) -> int:
        """The start of its other half, or else of its trace."""
        trace_id, span_id = str(span.get("traceId")), str(span.get("id"))
        found = self._by_span.get((trace_id, span_id), self._by_trace.get(trace_id))
        if found is None:
            raise BadSpan("no timestamp, and none to be had from its trace")
        return found


def _keep_least(least: dict[Any, int], key: object, value: int) -> None:
    least[key] = min(value, least.get(key, value))


def _own_start(span: JsonObject) -> int | None:
    """The timestamp, or else the first annotation's; None for neither."""
    try:
        annotations = objects(span, "annotations")
        moments = [integer(a, "timestamp") for a in annotations]
        return integer(span, "timestamp") or min(filter(None, moments), default=None)
    except BadSpan:
        return None


def _span(span: Any, starts: _Starts) -> Placed:
    if not isinstance(span, dict):
        raise BadSpan("a span that is not an object")
    attributes = _tags(span)
    start = _start(span, attributes, starts)
    message = Span(
        name=text(span, "name"),
        kind=_kind(text(span, "kind")),
        start_time_unix_nano=start,
        end_time_unix_nano=_end(start, span),
        events=[_event(a) for a in objects(span, "annotations")],
    )
    _set_ids(message, span)
    scope = take_scope(attributes)
    _take_status(message, attributes)
    _take_counts(message, attributes)
    _add_endpoints(span, attributes)
    _add_marks(span, attributes)
    message.attributes.extend(key_values(attributes))
    service = text(mapping(span, "localEndpoint"), "serviceName")
    resource: Tags = {semconv.SERVICE_NAME: service} if service else {}
    return Placed(message, resource, service, scope)


def _tags(span: JsonObject) -> Tags:
    return {key: _tag_text(key, v) for key, v in mapping(span, "tags").items()}


def _tag_text(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    raise BadSpan(f"tag {key!r} is not text")


def _start(span: JsonObject, attributes: Tags, starts: _Starts) -> int:
    start = integer(span, "timestamp")
    if not start:
        attributes[NO_START] = True
        start = _own_start(span) or starts.stand_in(span)
    return unix_nano(start, "timestamp")


def _end(start: int, span: JsonObject) -> int:
    end = start + _duration(span) * NANO_PER_MICRO
    if end > MAX_TIME_UNIX_NANO:
        raise BadSpan("the end is after 2262")
    return end


def _duration(span: JsonObject) -> int:
    """Microseconds; less than one counts as one, absent as none."""
    value = span.get("duration")
    if isinstance(value, float) and 0 < value < 1:
        return 1
    duration = integer(span, "duration") or 0
    if duration < 0:
        raise BadSpan("duration is negative")
    return duration


def _kind(name: str) -> Span.SpanKind.ValueType:
    if not name:
        return Span.SPAN_KIND_INTERNAL
    if name not in KIND_BY_NAME or name == "INTERNAL":
        raise BadSpan(f"kind {name[:32]!r} is none of Zipkin's")
    return KIND_BY_NAME[name]


def _set_ids(message: Span, span: JsonObject) -> None:
    message.trace_id = _id(span, "traceId", TRACE_ID_BYTES)
    message.span_id = _id(span, "id", SPAN_ID_BYTES)
    if text(span, "parentId").strip("0"):
        parent = _id(span, "parentId", SPAN_ID_BYTES)
        # Zipkin's way to say that there is none.
        message.parent_span_id = b"" if parent == message.span_id else parent


def _id(span: JsonObject, key: str, length: int) -> bytes:
    value = text(span, key)
    if not _LOWER_HEX.fullmatch(value):
        raise BadSpan(f"{key} is not lower-case hexadecimal")
    if len(value) > 2 * length:
        raise BadSpan(f"{key} is longer than {2 * length} digits")
    parsed = bytes.fromhex(value.rjust(2 * length, "0"))
    if not any(parsed):
        raise BadSpan(f"{key} is zero")
    return parsed


def _take_status(message: Span, attributes: Tags) -> None:
    """An `error` tag makes an error, whatever its text; the text is the message."""
    code = str(attributes.get("otel.status_code", ""))
    if code in STATUS_BY_NAME:
        del attributes["otel.status_code"]
        message.status.code = STATUS_BY_NAME[code]
        message.status.message = take_text(attributes, "otel.status_description")
    if "error" in attributes:
        message.status.code = STATUS_BY_NAME["ERROR"]
        reason = str(attributes["error"])
        # "false" is an error to Zipkin, and a mistake worth seeing.
        if reason != "false":
            del attributes["error"]
        if reason not in ("", "true", "false"):
            message.status.message = reason


def _take_counts(message: Span, attributes: Tags) -> None:
    for what in ("attributes", "events", "links"):
        key = f"otel.dropped_{what}_count"
        count = str(attributes.get(key, ""))
        if count.isascii() and count.isdigit() and len(count) < 10:
            del attributes[key]
            setattr(message, f"dropped_{what}_count", int(count))


class _EndpointKeys(NamedTuple):
    address: str
    port: str


_LOCAL = _EndpointKeys("network.local.address", "network.local.port")
_REMOTE = _EndpointKeys("network.peer.address", "network.peer.port")


def _add_endpoints(span: JsonObject, attributes: Tags) -> None:
    """A tag of the same key goes before what an endpoint says."""
    remote = mapping(span, "remoteEndpoint")
    _add_endpoint(mapping(span, "localEndpoint"), _LOCAL, attributes)
    _add_endpoint(remote, _REMOTE, attributes)
    peer = text(remote, "serviceName")
    if peer and semconv.PEER_SERVICE_OLD not in attributes:
        attributes.setdefault(semconv.SERVICE_PEER_NAME, peer)


def _add_endpoint(endpoint: JsonObject, keys: _EndpointKeys, attributes: Tags) -> None:
    if address := text(endpoint, "ipv4") or text(endpoint, "ipv6"):
        attributes.setdefault(keys.address, address)
    port = integer(endpoint, "port") or 0
    if not 0 <= port <= MAX_PORT:
        raise BadSpan("an endpoint's port is over 65535 or negative")
    if port:
        attributes.setdefault(keys.port, port)


def _add_marks(span: JsonObject, attributes: Tags) -> None:
    for field, key in (("shared", SHARED), ("debug", DEBUG)):
        if span.get(field) is True:
            attributes[key] = True


def _event(annotation: JsonObject) -> Span.Event:
    time = integer(annotation, "timestamp")
    if time is None:
        raise BadSpan("an annotation without a timestamp")
    name, attributes = _name_and_attributes(text(annotation, "value"))
    event = Span.Event(time_unix_nano=unix_nano(time, "an annotation"), name=name)
    event.attributes.extend(key_values(attributes))
    return event


def _name_and_attributes(value: str) -> tuple[str, Tags]:
    """`"name": {"key": value}` is how OpenTelemetry's exporters write an event."""
    if not (value.startswith('"') and value.endswith("}")):
        return value, {}
    try:
        [(name, attributes)] = orjson.loads(f"{{{value}}}").items()
    except ValueError:
        return value, {}
    flat = isinstance(attributes, dict) and all(map(_is_scalar, attributes.values()))
    return (name, attributes) if flat else (value, {})


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))
