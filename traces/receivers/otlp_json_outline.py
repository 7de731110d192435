"""A request in OTLP JSON as nearly every exporter writes it, but for its attributes.

Attributes and links stay the JSON texts that they are. What is written in another way
(names of the protobuf definition, nulls, numbers of other types, unknown members) is
not read here.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

Texts = tuple[Raw, ...]  # a tuple: the garbage collector stops to look at those
Nanos = (
    Annotated[str, Meta(min_length=1, max_length=19)]
    | Annotated[int, Meta(ge=0, le=2**63 - 1)]
)
_TraceId = Annotated[str, Meta(min_length=32, max_length=32)]
_SpanId = Annotated[str, Meta(min_length=16, max_length=16)]
_Enum = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Uint32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


# No `gc`: there are many, and none can be part of a cycle.
class _Object(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"
):
    pass


class Status(_Object, frozen=True):
    message: str = ""
    code: _Enum = 0


class Event(_Object, frozen=True):
    time_unix_nano: Nanos = 0
    name: str = ""
    attributes: Texts = ()
    dropped_attributes_count: _Uint32 = 0


class Span(_Object, frozen=True):
    trace_id: _TraceId
    span_id: _SpanId
    trace_state: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: _Enum = 0
    start_time_unix_nano: Nanos = 0
    end_time_unix_nano: Nanos = 0
    attributes: Texts = ()
    dropped_attributes_count: _Uint32 = 0
    events: tuple[Event, ...] = ()
    dropped_events_count: _Uint32 = 0
    links: Texts = ()
    dropped_links_count: _Uint32 = 0
    status: Status = Status()
    flags: _Uint32 = 0


class Scope(_Object, frozen=True):
    name: str = ""
    version: str = ""
    attributes: Texts = ()
    dropped_attributes_count: _Uint32 = 0


class ScopeSpans(_Object, frozen=True):
    scope: Scope = Scope()
    spans: tuple[Span, ...] = ()
    schema_url: str = ""


class Resource(_Object, frozen=True):
    attributes: Texts = ()
    dropped_attributes_count: _Uint32 = 0


class ResourceSpans(_Object, frozen=True):
    resource: Resource = Resource()
    scope_spans: tuple[ScopeSpans, ...] = ()
    schema_url: str = ""


class Request(_Object, frozen=True):
    resource_spans: tuple[ResourceSpans, ...] = ()


class TextValue(_Object, frozen=True):
    string_value: str


class TextAttribute(_Object, frozen=True):
    """The most frequent kind of attribute."""

    key: str
    value: TextValue


# Both raise ValueError, of which msgspec's errors are, or RecursionError.
decode_text_attribute: Final = msgspec.json.Decoder(TextAttribute).decode
decode_request: Final = msgspec.json.Decoder(Request).decode
