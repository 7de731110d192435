"""Jaeger's span, as JSON, thrift and protobuf all hold it, to a span of the wire.

The mapping is the OpenTelemetry Collector's "OpenTelemetry to Jaeger Transformation",
read backwards.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from traces import semconv
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import Read, SpanRow, WireBuilder
from traces.receivers.wire_format import Scalar, event, key_value, key_values, link
from traces.spans import SpanKind, StatusCode
from traces.variant import INT64_MAX

REFERENCE_TYPE: Final = "opentracing.ref_type"
WARNINGS: Final = "@jaeger@warnings"  # Jaeger's own key for them
CHILD_OF: Final = "child_of"
FOLLOWS_FROM: Final = "follows_from"
BAD_START: Final = "the start is not between 1970 and 2262"
BAD_END: Final = "the end is not between 1970 and 2262"
SAMPLED_FLAG = 1
_UNNAMED_EVENT = "log"
_NEVER = 2**64 - 1  # an event at this time is dropped, and counted
_MOST_COUNT = 2**32
_KINDS: Final = {kind.name.lower(): int(kind) for kind in SpanKind if kind}
_CODES: Final = {"OK": int(StatusCode.OK), "ERROR": int(StatusCode.ERROR)}
_SCOPE_KEYS: Final = {
    part: (f"otel.scope.{part}", f"otel.library.{part}") for part in ("name", "version")
}
_COUNT_KEYS: Final = {
    f"dropped_{what}_count": f"otel.dropped_{what}_count"
    for what in ("attributes", "events", "links")
}
FIELD_KEYS: Final = frozenset(
    {
        "span.kind",
        "error",
        "otel.status_code",
        "otel.status_description",
        "w3c.tracestate",
        *chain.from_iterable(_SCOPE_KEYS.values()),
        *_COUNT_KEYS.values(),
    }
)

Tag = tuple[str, Scalar]
Tags = dict[str, Scalar]


class Reference(NamedTuple):
    """Its kind is CHILD_OF, FOLLOWS_FROM or, if that is not known, empty."""

    kind: str
    trace_id: bytes
    span_id: bytes


class Log(NamedTuple):
    """Its time may be any number."""

    time_unix_nano: int
    fields: Sequence[Tag]


class JaegerSpan(NamedTuple):
    """Times may be any numbers. A parent named beside the references is one of this
    trace."""

    trace_id: bytes
    span_id: bytes
    name: str
    flags: int
    start_time_unix_nano: int
    duration_nano: int
    tags: Sequence[Tag]
    references: Sequence[Reference] = ()
    logs: Sequence[Log] = ()
    parent_span_id: bytes = b""
    warnings: Sequence[str] = ()


class Fields(NamedTuple):
    """What OpenTelemetry has fields for and Jaeger keeps in tags."""

    kind: int = int(SpanKind.INTERNAL)
    status_code: int = 0
    status_message: str = ""
    trace_state: str = ""
    scope: tuple[str, str] = ("", "")
    dropped_attributes_count: int = 0
    dropped_events_count: int = 0
    dropped_links_count: int = 0


_NO_FIELDS: Final = Fields()
_ONLY_A_KIND: Final = {name: Fields(kind) for name, kind in _KINDS.items()}


class JaegerBuilder:
    """Collects requests span by span; see `WireBuilder`."""

    def __init__(self, limits: Limits) -> None:
        self._wire = WireBuilder(limits)
        self._scopes: dict[tuple[int, tuple[str, str]], int] = {}

    @property
    def verdict(self) -> Verdict:
        """On the open request."""
        return self._wire.verdicts[-1]

    def open_request(self) -> None:
        self._scopes.clear()
        self._wire.open_request()

    def fail_request(self, error: BadRequest) -> None:
        self._wire.fail_request(error)

    def refuse(self, reason: str) -> None:
        self._wire.refuse(reason)

    def open_resource(self, service: str, tags: Sequence[Tag]) -> int:
        """The number of a process, as a resource."""
        return self._wire.open_resource(resource_attributes(service, tags))

    def add(self, span: JaegerSpan, resource: int) -> None:
        """A span whose times cannot be held is refused.

        Raises BadRequest when the request has one span too many.
        """
        start = span.start_time_unix_nano
        if not 0 <= start <= INT64_MAX:
            self._wire.refuse(BAD_START)
        elif not 0 <= start + span.duration_nano <= INT64_MAX:
            self._wire.refuse(BAD_END)
        else:
            fields, attributes = _split(span.tags)
            if span.warnings:
                attributes.append(key_value(WARNINGS, list(span.warnings)))
            row = _row(span, fields, attributes)
            self._wire.add(row, self._scope(resource, fields.scope))

    def _scope(self, resource: int, scope: tuple[str, str]) -> int:
        known = self._scopes.get((resource, scope))
        if known is None:
            known = self._wire.open_scope(resource, *scope)
            self._scopes[resource, scope] = known
        return known

    def build(self) -> Read:
        return self._wire.build()


def resource_attributes(service: str, tags: Sequence[Tag]) -> list[bytes]:
    """Of a process, as KeyValue messages."""
    named: list[Tag] = [(semconv.SERVICE_NAME, service)] if service else []
    rest = (tag for tag in tags if not named or tag[0] != semconv.SERVICE_NAME)
    return key_values([*named, *rest])


def read_each(
    bodies: Sequence[bytes],
    limits: Limits,
    read_one: Callable[[JaegerBuilder, bytes], None],
) -> Read:
    """Every body read into the builder, unless its reading raises BadRequest."""
    builder = JaegerBuilder(limits)
    for body in bodies:
        builder.open_request()
        try:
            read_one(builder, body)
        except BadRequest as error:
            builder.fail_request(error)
    return builder.build()


def _row(span: JaegerSpan, fields: Fields, attributes: list[bytes]) -> SpanRow:
    parent = choose_parent(span.trace_id, span.parent_span_id, span.references)
    return SpanRow(
        span.trace_id,
        span.span_id,
        span.name,
        fields.kind,
        span.start_time_unix_nano,
        span.start_time_unix_nano + span.duration_nano,
        attributes,
        [to_event(each) for each in span.logs] if span.logs else [],
        parent.links,
        parent.span_id,
        fields.trace_state,
        span.flags & SAMPLED_FLAG,
        fields.status_code,
        fields.status_message,
        fields.dropped_attributes_count,
        fields.dropped_events_count,
        fields.dropped_links_count,
    )


class Parent(NamedTuple):
    """A span's parent, empty for none, and what other references become."""

    span_id: bytes
    links: list[bytes]


