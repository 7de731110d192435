"""Plain OTLP JSON to the wire, by columns.

Whatever is wrong or unusual makes its request odd: it is then for `otlp_json` to read,
value by value, or to refuse.
"""

import binascii
from collections import defaultdict
from collections.abc import Iterable, Sequence, Sized
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.limits import Limits
from traces.receivers.otlp_json import BadSpan
from traces.receivers.otlp_json_outline import (
    Event,
    Nanos,
    ResourceSpans,
    ScopeSpans,
    Span,
    decode_request,
)
from traces.receivers.otlp_json_texts import key_value_texts
from traces.receivers.otlp_protobuf import MESSAGES_TYPE, SCOPE_TYPE, SPAN_TYPE
from traces.receivers.wire import Wire, make_wire, too_many_spans
from traces.receivers.wire_format import event
from traces.variant_columns import Ints, running_total

_SPAN_ID_DIGITS = 16


class _Rows(NamedTuple):
    """What is below one request, or below many."""

    resources: list[ResourceSpans]
    scopes: list[ScopeSpans]
    spans: list[Span]


class PlainRequests:
    """Collects requests, then makes one wire of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._texts = key_value_texts(limits.nesting)
        self._requests: list[Sequence[ResourceSpans]] = []
        self._columns: dict[str, list[Any]] = defaultdict(list)

    def add(self, body: bytes) -> bool:
        """False, and nothing is added, when the request is odd.

        Raises BadRequest when it holds too many spans.
        """
        try:
            request = decode_request(body).resource_spans
            columns = self._read(_rows([request]))
        except (ValueError, RecursionError, BadSpan):
            return False
        self._requests.append(request)
        for name, values in columns.items():
            self._columns[name] += values
        return True

    def _read(self, rows: _Rows) -> dict[str, list[Any]]:
        """The columns in which there may be something odd."""
        resources, scopes, spans = rows
        if len(spans) > self._limits.spans_per_request:
            raise too_many_spans(self._limits)
        messages = self._texts.messages
        return {
            "trace_id": _ids(each.trace_id for each in spans),
            "span_id": _ids(each.span_id for each in spans),
            "parent_span_id": _parent_ids([each.parent_span_id for each in spans]),
            "start_time_unix_nano": _numbers([s.start_time_unix_nano for s in spans]),
            "end_time_unix_nano": _numbers([s.end_time_unix_nano for s in spans]),
            "attributes": messages(each.attributes for each in spans),
            "events": self._events(each.events for each in spans),
            "links": self._texts.links(each.links for each in spans),
            "scope.attributes": messages(each.scope.attributes for each in scopes),
            "resource.attributes": messages(
                each.resource.attributes for each in resources
            ),
        }

    def _events(self, lists: Iterable[Sequence[Event]]) -> list[bytes]:
        """One by one, as each has a time of its own."""
        return [self._event(each) for each in chain.from_iterable(lists)]

    def _event(self, sent: Event) -> bytes:
        (time_unix_nano,) = _numbers([sent.time_unix_nano])
        attributes = self._texts.messages([sent.attributes])
        return event(
            time_unix_nano, sent.name, attributes, sent.dropped_attributes_count
        )

    def build(self) -> Wire:
        resources, scopes, spans = _rows(self._requests)
        return make_wire(
            spans=self._spans(spans),
            scopes=_struct(
                SCOPE_TYPE,
                name=[each.scope.name for each in scopes],
                version=[each.scope.version for each in scopes],
                attributes=self._lists(
                    "scope.attributes", [each.scope.attributes for each in scopes]
                ),
            ),
            resources=self._lists(
                "resource.attributes", [each.resource.attributes for each in resources]
            ),
            request_of_resource=_parents(self._requests),
            resource_of_scope=_parents([each.scope_spans for each in resources]),
            scope_of_span=_parents([each.spans for each in scopes]),
            requests=len(self._requests),
        )

    def _spans(self, spans: Sequence[Span]) -> pa.StructArray:
        columns = self._columns
        statuses = [each.status for each in spans]
        return _struct(
            SPAN_TYPE,
            trace_id=columns["trace_id"],
            span_id=columns["span_id"],
            trace_state=[each.trace_state for each in spans],
            parent_span_id=columns["parent_span_id"],
            name=[each.name for each in spans],
            kind=[each.kind for each in spans],
            start_time_unix_nano=columns["start_time_unix_nano"],
            end_time_unix_nano=columns["end_time_unix_nano"],
            attributes=self._lists("attributes", [each.attributes for each in spans]),
            dropped_attributes_count=[s.dropped_attributes_count for s in spans],
            events=self._lists("events", [each.events for each in spans]),
            dropped_events_count=[each.dropped_events_count for each in spans],
            links=self._lists("links", [each.links for each in spans]),
            dropped_links_count=[each.dropped_links_count for each in spans],
            status=_struct(
                SPAN_TYPE.field("status").type,
                message=[each.message for each in statuses],
                code=[each.code for each in statuses],
            ),
            flags=[each.flags for each in spans],
        )

    def _lists(self, name: str, lists: Sequence[Sized]) -> pa.ListArray:
        messages = pa.array(self._columns[name], pa.binary())
        offsets = pa.array(running_total(_counts(lists)).astype(np.int32))
        return pa.ListArray.from_arrays(offsets, messages, type=MESSAGES_TYPE)


def _rows(requests: Iterable[Sequence[ResourceSpans]]) -> _Rows:
    resources = [each for request in requests for each in request]
    scopes = [each for resource in resources for each in resource.scope_spans]
    return _Rows(resources, scopes, [each for scope in scopes for each in scope.spans])


def _ids(ids: Iterable[str]) -> list[bytes]:
    return list(map(binascii.unhexlify, ids))


def _parent_ids(ids: Sequence[str]) -> list[bytes]:
    if set(map(len, ids)) - {0, _SPAN_ID_DIGITS}:
        raise ValueError("an id of an unusual length")
    return _ids(ids)


def _numbers(times: Sequence[Nanos]) -> list[int]:
    """Numbers, or their decimal digits as texts."""
    digits = "".join(map(str, times))
    if times and not (digits.isascii() and digits.isdigit()):
        raise ValueError("other than digits in a time")
    return list(map(int, times))


def _struct(of: pa.StructType, /, **columns: Any) -> pa.StructArray:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for field, column in ((field, columns[field.name]) for field in of)
    ]
    return pa.StructArray.from_arrays(arrays, fields=list(of))


def _counts(lists: Sequence[Sized]) -> Ints:
    return np.fromiter(map(len, lists), np.int64, len(lists))


def _parents(lists: Sequence[Sized]) -> Ints:
    """The number of the list that each item is in."""
    return np.repeat(np.arange(len(lists)), _counts(lists))
