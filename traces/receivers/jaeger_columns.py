"""Jaeger's spans as columns, and what they mean in OpenTelemetry.

`jaeger_spans` has the mapping; here it is asked once for what many spans share.
"""

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.jaeger_spans import FIELD_KEYS, SAMPLED_FLAG, Fields, take_fields
from traces.receivers.verdict import Verdict
from traces.receivers.wire import Fault, Read, Wire, lists_of, make_wire, refuse
from traces.receivers.wire_columns import Items, attributes, to_lists
from traces.variant_columns import Ints, Mask, number_rows, running_total

_FIELD_KEYS = pa.array(sorted(FIELD_KEYS), pa.string())


class Values(NamedTuple):
    """Of one type, and which of the tags have them."""

    place: Ints
    values: pa.Array


class Tags(NamedTuple):
    """Each with the number of its span, in order; each is in one of the `values`."""

    row: Ints
    keys: pa.DictionaryArray
    values: Sequence[Values]


class JaegerColumns(NamedTuple):
    """Spans of one or more requests.

    `resource` is the number of each span's resource; events and links are messages.
    `faults` are times that cannot be held, which are zeros here.
    """

    resource: Ints
    trace_id: pa.BinaryArray
    span_id: pa.BinaryArray
    parent_span_id: pa.BinaryArray
    name: pa.StringArray
    flags: Ints
    start_time_unix_nano: Ints
    end_time_unix_nano: Ints
    tags: Tags
    events: Items
    links: Items
    faults: list[Fault]


class Resources(NamedTuple):
    """Their KeyValue messages, and the requests that have them."""

    attributes: Sequence[Sequence[bytes]]
    request: Ints


def to_wire(
    columns: JaegerColumns, resources: Resources, verdicts: list[Verdict]
) -> Read:
    """The wire without refused spans; the verdicts, one a request, count those."""
    wire = refuse(_wire(columns, resources, len(verdicts)), verdicts, columns.faults)
    for verdict in verdicts:
        verdict.spans = verdict.rejected_spans
    return Read(wire, verdicts)


def _wire(columns: JaegerColumns, resources: Resources, requests: int) -> Wire:
    rows = len(columns.resource)
    taken = _take(columns.tags, rows)
    scopes = _Scopes(taken, columns.resource)
    return make_wire(
        spans=_spans(columns, taken),
        scopes=scopes.columns,
        resources=lists_of(resources.attributes),
        scope_of_span=scopes.of_span,
        resource_of_scope=scopes.resource,
        request_of_resource=resources.request,
        requests=requests,
    )


class _Taken(NamedTuple):
    """What the tags say for OpenTelemetry's fields, and the tags that are left.

    Many spans say the same: `number` is the place of each in `distinct`.
    """

    number: Ints
    distinct: Sequence[Fields]
    left: Mask

    def column(self, name: str, kind: pa.DataType) -> pa.Array:
        distinct = pa.array([getattr(each, name) for each in self.distinct], kind)
        return distinct.take(pa.array(self.number))


def _take(tags: Tags, rows: int) -> _Taken:
    is_field = pc.is_in(tags.keys.dictionary, _FIELD_KEYS).to_numpy(
        zero_copy_only=False
    )
    place = np.flatnonzero(is_field[tags.keys.indices.to_numpy()])
    row = tags.row[place]
    starts = running_total(np.bincount(row, minlength=rows))
    number, first = number_rows(starts, *_numbered(tags, place))
    counts = np.diff(starts)[first]
    ends = running_total(counts)
    models = np.arange(ends[-1]) + np.repeat(starts[first] - ends[:-1], counts)
    said = _said(tags, place[models])
    taken = [_take_from(said[start:end]) for start, end in pairwise(ends.tolist())]
    stays = np.array([*chain.from_iterable(stay for _, stay in taken)], np.bool_)
    left = np.ones(len(tags.row), np.bool_)
    nth = np.arange(len(place)) - starts[row]
    left[place] = stays[ends[number[row]] + nth]
    return _Taken(number, [fields for fields, _ in taken], left)


def _take_from(said: Sequence[tuple[str, Any]]) -> tuple[Fields, list[bool]]:
    """The fields, and which of the tags are to stay."""
    by_key = dict(said)
    fields = take_fields(by_key)
    return fields, [key in by_key for key, _ in said]


