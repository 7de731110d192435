"""What Zipkin's spans mean in OpenTelemetry, by columns.

The mapping is OpenTelemetry's "OpenTelemetry to Zipkin Transformation", read
backwards; `docs/zipkin.md` has it as a table. Tags stay the text they are.
"""

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces import semconv
from traces.receivers.verdict import Verdict
from traces.receivers.wire import Fault, Read, Wire, refuse
from traces.receivers.wire_columns import (
    Items,
    attribute,
    attributes,
    binary_rows,
    to_lists,
)
from traces.receivers.zipkin_columns import Endpoints, ZipkinColumns
from traces.receivers.zipkin_events import to_events
from traces.receivers.zipkin_tags import KeyedTags, take_tags
from traces.receivers.zipkin_times import NANO_PER_MICRO, find_times
from traces.variant_columns import Ints, Mask

SHARED: Final = "zipkin.shared"
DEBUG: Final = "zipkin.debug"
# The Collector's mark for a start that the sender left out.
NO_START: Final = "otel.zipkin.absentField.startTime"
BAD_PORT: Final = "an endpoint's port is not between 0 and 65535"
_MAX_PORT: Final = 65_535
_NOT_AN_ID: Final = b"\0"  # of no valid length: taken as absent, with a remark
_STATUS: Final = [pa.field("message", pa.string()), pa.field("code", pa.int32())]


class _Keys(NamedTuple):
    address: str
    port: str


_LOCAL: Final = _Keys(semconv.NETWORK_LOCAL_ADDRESS, semconv.NETWORK_LOCAL_PORT)
_REMOTE: Final = _Keys(semconv.NETWORK_PEER_ADDRESS, semconv.NETWORK_PEER_PORT)


def to_wire(columns: ZipkinColumns, verdicts: list[Verdict]) -> Read:
    """The wire without refused spans; the verdicts, one a request, count those."""
    return _Translation(columns, verdicts).read()