def choose_parent(
    trace_id: bytes, beside: bytes, references: Sequence[Reference]
) -> Parent:
    """The first CHILD_OF of this trace is the parent, else the first FOLLOWS_FROM.

    A parent that is named beside the references goes before those it is not among.
    """
    if not references:
        return Parent(beside, [])
    here = [each for each in references if each.trace_id == trace_id]
    if beside and beside not in {each.span_id for each in here}:
        return Parent(beside, [_link(each) for each in references])
    here.sort(key=lambda reference: reference.kind != CHILD_OF)
    if not here:
        return Parent(b"", [_link(each) for each in references])
    chosen = here[0]
    links = [_link(each) for each in references if each is not chosen]
    return Parent(chosen.span_id, links)


def _link(reference: Reference) -> bytes:
    kind = [key_value(REFERENCE_TYPE, reference.kind)] if reference.kind else []
    return link(reference.trace_id, reference.span_id, kind)


def to_event(log: Log) -> bytes:
    fields = dict(log.fields)
    count = len(fields)
    name = _take_text(fields, "event") or _take_exception(fields) or _UNNAMED_EVENT
    dropped = _take_count(fields, "otel.dropped_attributes_count")
    time = log.time_unix_nano
    if not 0 <= time <= INT64_MAX:
        time = _NEVER
    left = _left(log.fields, fields, count - len(fields))
    return event(time, name, key_values(left), dropped)


def _take_exception(fields: Tags) -> str:
    """OpenTelemetry's exporter for Python has an event's name in `message`."""
    named = fields.get("message") == "exception" and "exception.type" in fields
    return _take_text(fields, "message") if named else ""


def _split(tags: Sequence[Tag]) -> tuple[Fields, list[bytes]]:
    """Fields, and the attributes that are left."""
    by_key = dict(tags)
    count = len(by_key)
    fields = take_fields(by_key)
    return fields, key_values(_left(tags, by_key, count - len(by_key)))


def _left(tags: Sequence[Tag], by_key: Tags, taken: int) -> Iterable[Tag]:
    """Of the tags those whose keys were not taken out of `by_key`, repeated ones too:
    what is to become of these is decided for all encodings in one place."""
    if len(by_key) + taken == len(tags):
        return by_key.items()
    return (tag for tag in tags if tag[0] in by_key)


def take_fields(tags: Tags) -> Fields:
    found = FIELD_KEYS & tags.keys()
    if not found:
        return _NO_FIELDS
    if len(found) == 1 and (kind := _ONLY_A_KIND.get(str(tags.get("span.kind")))):
        del tags["span.kind"]
        return kind
    code, message = _take_status(tags)
    name, version = (_take_text(tags, *_SCOPE_KEYS[part]) for part in _SCOPE_KEYS)
    counts = {field: _take_count(tags, key) for field, key in _COUNT_KEYS.items()}
    state = _take_text(tags, "w3c.tracestate")
    kind_number = _take_kind(tags)
    return Fields(kind_number, code, message, state, (name, version), **counts)


def _take_kind(tags: Tags) -> int:
    name = tags.get("span.kind")
    if name is None:
        return int(SpanKind.INTERNAL)
    kind = _KINDS.get(str(name).lower(), int(SpanKind.UNSPECIFIED))
    if kind:
        del tags["span.kind"]
    return kind


def _take_status(tags: Tags) -> tuple[int, str]:
    code, message = 0, ""
    named = tags.get("otel.status_code")
    if named is not None and (known := _CODES.get(str(named).upper())):
        code, message = known, _take_text(tags, "otel.status_description")
        del tags["otel.status_code"]
    if tags.get("error") in (True, "true"):
        del tags["error"]
        code = _CODES["ERROR"]
    return code, message


def _take_text(tags: Tags, *keys: str) -> str:
    """The first of the tags that is there as text; all of these are taken out."""
    found: list[Any] = [tags.pop(key) for key in keys if isinstance(tags.get(key), str)]
    return found[0] if found else ""


def _take_count(tags: Tags, key: str) -> int:
    count = tags.get(key)
    # A boolean is an int to Python, and no count.
    if type(count) is int and 0 <= count < _MOST_COUNT:
        del tags[key]
        return count
    return 0