def _numbered(tags: Tags, place: Ints) -> tuple[Ints, int]:
    """A number for each distinct tag at these places, and how many there are.

    Values of two types are not the same, though 1, 1.0 and True are equal.
    """
    wanted = np.zeros(len(tags.row), np.bool_)
    wanted[place] = True
    number, count = np.zeros(len(tags.row), np.int64), 0
    for where, values in tags.values:
        mine = wanted[where]
        distinct = values.filter(pa.array(mine)).dictionary_encode()
        number[where[mine]] = count + distinct.indices.to_numpy()
        count += len(distinct.dictionary)
    keys = tags.keys.indices.to_numpy()[place].astype(np.int64)
    both = pa.array(number[place] + count * keys).dictionary_encode()
    return both.indices.to_numpy().astype(np.int64), len(both.dictionary)


def _said(tags: Tags, place: Ints) -> list[tuple[str, Any]]:
    keys = tags.keys.dictionary.to_numpy(zero_copy_only=False)
    named = keys[tags.keys.indices.to_numpy()[place]].tolist()
    return list(zip(named, _values_at(tags, place), strict=True))


def _values_at(tags: Tags, place: Ints) -> list[Any]:
    wanted = np.zeros(len(tags.row), np.bool_)
    wanted[place] = True
    found: Any = np.empty(len(tags.row), object)
    for where, values in tags.values:
        mine = wanted[where]
        found[where[mine]] = values.filter(pa.array(mine)).to_numpy(
            zero_copy_only=False
        )
    values_found: list[Any] = found[place].tolist()
    return values_found


class _Scopes:
    """A scope for each that the spans of a resource name."""

    def __init__(self, taken: _Taken, resource: Ints) -> None:
        known = {("", ""): 0}
        at = [known.setdefault(each.scope, len(known)) for each in taken.distinct]
        pairs = resource * len(known) + np.array(at, np.int64)[taken.number]
        found, self.of_span = np.unique(pairs, return_inverse=True)
        self.resource, which = np.divmod(found, len(known))
        parts = [
            pa.array(part, pa.string()).take(pa.array(which))
            for part in zip(*known, strict=True)
        ]
        self.columns = pa.StructArray.from_arrays(
            [*parts, lists_of([()] * len(found))],
            names=["name", "version", "attributes"],
        )


def _spans(columns: JaegerColumns, taken: _Taken) -> pa.StructArray:
    rows = len(columns.resource)
    status = [
        taken.column("status_message", pa.string()),
        taken.column("status_code", pa.int32()),
    ]
    arrays = {
        "trace_id": columns.trace_id,
        "span_id": columns.span_id,
        "parent_span_id": columns.parent_span_id,
        "name": columns.name,
        "kind": taken.column("kind", pa.int32()),
        "start_time_unix_nano": _unsigned(columns.start_time_unix_nano),
        "end_time_unix_nano": _unsigned(columns.end_time_unix_nano),
        "trace_state": taken.column("trace_state", pa.string()),
        "flags": pa.array((columns.flags & SAMPLED_FLAG).astype(np.uint32)),
        "attributes": _attributes(columns.tags, taken.left, rows),
        "events": to_lists([columns.events], rows),
        "links": to_lists([columns.links], rows),
        **{
            name: taken.column(name, pa.uint32())
            for name in (
                "dropped_attributes_count",
                "dropped_events_count",
                "dropped_links_count",
            )
        },
        "status": pa.StructArray.from_arrays(status, names=["message", "code"]),
    }
    return pa.StructArray.from_arrays(list(arrays.values()), names=list(arrays))


def _unsigned(times: Ints) -> pa.Array:
    return pa.array(times.view(np.uint64))


def _attributes(tags: Tags, left: Mask, rows: int) -> pa.ListArray:
    """In the order of the tags, as the last of a repeated key is the one that counts."""
    places, messages = [np.zeros(0, np.int64)], [pa.array([], pa.binary())]
    for place, values in tags.values:
        mine = left[place]
        if not mine.all():
            place, values = place[mine], values.filter(pa.array(mine))
        places.append(place)
        messages.append(attributes(tags.keys.take(pa.array(place)), values))
    order = np.empty(int(left.sum()), np.int64)
    rank = np.cumsum(left) - 1
    order[rank[np.concatenate(places)]] = np.arange(len(order))
    offsets = running_total(np.bincount(tags.row[left], minlength=rows))
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)),
        pa.concat_arrays(messages).take(pa.array(order)),
    )