class _Translation:
    def __init__(self, columns: ZipkinColumns, verdicts: list[Verdict]) -> None:
        self.columns, self.verdicts = columns, verdicts
        self.rows = len(columns.request)
        self.times = find_times(columns)
        self.tags = take_tags(columns.tags, self.rows)

    def read(self) -> Read:
        faults = [*self.columns.faults, *self.times.faults, *self._bad_ports()]
        wire = refuse(self._wire(), self.verdicts, faults)
        for verdict in self.verdicts:
            verdict.spans = verdict.rejected_spans
        return Read(wire, self.verdicts)

    def _bad_ports(self) -> list[Fault]:
        ports = (self.columns.local.port, self.columns.remote.port)
        return [Fault(BAD_PORT, (port < 0) | (port > _MAX_PORT)) for port in ports]

    def _wire(self) -> Wire:
        resources = _number(self.columns.request, self.columns.local.service)
        scopes = _number(resources.of_span, self.tags.scope_name)
        scopes = _number(scopes.of_span, self.tags.scope_version)
        first = pa.array(scopes.first)
        return Wire(
            spans=self._spans(),
            scopes=pa.StructArray.from_arrays(
                [
                    self.tags.scope_name.take(first),
                    self.tags.scope_version.take(first),
                    _empty_lists(len(first)),
                ],
                names=["name", "version", "attributes"],
            ),
            resources=_resources(self.columns.local.service, resources.first),
            request_of_span=self.columns.request,
            scope_of_span=scopes.of_span,
            resource_of_span=resources.of_span,
            request_of_scope=self.columns.request[scopes.first],
            request_of_resource=self.columns.request[resources.first],
            requests=len(self.verdicts),
        )

    def _spans(self) -> pa.StructArray:
        columns, tags, none = self.columns, self.tags, _zeros(self.rows, pa.uint32())
        arrays = {
            "trace_id": binary_rows(columns.trace_id),
            "span_id": binary_rows(columns.span_id),
            "parent_span_id": self._parent_ids(),
            "name": columns.name,
            "kind": pa.array(columns.kind.astype(np.int32)),
            "start_time_unix_nano": _nano(self.times.start),
            "end_time_unix_nano": _nano(self.times.end),
            "trace_state": pa.array([""], pa.string()).take(none),
            "flags": none,
            "attributes": to_lists(self._attributes(), self.rows),
            "events": to_events(columns.annotations, self.times.events, self.rows),
            "links": _empty_lists(self.rows),
            "dropped_attributes_count": tags.dropped["attributes"],
            "dropped_events_count": tags.dropped["events"],
            "dropped_links_count": tags.dropped["links"],
            "status": pa.StructArray.from_arrays(
                [tags.status_message, tags.status_code], fields=_STATUS
            ),
        }
        return pa.StructArray.from_arrays(list(arrays.values()), names=list(arrays))

    def _parent_ids(self) -> pa.BinaryArray:
        """A parent equal to the span is Zipkin's way to say that there is none."""
        rows = self.columns.parent_id.copy()
        rows[(rows == self.columns.span_id).all(axis=1)] = 0
        ids = binary_rows(rows)
        bad = self.columns.bad_parent
        return pc.if_else(pa.array(bad), _NOT_AN_ID, ids) if bad.any() else ids

    def _attributes(self) -> list[Items]:
        """Tags, and what Zipkin has fields for; of one key, the tag is kept."""
        columns, tags = self.columns, self.tags.left
        peer = _present(columns.remote.service)
        found = {
            **_of_endpoint(columns.local, _LOCAL),
            **_of_endpoint(columns.remote, _REMOTE),
            semconv.SERVICE_PEER_NAME: _without(peer, tags, semconv.PEER_SERVICE_OLD),
            SHARED: _marked(columns.shared),
            DEBUG: _marked(columns.debug),
            NO_START: _marked(self.times.stood_in),
        }
        return [
            Items(tags.row, attributes(tags.keys, tags.values)),
            columns.typed,
            *(attribute(key, _without(v, tags, key)) for key, v in found.items()),
        ]


class _Numbered(NamedTuple):
    """A number for each distinct pair, and the first span that has it."""

    of_span: Ints
    first: Ints


def _number(outer: Ints, texts: pa.StringArray) -> _Numbered:
    distinct = texts.dictionary_encode()
    pairs = outer * max(len(distinct.dictionary), 1) + distinct.indices.to_numpy()
    _, first, of_span = np.unique(pairs, return_index=True, return_inverse=True)
    return _Numbered(of_span, first)


def _resources(services: pa.StringArray, first: Ints) -> pa.ListArray:
    named = _present(services.take(pa.array(first)))
    return to_lists([attribute(semconv.SERVICE_NAME, named)], len(first))


def _of_endpoint(endpoint: Endpoints, keys: _Keys) -> dict[str, pa.Array]:
    ports = pa.array(endpoint.port, mask=endpoint.port == 0)
    return {keys.address: _present(endpoint.address), keys.port: ports}


def _present(texts: pa.StringArray) -> pa.StringArray:
    """Null where empty."""
    return pc.if_else(pc.not_equal(texts, ""), texts, None)


def _marked(mask: Mask) -> pa.BooleanArray:
    return pa.array(mask, mask=~mask)


def _without(values: pa.Array, tags: KeyedTags, key: str) -> pa.Array:
    tagged = tags.spans_with(key)
    return pc.if_else(pa.array(~tagged), values, None) if tagged.any() else values


def _nano(micro: Ints) -> pa.Array:
    return pa.array((micro * NANO_PER_MICRO).view(np.uint64))


def _zeros(count: int, kind: pa.DataType) -> pa.Array:
    return pa.array(np.zeros(count, np.int64)).cast(kind)


def _empty_lists(count: int) -> pa.ListArray:
    offsets = pa.array(np.zeros(count + 1, np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array([], pa.binary()))
