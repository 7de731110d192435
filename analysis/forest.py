"""Many whole traces as one forest of numpy arrays, prepared for every analysis.

Ids that several spans share are told apart, cycles are broken, and nothing recurses. A
row is a span; rows stand in the order of (trace, start, end, span id), so that results
do not depend on the order of arrival.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.histogram import FloatArray, IntArray
from analysis.sampling import span_weights
from traces.spans import SpanKind, StatusCode
from traces.tree import NO_PARENT, BoolArray, cycle_cuts


@dataclass(frozen=True, slots=True)
class Forest:
    """Arrays by row, but for `levels`, the rows of depth 0, 1, 2 ….

    `parent` is a row, -1 at roots; `orphan` marks roots that name a parent which is not
    there. `start` and `end` are nanoseconds since the start of the row's trace, made
    usable: a span never ends before it starts. `duration_nano` is as sent, negative
    where it ends early. `trace`, `service` and `name` are numbers; `spans` is the table
    in row order, with what else it was read with.
    """

    spans: pa.Table
    trace: IntArray
    trace_start_unix_nano: IntArray
    parent: IntArray
    levels: tuple[IntArray, ...]
    start: IntArray
    end: IntArray
    duration_nano: IntArray
    kind: IntArray
    failed: BoolArray
    orphan: BoolArray
    service: IntArray
    services: tuple[str, ...]
    name: IntArray
    names: tuple[str, ...]
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def roots(self) -> IntArray:
        return self.levels[0] if self.levels else np.empty(0, np.int64)

    @property
    def start_time_unix_nano(self) -> IntArray:
        return self.start + self.trace_start_unix_nano[self.trace]


def build_forest(spans: pa.Table) -> Forest:
    """All spans of each trace, distinct, in any order, with at least
    `traces.spans.EXCERPT_COLUMNS`."""
    spans = _in_order(spans.combine_chunks())
    trace, trace_count = _codes(spans["trace_id"])
    start_unix = spans["start_time_unix_nano"].to_numpy().astype(np.int64)
    duration = spans["duration_nano"].to_numpy().astype(np.int64)
    first = _first_starts(trace, trace_count, start_unix)
    start = start_unix - first[trace]
    service, services = _texts(spans["service_name"])
    name, names = _texts(spans["name"])
    kind = spans["kind"].to_numpy().astype(np.int64)
    parent = _parents(spans, trace, service, kind)
    parent, levels = _levels(parent)
    named = _numpy(pc.is_valid(spans["parent_span_id"]))
    return Forest(
        spans=spans,
        trace=trace,
        trace_start_unix_nano=first,
        parent=parent,
        levels=levels,
        start=start,
        end=start + np.maximum(duration, 0),
        duration_nano=duration,
        kind=kind,
        failed=spans["status_code"].to_numpy() == StatusCode.ERROR,
        orphan=named & (parent == NO_PARENT),
        service=service,
        services=services,
        name=name,
        names=names,
        weight=span_weights(spans["trace_state"]).weight,
    )


def _in_order(spans: pa.Table) -> pa.Table:
    keys = ("trace_id", "start_time_unix_nano", "duration_nano", "span_id")
    order = [(key, "ascending") for key in (*keys, "service_name", "name", "kind")]
    return spans.take(pc.sort_indices(spans, sort_keys=order))


def _first_starts(trace: IntArray, count: int, start_unix: IntArray) -> IntArray:
    """Of each trace; rows are in order, so the first row of a trace has it."""
    first = np.zeros(count, np.int64)
    begins = np.flatnonzero(np.diff(trace, prepend=-1))
    first[trace[begins]] = start_unix[begins]
    return first


def _parents(
    spans: pa.Table, trace: IntArray, service: IntArray, kind: IntArray
) -> IntArray:
    """The row of each span's parent, -1 where none was named or found.

    A SERVER span with the id of a CLIENT span is the other half of that call (Zipkin's
    shared span) and becomes its child. Children of a shared id go to the holder in
    their own service, else to the server half, else to the first.
    """
    ids = spans["span_id"].combine_chunks().dictionary_encode()
    id_count = len(ids.dictionary)
    key = trace * id_count + ids.indices.to_numpy()
    wanted = pc.index_in(spans["parent_span_id"], value_set=ids.dictionary)
    wanted = pc.fill_null(wanted, -1).to_numpy().astype(np.int64)
    wanted_key = np.where(wanted < 0, -1, trace * id_count + wanted)
    parent = _row_of(wanted_key, key)
    if len(np.unique(key)) < len(key):
        _share(parent, wanted_key, key, service, kind)
    own = parent == np.arange(len(parent))
    return np.where(own, NO_PARENT, parent)


def _row_of(wanted: IntArray, key: IntArray) -> IntArray:
    """The first row with each wanted key, -1 where there is none."""
    place = pc.index_in(pa.array(wanted), value_set=pa.array(key))
    found: IntArray = pc.fill_null(place, NO_PARENT).to_numpy().astype(np.int64)
    return found


def _share(
    parent: IntArray, wanted: IntArray, key: IntArray, service: IntArray, kind: IntArray
) -> None:
    """Redirect what names a shared id, and put server halves under client halves."""
    rows = np.arange(len(key))
    clients, servers = rows[kind == SpanKind.CLIENT], rows[kind == SpanKind.SERVER]
    client_of = _first_among(clients, key[servers], key)
    halves = servers[client_of >= 0]
    # Only the first server of an id is its half; a further one keeps its own place.
    halves = halves[_row_of(key[halves], key[halves]) == np.arange(len(halves))]
    server_half = _first_among(halves, wanted, key)
    heir = np.where(server_half >= 0, server_half, parent)
    services = int(service.max(initial=0)) + 1
    own = _row_of(
        np.where(wanted < 0, -1, wanted * services + service), key * services + service
    )
    heir = np.where((own >= 0) & (own != rows), own, heir)
    parent[:] = np.where(wanted < 0, NO_PARENT, heir)
    parent[halves] = _first_among(clients, key[halves], key)


def _first_among(rows: IntArray, wanted: IntArray, key: IntArray) -> IntArray:
    found = _row_of(wanted, key[rows])
    if not len(rows):
        return found
    return np.where(found >= 0, rows[np.maximum(found, 0)], NO_PARENT)


def _levels(parent: IntArray) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Cycles are broken at their first row, which becomes a root."""
    levels = levels_of(parent)
    reached = sum(map(len, levels))
    if reached < len(parent):
        rank = np.arange(len(parent))
        cuts = cycle_cuts(parent, rank, np.concatenate([*levels, rank[:0]]).tolist())
        parent = parent.copy()
        parent[list(cuts)] = NO_PARENT
        levels = levels_of(parent)
    return parent, tuple(levels)


