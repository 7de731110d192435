"""One JSON document of any dialect, as what the OTLP decoder takes.

Which dialect it is shows in its keys; a file's name is not asked.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from traces.receivers import zipkin_json
from traces.receivers.encodings import Encoding
from traces.receivers.json_fields import JsonObject, UnreadableDocument

_STARTS_AS_OTLP = re.compile(rb'\s*\{\s*"resourceSpans"\s*:')
_ID_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11}=|[A-Za-z0-9+/_-]{22}==", re.ASCII)
_FROM_URL_SAFE: Final = str.maketrans("-_", "+/")
_OTHER_SIGNALS: Final = ("resourceMetrics", "resourceLogs", "resourceProfiles")
_KNOWN: Final = (
    "OTLP (resourceSpans), Tempo (batches), Jaeger (data, or traceID and spans) and"
    " Zipkin (a list of spans) are read"
)


@dataclass(frozen=True, slots=True)
class Readable:
    """A document in an encoding that is read as it is."""

    body: bytes
    encoding: Encoding = Encoding.OTLP_JSON


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Telemetry of another kind than traces, which is no fault of the file."""

    what: str


def parse(document: bytes) -> Any:
    """Raises UnreadableDocument, whatever the bytes."""
    try:
        return orjson.loads(document)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise UnreadableDocument(f"not JSON: {error}") from None


def read_document(document: bytes) -> Iterator[Readable | LeftOut]:
    """Raises UnreadableDocument for what is no JSON, or JSON without traces."""
    if _STARTS_AS_OTLP.match(document):
        yield Readable(document)
    else:
        yield from read_parsed(parse(document), document)


def read_parsed(parsed: Any, document: bytes) -> Iterator[Readable | LeftOut]:
    """As `read_document`, for a document that is parsed already."""
    if isinstance(parsed, list):
        yield from _read_list(parsed, document)
    elif isinstance(parsed, dict):
        yield from _read_object(parsed, document)
    else:
        raise UnreadableDocument(f"JSON that holds no trace; {_KNOWN}")


def _read_list(parsed: list[Any], document: bytes) -> Iterator[Readable]:
    if parsed and all(_is_jaeger_trace(item) for item in parsed):
        yield Readable(document, Encoding.JAEGER_JSON)
    elif parsed and all(isinstance(item, list) for item in parsed):
        # Zipkin's own answer to a search: traces, each a list of spans.
        spans = [span for trace in parsed for span in trace]
        yield Readable(_written(spans), _zipkin_version(spans))
    else:
        yield Readable(document, _zipkin_version(parsed))


def _zipkin_version(spans: list[Any]) -> Encoding:
    is_v1 = any(map(zipkin_json.is_v1, spans))
    return Encoding.ZIPKIN_V1_JSON if is_v1 else Encoding.ZIPKIN_JSON


def _written(parsed: Any) -> bytes:
    try:
        return orjson.dumps(parsed)
    except orjson.JSONEncodeError:  # reading goes deeper than writing
        raise UnreadableDocument("JSON that is nested too deeply") from None


def _read_object(parsed: JsonObject, document: bytes) -> Iterator[Readable | LeftOut]:
    if "resourceSpans" in parsed or "resource_spans" in parsed or not parsed:
        yield Readable(document)
    elif (groups := _tempo_groups(parsed)) is not None:
        yield Readable(_written({"resourceSpans": _from_tempo(groups)}))
    elif "data" in parsed or _is_jaeger_trace(parsed):
        yield Readable(document, Encoding.JAEGER_JSON)
    elif signal := next((key for key in _OTHER_SIGNALS if key in parsed), None):
        yield LeftOut(signal)
    else:
        raise UnreadableDocument(_why_not(parsed))


def _is_jaeger_trace(parsed: Any) -> bool:
    return isinstance(parsed, dict) and "traceID" in parsed and "spans" in parsed


def _why_not(parsed: JsonObject) -> str:
    if "traces" in parsed:
        return (
            "the answer to a search of Tempo: it names traces and does not hold them;"
            " get each by /api/traces/<id>"
        )
    if "traceId" in parsed and "id" in parsed:
        return "one Zipkin span outside a list; put it in [ ]"
    return f"a JSON object that holds no trace; {_KNOWN}"


def _tempo_groups(parsed: JsonObject) -> list[Any] | None:
    """What Tempo's first or second API, or Jaeger's third, puts around OTLP."""
    for inner in (parsed, parsed.get("trace"), parsed.get("result")):
        if isinstance(inner, dict):
            groups = inner.get("batches", inner.get("resourceSpans"))
            if isinstance(groups, list):
                return groups
    return None


def _from_tempo(groups: list[Any]) -> list[Any]:
    return [_renamed_group(group) for group in groups]


def _renamed_group(group: Any) -> Any:
    if not isinstance(group, dict):
        return group
    scopes = group.get("scopeSpans", group.get("instrumentationLibrarySpans"))
    if isinstance(scopes, list):
        scopes = [_renamed_scope(scope) for scope in scopes]
    return {"resource": group.get("resource"), "scopeSpans": scopes}


def _renamed_scope(scope: Any) -> Any:
    if not isinstance(scope, dict):
        return scope
    spans = scope.get("spans")
    if isinstance(spans, list):
        spans = [_with_hex_ids(span) for span in spans]
    named = scope.get("scope", scope.get("instrumentationLibrary"))
    return {"scope": named, "spans": spans}


def _with_hex_ids(span: Any) -> Any:
    if not isinstance(span, dict):
        return span
    span = _hex_ids(span)
    if isinstance(span.get("links"), list):
        span["links"] = [
            _hex_ids(link) if isinstance(link, dict) else link for link in span["links"]
        ]
    return span


def _hex_ids(holder: JsonObject) -> JsonObject:
    ids = {
        k: v for k, v in holder.items() if k in ("traceId", "spanId", "parentSpanId")
    }
    return holder | {key: _hex_id(value) for key, value in ids.items()}


def _hex_id(value: Any) -> Any:
    """Base64 ids as hexadecimal; what is of another length stays."""
    if not isinstance(value, str) or not _ID_BASE64.fullmatch(value):
        return value
    try:
        return base64.b64decode(value.translate(_FROM_URL_SAFE)).hex()
    except binascii.Error:
        return value
