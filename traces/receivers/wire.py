"""Spans on their way from any encoding to columns: what every reader ends as.

Attributes, events and links are OTLP messages, still in bytes: one set of limits and
refusals then holds for whatever arrives, and plain attributes are read by columns.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest, Verdict
from traces.variant_columns import Ints, Mask, lengths, running_total

# Attributes, events and links, for each span that a request may hold.
_ITEMS_PER_SPAN = 20
_STATUS = [pa.field("message", pa.string()), pa.field("code", pa.int32())]


class Wire(NamedTuple):
    """Spans as they came, and the numbers of their request, resource and scope."""

    spans: pa.StructArray
    scopes: pa.StructArray
    resources: pa.ListArray  # of attributes, each its KeyValue's bytes
    request_of_span: Ints
    scope_of_span: Ints
    resource_of_span: Ints
    request_of_scope: Ints
    request_of_resource: Ints
    requests: int


def make_wire(
    spans: pa.StructArray,
    scopes: pa.StructArray,
    resources: pa.ListArray,
    scope_of_span: Ints,
    resource_of_scope: Ints,
    request_of_resource: Ints,
    requests: int,
) -> Wire:
    request_of_scope = request_of_resource[resource_of_scope]
    return Wire(
        spans=spans,
        scopes=scopes,
        resources=resources,
        request_of_span=request_of_scope[scope_of_span],
        scope_of_span=scope_of_span,
        resource_of_span=resource_of_scope[scope_of_span],
        request_of_scope=request_of_scope,
        request_of_resource=request_of_resource,
        requests=requests,
    )


def join(wires: Sequence[Wire], numbers: Sequence[Ints]) -> Wire:
    """All spans of the wires, in the order of their requests.

    `numbers[i]` are the numbers that the requests of `wires[i]` get.
    """

    def renumbered(name: str) -> Ints:
        columns = [getattr(wire, name) for wire in wires]
        return np.concatenate([n[c] for n, c in zip(numbers, columns, strict=True)])

    def shifted(name: str, below: str) -> Ints:
        starts = running_total(np.array([len(getattr(w, below)) for w in wires]))
        columns = [getattr(wire, name) for wire in wires]
        return np.concatenate(
            [s + c for s, c in zip(starts[:-1], columns, strict=True)]
        )

    request_of_span = renumbered("request_of_span")
    order = np.argsort(request_of_span, kind="stable")
    return Wire(
        spans=pa.concat_arrays([wire.spans for wire in wires]).take(pa.array(order)),
        scopes=pa.concat_arrays([wire.scopes for wire in wires]),
        resources=pa.concat_arrays([wire.resources for wire in wires]),
        request_of_span=request_of_span[order],
        scope_of_span=shifted("scope_of_span", "scopes")[order],
        resource_of_span=shifted("resource_of_span", "resources")[order],
        request_of_scope=renumbered("request_of_scope"),
        request_of_resource=renumbered("request_of_resource"),
        requests=sum(wire.requests for wire in wires),
    )


class Read(NamedTuple):
    """What a reader made of requests.

    A verdict counts the spans that are not in `wire` because they were refused, holds
    remarks, and an error for a request of which nothing can be taken.
    """

    wire: Wire
    verdicts: list[Verdict]


Reader = Callable[[Sequence[bytes], Limits], Read]


def most_items(limits: Limits) -> int:
    """Attributes, events and links of one request."""
    return _ITEMS_PER_SPAN * limits.spans_per_request


def require_few_items(wire: Wire, limits: Limits) -> None:
    """Raises BadRequest when a request holds more than it may."""
    most = most_items(limits)
    items = sum(
        np.bincount(
            wire.request_of_span,
            weights=lengths(wire.spans.field(name)),
            minlength=wire.requests,
        )
        for name in ("attributes", "events", "links")
    )
    if np.any(np.bincount(wire.request_of_span) > limits.spans_per_request):
        raise too_many_spans(limits)
    if np.any(items > most):
        raise too_many_items(limits)


def too_many_items(limits: Limits) -> BadRequest:
    most = most_items(limits)
    return BadRequest(f"a request may hold {most} attributes, events and links")


def too_many_spans(limits: Limits) -> BadRequest:
    return BadRequest(f"a request may hold {limits.spans_per_request} spans at most")


class Fault(NamedTuple):
    """A reason to refuse spans, and which of them it is about."""

    reason: str
    spans: Mask


def refuse(wire: Wire, verdicts: Sequence[Verdict], faults: Iterable[Fault]) -> Wire:
    """The spans that have none of the faults; of many, the first is told.

    Verdicts count the refused in `rejected` alone.
    """
    bad = np.zeros(len(wire.spans), np.bool_)
    for reason, found in faults:
        if not found.any():
            continue
        requests = wire.request_of_span[found & ~bad].tolist()
        for request, count in Counter(requests).items():
            verdicts[request].rejected[reason] += count
        bad |= found
    if not bad.any():
        return wire
    good = ~bad
    return wire._replace(
        spans=wire.spans.filter(pa.array(good)),
        request_of_span=wire.request_of_span[good],
        scope_of_span=wire.scope_of_span[good],
        resource_of_span=wire.resource_of_span[good],
    )


class SpanRow(NamedTuple):
    """One span for a `WireBuilder`.

    Ids may be of any length: what is wrong with them is found later. Times are
    nanoseconds, 0 to 2^64 - 1. Attributes, events and links are OTLP messages, see
    `wire_format`. Texts hold no lone surrogates.
    """

    trace_id: bytes
    span_id: bytes
    name: str
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: list[bytes]
    events: list[bytes]
    links: list[bytes]
    parent_span_id: bytes = b""
    trace_state: str = ""
    flags: int = 0
    status_code: int = 0
    status_message: str = ""
    dropped_attributes_count: int = 0
    dropped_events_count: int = 0
    dropped_links_count: int = 0


_TYPES = {
    "trace_id": pa.binary(),
    "span_id": pa.binary(),
    "parent_span_id": pa.binary(),
    "name": pa.string(),
    "kind": pa.int32(),
    "start_time_unix_nano": pa.uint64(),
    "end_time_unix_nano": pa.uint64(),
    "trace_state": pa.string(),
    "flags": pa.uint32(),
    "dropped_attributes_count": pa.uint32(),
    "dropped_events_count": pa.uint32(),
    "dropped_links_count": pa.uint32(),
}


class WireBuilder:
    """Collects requests span by span, for encodings that no library reads by columns.

    `open_request`, then `open_scope` and `add` as often as needed; `fail_request`
    takes all of the open request back.
    """

    def __init__(self, limits: Limits) -> None:
        self.verdicts: list[Verdict] = []
        self._limits = limits
        self._rows: list[SpanRow] = []
        self._scope_of_span: list[int] = []
        self._scopes: list[tuple[str, str, Sequence[bytes]]] = []
        self._resource_of_scope: list[int] = []
        self._resources: list[Sequence[bytes]] = []
        self._request_of_resource: list[int] = []
        self._begin = (0, 0, 0)

    def open_request(self) -> Verdict:
        self._begin = (len(self._rows), len(self._scopes), len(self._resources))
        self.verdicts.append(Verdict())
        return self.verdicts[-1]

    def open_resource(self, attributes: Sequence[bytes]) -> int:
        """The number of a resource with these KeyValue messages."""
        self._resources.append(attributes)
        self._request_of_resource.append(len(self.verdicts) - 1)
        return len(self._resources) - 1

    def open_scope(
        self,
        resource: int,
        name: str = "",
        version: str = "",
        attributes: Sequence[bytes] = (),
    ) -> int:
        """The number of a scope below the resource of that number."""
        self._scopes.append((name, version, attributes))
        self._resource_of_scope.append(resource)
        return len(self._scopes) - 1

    def add(self, row: SpanRow, scope: int) -> None:
        """Raises BadRequest when the request has one span too many."""
        self._rows.append(row)
        self._scope_of_span.append(scope)
        if len(self._rows) - self._begin[0] > self._limits.spans_per_request:
            raise too_many_spans(self._limits)

    def refuse(self, reason: str) -> None:
        """One span of the open request that cannot be taken."""
        verdict = self.verdicts[-1]
        verdict.spans += 1
        verdict.rejected[reason] += 1

    def fail_request(self, error: BadRequest) -> None:
        spans, scopes, resources = self._begin
        self.verdicts[-1] = Verdict(error=error)
        del self._rows[spans:], self._scope_of_span[spans:]
        del self._scopes[scopes:], self._resource_of_scope[scopes:]
        del self._resources[resources:], self._request_of_resource[resources:]

    def build(self) -> Read:
        wire = make_wire(
            spans=_spans(self._rows),
            scopes=_scopes(self._scopes),
            resources=lists_of(self._resources),
            scope_of_span=np.array(self._scope_of_span, np.int64),
            resource_of_scope=np.array(self._resource_of_scope, np.int64),
            request_of_resource=np.array(self._request_of_resource, np.int64),
            requests=len(self.verdicts),
        )
        return Read(wire, self.verdicts)


def _spans(rows: Sequence[SpanRow]) -> pa.StructArray:
    columns = dict(
        zip(SpanRow._fields, zip(*rows, strict=True), strict=True)
        if rows
        else ((name, ()) for name in SpanRow._fields)
    )
    arrays = {name: pa.array(columns[name], kind) for name, kind in _TYPES.items()}
    arrays |= {
        name: lists_of(columns[name]) for name in ("attributes", "events", "links")
    }
    parts = [
        pa.array(columns["status_message"], pa.string()),
        pa.array(columns["status_code"], pa.int32()),
    ]
    arrays["status"] = pa.StructArray.from_arrays(parts, fields=_STATUS)
    return pa.StructArray.from_arrays(list(arrays.values()), names=list(arrays))


def _scopes(scopes: Sequence[tuple[str, str, Sequence[bytes]]]) -> pa.StructArray:
    names, versions, attributes = zip(*scopes, strict=True) if scopes else ((), (), ())
    arrays = [
        pa.array(names, pa.string()),
        pa.array(versions, pa.string()),
        lists_of(attributes),
    ]
    return pa.StructArray.from_arrays(arrays, names=["name", "version", "attributes"])


def lists_of(lists: Iterable[Sequence[bytes]]) -> pa.ListArray:
    """Messages that are one by one in Python."""
    lists = list(lists)
    counts: Any = np.fromiter(map(len, lists), np.int64, len(lists))
    messages = pa.array(chain.from_iterable(lists), pa.binary())
    offsets = pa.array(running_total(counts).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, messages)