def levels_of(parent: IntArray) -> list[IntArray]:
    """The rows of depth 0, 1, 2 …, each ascending by parent; cycles are left out."""
    by_parent = np.argsort(parent, kind="stable")
    firsts = np.searchsorted(parent[by_parent], np.arange(-1, len(parent) + 1))
    rows, levels = by_parent[: firsts[1]] if len(parent) else by_parent, []
    while len(rows):
        levels.append(rows)
        begin, end = firsts[rows + 1], firsts[rows + 2]
        rows = by_parent[ranges(begin, end - begin)]
    return levels


def ranges(begin: IntArray, length: IntArray) -> IntArray:
    """begin[0], begin[0] + 1, … for `length[0]` numbers, then those of the next."""
    total = int(length.sum())
    offset = np.repeat(begin - (np.cumsum(length) - length), length)
    return offset + np.arange(total)


def _codes(column: pa.ChunkedArray) -> tuple[IntArray, int]:
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _texts(column: pa.ChunkedArray) -> tuple[IntArray, tuple[str, ...]]:
    encoded = column.combine_chunks().dictionary_encode()
    texts = tuple(encoded.dictionary.to_pylist())
    return encoded.indices.to_numpy().astype(np.int64), texts


def _numpy(column: pa.ChunkedArray) -> BoolArray:
    found: BoolArray = column.combine_chunks().to_numpy(zero_copy_only=False)
    return found
