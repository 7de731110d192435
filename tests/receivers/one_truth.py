"""One trace in every encoding, and what of it each dialect has no words for.

Spans vary in features, of which every two values come together in some span.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.builders import span_id, trace_id
from tests.receivers import jaeger_messages as thrift
from tests.receivers import jaeger_model as jaeger
from tests.receivers.messages import key_values, request
from tests.receivers.zipkin import zipkin_json, zipkin_protobuf
from tests.receivers.zipkin_v1 import thrift_list

SERVICE: Final = "shop"
START: Final = 1_790_000_000_000_001_000
MICRO: Final = 1_000
KINDS: Final = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
FAR: Final = (trace_id(2**100 + 7), span_id(99))
FEATURES: Final[dict[str, tuple[Any, ...]]] = {
    "kind": tuple(KINDS),
    "status": ((0, ""), (1, ""), (2, "it broke")),
    "value": (None, "text", "", "ünïcode \U0001f4a5", 42, -(2**63), 2.5, True),
    "event": (None, ("cache miss", {}), ("exception", {"exception.type": "E"})),
    "linked": (False, True),
    "scope": ("", "flask"),
    "name": ("get /", "ünïcode"),
    "duration_micro": (1, 12_345),
    "is_child": (True, False),
}


@dataclass(frozen=True)
class Told:
    """What is told of one span; times in nanoseconds, whole microseconds."""

    number: int
    kind: int
    status: tuple[int, str]
    value: Any
    event: tuple[str, dict[str, str]] | None
    linked: bool
    scope: str
    name: str
    duration_micro: int
    is_child: bool

    @property
    def start(self) -> int:
        return START + self.number * MICRO

    @property
    def end(self) -> int:
        return self.start + self.duration_micro * MICRO

    @property
    def parent(self) -> bytes:
        return span_id(1) if self.is_child and self.number > 1 else b""

    @property
    def attributes(self) -> dict[str, Any]:
        return {} if self.value is None else {"shop.value": self.value}


def told_spans() -> list[Told]:
    return [Told(number, **each) for number, each in enumerate(pairwise(), 1)]


def pairwise() -> Iterator[dict[str, Any]]:
    """Choices of a value for each feature that hold every pair of values, greedily."""
    names = list(FEATURES)
    left = {
        (a, i, b, k)
        for a, b in combinations(names, 2)
        for i, k in product(range(len(FEATURES[a])), range(len(FEATURES[b])))
    }
    while left:
        chosen: dict[str, int] = {}
        for name in names:
            gains = [_gain(left, chosen, name, at) for at in range(len(FEATURES[name]))]
            chosen[name] = gains.index(max(gains))
        left -= {(a, chosen[a], b, chosen[b]) for a, b in combinations(names, 2)}
        yield {name: FEATURES[name][at] for name, at in chosen.items()}


def _gain(
    left: set[tuple[str, int, str, int]], chosen: dict[str, int], name: str, at: int
) -> tuple[int, int]:
    """Pairs with what is chosen, then pairs that are still to come."""
    now = sum((a, chosen[a], name, at) in left for a in chosen)
    later = sum((a, i) == (name, at) or (b, k) == (name, at) for a, i, b, k in left)
    return now, later


# As OTLP.


def otlp_protobuf(spans: list[Told]) -> bytes:
    encoded: bytes = otlp_message(spans).SerializeToString()
    return encoded


def otlp_message(spans: list[Told]) -> Any:
    built = request(service=SERVICE)
    del built.resource_spans[0].scope_spans[:]
    for told in spans:
        scope_spans = built.resource_spans[0].scope_spans.add()
        scope_spans.scope.name = told.scope
        scope_spans.spans.append(_otlp_span(told))
    return built


def _otlp_span(told: Told) -> Span:
    code, message = told.status
    span = Span(
        trace_id=trace_id(1),
        span_id=span_id(told.number),
        parent_span_id=told.parent,
        name=told.name,
        kind=told.kind,
        start_time_unix_nano=told.start,
        end_time_unix_nano=told.end,
        attributes=key_values(told.attributes),
        status=Status(code=code, message=message),
        flags=1,
    )
    if told.event:
        name, attributes = told.event
        span.events.add(
            time_unix_nano=told.start, name=name, attributes=key_values(attributes)
        )
    if told.linked:
        span.links.add(
            trace_id=FAR[0],
            span_id=FAR[1],
            attributes=key_values({"opentracing.ref_type": "follows_from"}),
        )
    return span


def otlp_json(spans: list[Told]) -> bytes:
    scopes = [
        {"scope": {"name": told.scope}, "spans": [_json_span(told)]} for told in spans
    ]
    resource = {"attributes": _json_attributes({"service.name": SERVICE})}
    group = {"resource": resource, "scopeSpans": scopes}
    return json.dumps({"resourceSpans": [group]}).encode()


def _json_span(told: Told) -> dict[str, Any]:
    code, message = told.status
    span: dict[str, Any] = {
        "traceId": trace_id(1).hex(),
        "spanId": span_id(told.number).hex(),
        "parentSpanId": told.parent.hex(),
        "name": told.name,
        "kind": told.kind,
        "startTimeUnixNano": str(told.start),
        "endTimeUnixNano": str(told.end),
        "attributes": _json_attributes(told.attributes),
        "status": {"code": code, "message": message},
        "flags": 1,
    }
    if told.event:
        name, attributes = told.event
        event = {"timeUnixNano": str(told.start), "name": name}
        span["events"] = [event | {"attributes": _json_attributes(attributes)}]
    if told.linked:
        kind = _json_attributes({"opentracing.ref_type": "follows_from"})
        far = {"traceId": FAR[0].hex(), "spanId": FAR[1].hex()}
        span["links"] = [far | {"attributes": kind}]
    return span


_JSON_VALUES: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    str: lambda value: {"stringValue": value},
    bool: lambda value: {"boolValue": value},
    int: lambda value: {"intValue": str(value)},
    float: lambda value: {"doubleValue": value},
}


def _json_attributes(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": _JSON_VALUES[type(value)](value)}
        for key, value in attributes.items()
    ]


# As Zipkin, in the words of OpenTelemetry's exporters.


def zipkin_v2(spans: list[Told]) -> list[dict[str, Any]]:
    return [_zipkin_span(told) for told in spans]


def zipkin_v2_json(spans: list[Told]) -> bytes:
    return zipkin_json(*zipkin_v2(spans))


def zipkin_v2_protobuf(spans: list[Told]) -> bytes:
    return zipkin_protobuf(*zipkin_v2(spans))


def _zipkin_span(told: Told) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": trace_id(1).hex(),
        "id": span_id(told.number).hex(),
        "name": told.name,
        "timestamp": told.start // MICRO,
        "duration": told.duration_micro,
        "localEndpoint": {"serviceName": SERVICE},
        "tags": _zipkin_tags(told),
    }
    if told.parent:
        span["parentId"] = told.parent.hex()
    if told.kind > 1:
        span["kind"] = KINDS[told.kind].upper()
    if told.event:
        span["annotations"] = [_zipkin_annotation(told)]
    return span


def _zipkin_annotation(told: Told) -> dict[str, Any]:
    name, attributes = told.event or ("", {})
    value = f"{json.dumps(name)}: {json.dumps(attributes)}" if attributes else name
    return {"timestamp": told.start // MICRO, "value": value}


def _zipkin_tags(told: Told) -> dict[str, str]:
    code, message = told.status
    tags = {key: text_of(value) for key, value in told.attributes.items()}
    if code == 2:
        tags["error"] = message
    if code:
        tags["otel.status_code"] = "OK" if code == 1 else "ERROR"
    return tags | ({"otel.scope.name": told.scope} if told.scope else {})


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_V1_ANNOTATIONS: Final = {2: ("sr", "ss"), 3: ("cs", "cr"), 4: ("ms",), 5: ("mr",)}


def zipkin_v1(spans: list[Told]) -> list[dict[str, Any]]:
    return [_v1_span(told) for told in spans]


def zipkin_v1_json(spans: list[Told]) -> bytes:
    return zipkin_json(*zipkin_v1(spans))


def zipkin_v1_thrift(spans: list[Told]) -> bytes:
    return thrift_list(*zipkin_v1(spans))


def _v1_span(told: Told) -> dict[str, Any]:
    here = {"endpoint": {"serviceName": SERVICE}}
    v2 = _zipkin_span(told)
    times = (told.start // MICRO, told.end // MICRO)
    named = zip(times, _V1_ANNOTATIONS.get(told.kind, ()), strict=False)
    moments = [{"timestamp": time, "value": name} for time, name in named]
    tags = v2["tags"] or {"lc": ""}
    span = {
        key: v2[key]
        for key in ("traceId", "id", "parentId", "name", "timestamp", "duration")
        if key in v2
    }
    return span | {
        "annotations": [each | here for each in (*moments, *v2.get("annotations", ()))],
        "binaryAnnotations": [
            {"key": key, "value": value} | here for key, value in tags.items()
        ],
    }


# As Jaeger, likewise.


def jaeger_http(spans: list[Told]) -> bytes:
    return thrift.batch(*map(_thrift_span, spans), service=SERVICE)


def jaeger_compact(spans: list[Told]) -> bytes:
    return thrift.datagram(*map(_thrift_span, spans), service=SERVICE)


def jaeger_binary(spans: list[Told]) -> bytes:
    return thrift.datagram(
        *map(_thrift_span, spans), service=SERVICE, protocol="binary"
    )


def _thrift_span(told: Told) -> Any:
    references = (
        [thrift.reference(0, _signed(told.parent), 1, 0)] if told.parent else []
    )
    if told.linked:
        high, low = _signed(FAR[0][:8]), _signed(FAR[0][8:])
        references.append(thrift.reference(1, _signed(FAR[1]), low, high))
    logs = []
    if told.event:
        name, attributes = told.event
        logs = [thrift.log(told.start // MICRO, event=name, **attributes)]
    return thrift.span(
        high=0,
        low=1,
        id=told.number,
        name=told.name,
        start=told.start // MICRO,
        duration=told.duration_micro,
        tags=_jaeger_tags(told),
        references=references,
        logs=logs,
    )


def _signed(id_: bytes) -> int:
    return int.from_bytes(id_, signed=True)


def _jaeger_tags(told: Told) -> dict[str, Any]:
    code, message = told.status
    tags = dict(told.attributes)
    if told.kind > 1:
        tags["span.kind"] = KINDS[told.kind]
    if code:
        tags["otel.status_code"] = "OK" if code == 1 else "ERROR"
    if code == 2:
        tags |= {"error": True, "otel.status_description": message}
    return tags | ({"otel.scope.name": told.scope} if told.scope else {})


def jaeger_protobuf(spans: list[Told]) -> bytes:
    return jaeger.post(*map(_proto_span, spans), service=SERVICE)


def _proto_span(told: Told) -> Any:
    references = []
    if told.parent:
        references.append(jaeger.reference(0, trace_id(1), told.parent))
    if told.linked:
        references.append(jaeger.reference(1, *FAR))
    logs = []
    if told.event:
        name, attributes = told.event
        fields = jaeger.tags({"event": name} | attributes)
        time = jaeger.time(told.start)
        logs = [jaeger.message("Log", timestamp=time, fields=fields)]
    return jaeger.message(
        "Span",
        trace_id=trace_id(1),
        span_id=span_id(told.number),
        operation_name=told.name,
        references=references,
        flags=1,
        start_time=jaeger.time(told.start),
        duration=jaeger.time(told.end - told.start),
        tags=jaeger.tags(_jaeger_tags(told)),
        logs=logs,
    )


# What is left when a dialect has told it.

Row = dict[str, Any]


def as_is(row: Row) -> Row:
    return row


def in_zipkins_words(row: Row) -> Row:
    """Zipkin has no flags and no links, and its values are texts."""
    attributes = {key: text_of(value) for key, value in row["attributes"].items()}
    return row | {"attributes": attributes, "links": [], "flags": 0}


@dataclass(frozen=True)
class Way:
    """An encoding and where it is sent; `lossy` is what of a span survives it."""

    name: str
    encode: Callable[[list[Told]], bytes]
    port: str
    path: str = ""
    content_type: str = ""
    lossy: Callable[[Row], Row] = field(default=as_is)


_PROTOBUF, _JSON, _THRIFT = (
    f"application/{form}" for form in ("x-protobuf", "json", "x-thrift")
)
_V2, _V1 = "/api/v2/spans", "/api/v1/spans"
WAYS: Final = (
    Way("OTLP protobuf", otlp_protobuf, "otlp_http", "/v1/traces", _PROTOBUF),
    Way("OTLP JSON", otlp_json, "otlp_http", "/v1/traces", _JSON),
    Way("OTLP gRPC", otlp_protobuf, "otlp_grpc"),
    Way("Zipkin JSON", zipkin_v2_json, "zipkin", _V2, _JSON, in_zipkins_words),
    Way(
        "Zipkin protobuf",
        zipkin_v2_protobuf,
        "zipkin",
        _V2,
        _PROTOBUF,
        in_zipkins_words,
    ),
    Way("Zipkin v1 JSON", zipkin_v1_json, "zipkin", _V1, _JSON, in_zipkins_words),
    Way("Zipkin v1 thrift", zipkin_v1_thrift, "zipkin", _V1, _THRIFT, in_zipkins_words),
    Way("Jaeger HTTP", jaeger_http, "http", "/api/traces", _THRIFT),
    Way("Jaeger compact", jaeger_compact, "compact"),
    Way("Jaeger binary", jaeger_binary, "binary"),
    Way("Jaeger gRPC", jaeger_protobuf, "grpc"),
)
