"""What every dialect's translation into OTLP shares: the request it ends as.

A dialect becomes an OTLP request, not a batch, so that one decoder applies one set of
limits and refusals to whatever arrives.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from traces.receivers.json_fields import BadSpan

MAX_TIME_UNIX_NANO: Final = 2**63 - 1
NANO_PER_MICRO: Final = 1_000
SPANS_PER_REQUEST: Final = 5_000

Scalar = str | bool | int | float | bytes | list[str]
Tags = dict[str, Scalar]
KIND_BY_NAME: Final = {
    "INTERNAL": Span.SPAN_KIND_INTERNAL,
    "SERVER": Span.SPAN_KIND_SERVER,
    "CLIENT": Span.SPAN_KIND_CLIENT,
    "PRODUCER": Span.SPAN_KIND_PRODUCER,
    "CONSUMER": Span.SPAN_KIND_CONSUMER,
}
STATUS_BY_NAME: Final = {
    "OK": Status.STATUS_CODE_OK,
    "ERROR": Status.STATUS_CODE_ERROR,
}


@dataclass(slots=True)
class Translated:
    """Spans in OTLP, and how often each reason refused one."""

    request: ExportTraceServiceRequest = field(
        default_factory=ExportTraceServiceRequest
    )
    span_count: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Placed:
    """A span with the resource and scope it belongs under."""

    span: Span
    resource: Mapping[str, Scalar]
    resource_key: Hashable
    scope: tuple[str, str] = ("", "")


class RequestBuilder:
    """Collects spans, resource by resource and scope by scope."""

    def __init__(self) -> None:
        self.translated = Translated()
        self._scopes: dict[Hashable, ScopeSpans] = {}

    def add(self, placed: Placed) -> None:
        key = (placed.resource_key, placed.scope)
        if key not in self._scopes:
            self._scopes[key] = self._open(placed)
        self._scopes[key].spans.append(placed.span)
        self.translated.span_count += 1

    def _open(self, placed: Placed) -> ScopeSpans:
        group = self.translated.request.resource_spans.add()
        group.resource.attributes.extend(key_values(placed.resource))
        scope_spans: ScopeSpans = group.scope_spans.add()
        scope_spans.scope.name, scope_spans.scope.version = placed.scope
        return scope_spans


def collect(spans: Iterable[Placed | BadSpan]) -> Iterator[Translated]:
    """The spans as requests of at most SPANS_PER_REQUEST, refusals counted."""
    builder = RequestBuilder()
    for span in spans:
        if isinstance(span, BadSpan):
            builder.translated.refused[str(span)] += 1
            continue
        builder.add(span)
        if builder.translated.span_count >= SPANS_PER_REQUEST:
            yield builder.translated
            builder = RequestBuilder()
    yield builder.translated


def take_scope(tags: Tags) -> tuple[str, str]:
    """The scope's name and version, taken out of the tags."""
    name, version = (
        take_text(tags, f"otel.scope.{part}", f"otel.library.{part}")
        for part in ("name", "version")
    )
    return name, version


def take_text(tags: Tags, *keys: str) -> str:
    """The first of the tags that is there as text; all of these are taken out."""
    found = [tags.pop(key) for key in keys if isinstance(tags.get(key), str)]
    return str(found[0]) if found else ""


def key_values(attributes: Mapping[str, Scalar]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(v)) for key, v in attributes.items()]


def any_value(value: Scalar) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case str():
            return AnyValue(string_value=value)
    array = AnyValue()
    array.array_value.values.extend(map(any_value, value))
    return array


def unix_nano(micro: int, what: str) -> int:
    """Microseconds since the epoch as nanoseconds, within what a store can hold."""
    nano = micro * NANO_PER_MICRO
    if not 0 <= nano <= MAX_TIME_UNIX_NANO:
        raise BadSpan(f"{what} is not between 1970 and 2262")
    return nano
