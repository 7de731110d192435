"""OTLP protobuf to Arrow columns, many requests at once.

Arrow cannot hold the recursive AnyValue, and most of what a general decoder does for
attributes is wasted on us. A message field is length-delimited bytes on the wire, so
the messages below declare attributes, events and links as `bytes`: they arrive
undecoded and are read by `key_values` and `read_nested`, after they were counted.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.limits import Limits
from traces.receivers.protobuf_columns import Messages, Schema, parents
from traces.receivers.wire import Wire, too_many_spans
from traces.variant_columns import Ints, offsets_of, running_total

# An empty span takes two bytes: a body below twice the limit cannot be over it.
_SMALLEST_SPAN = 2

_MESSAGES: Final = {
    "Resource": {"attributes": (1, "BYTES*")},
    "Scope": {
        "name": (1, "STRING"),
        "version": (2, "STRING"),
        "attributes": (3, "BYTES*"),
    },
    "Status": {"message": (2, "STRING"), "code": (3, "INT32")},
    "Event": {
        "time_unix_nano": (1, "FIXED64"),
        "name": (2, "STRING"),
        "attributes": (3, "BYTES*"),
        "dropped_attributes_count": (4, "UINT32"),
    },
    "Link": {
        "trace_id": (1, "BYTES"),
        "span_id": (2, "BYTES"),
        "trace_state": (3, "STRING"),
        "attributes": (4, "BYTES*"),
        "dropped_attributes_count": (5, "UINT32"),
        "flags": (6, "FIXED32"),
    },
    "Span": {
        "trace_id": (1, "BYTES"),
        "span_id": (2, "BYTES"),
        "trace_state": (3, "STRING"),
        "parent_span_id": (4, "BYTES"),
        "name": (5, "STRING"),
        "kind": (6, "INT32"),
        "start_time_unix_nano": (7, "FIXED64"),
        "end_time_unix_nano": (8, "FIXED64"),
        "attributes": (9, "BYTES*"),
        "dropped_attributes_count": (10, "UINT32"),
        "events": (11, "BYTES*"),
        "dropped_events_count": (12, "UINT32"),
        "links": (13, "BYTES*"),
        "dropped_links_count": (14, "UINT32"),
        "status": (15, "Status"),
        "flags": (16, "FIXED32"),
    },
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "Span*")},
    "ResourceSpans": {"resource": (1, "Resource"), "scope_spans": (2, "ScopeSpans*")},
    "Request": {"resource_spans": (1, "ResourceSpans*")},
    "CountedScopeSpans": {"spans": (2, "BYTES*")},
    "CountedResourceSpans": {"scope_spans": (2, "CountedScopeSpans*")},
    "CountedRequest": {"resource_spans": (1, "CountedResourceSpans*")},
}

_SCHEMA: Final = Schema("OTLP", _MESSAGES)
EVENTS: Final = _SCHEMA.messages("Event")
LINKS: Final = _SCHEMA.messages("Link")
_REQUESTS: Final = _SCHEMA.messages("Request")
_COUNTED_REQUESTS: Final = _SCHEMA.messages("CountedRequest")


def read_requests(bodies: Sequence[bytes], limits: Limits) -> Wire:
    """Raises BadRequest when any of the bodies is bad, without saying which."""
    for body in bodies:
        if len(body) > _SMALLEST_SPAN * limits.spans_per_request:
            _require_few_spans(body, limits)
    return _read(bodies)


def _read(bodies: Sequence[bytes]) -> Wire:
    resource_lists = _REQUESTS.decode(bodies).field("resource_spans")
    resource_spans = resource_lists.flatten()
    scope_lists = resource_spans.field("scope_spans")
    scope_spans = scope_lists.flatten()
    span_lists = scope_spans.field("spans")
    request_of_resource = parents(resource_lists)
    resource_of_scope, scope_of_span = parents(scope_lists), parents(span_lists)
    request_of_scope = request_of_resource[resource_of_scope]
    return Wire(
        spans=span_lists.flatten(),
        scopes=scope_spans.field("scope"),
        resources=resource_spans.field("resource").field("attributes"),
        request_of_span=request_of_scope[scope_of_span],
        scope_of_span=scope_of_span,
        resource_of_span=resource_of_scope[scope_of_span],
        request_of_scope=request_of_scope,
        request_of_resource=request_of_resource,
        requests=len(bodies),
    )


def _require_few_spans(body: bytes, limits: Limits) -> None:
    """Before the spans are decoded: 64 MiB of empty ones would take gigabytes."""
    resource_spans = _COUNTED_REQUESTS.decode([body]).field("resource_spans").flatten()
    scope_spans = resource_spans.field("scope_spans").flatten()
    if len(scope_spans.field("spans").flatten()) > limits.spans_per_request:
        raise too_many_spans(limits)


# What a wire is made of, down to which fields may be null.
_NOTHING: Final = _read([])
SPAN_TYPE: Final = _NOTHING.spans.type
SCOPE_TYPE: Final = _NOTHING.scopes.type
MESSAGES_TYPE: Final = _NOTHING.resources.type


class Nested(NamedTuple):
    """The events or links of all spans that are kept: span s has
    `offsets[s]:offsets[s + 1]` of `items` and lost `dropped[s]`."""

    items: pa.StructArray
    offsets: Ints
    span: Ints
    dropped: Ints


def read_nested(lists: pa.ListArray, messages: Messages, limit: int) -> Nested:
    offsets = offsets_of(lists)
    offsets -= offsets[0]
    counts = np.diff(offsets)
    kept = np.minimum(counts, limit)
    flat = lists.flatten()
    if counts.max(initial=0) > limit:
        place = np.arange(len(flat)) - np.repeat(offsets[:-1], counts)
        flat = flat.filter(pa.array(place < limit))
    span = np.repeat(np.arange(len(kept)), kept)
    items = messages.decode(flat.to_pylist())
    return Nested(items, running_total(kept), span, counts - kept)
