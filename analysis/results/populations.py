"""What is compared, read from a store: spans or traces with all that is known of each."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.differences import Sample
from analysis.forest import Forest, build_forest
from analysis.histogram import FloatArray, IntArray
from analysis.sampling import span_weights
from analysis.subtrees import subtrees
from analysis.trace_columns import RESOURCE_KEYS, trace_columns
from traces.query import And, Filter, Not, TraceQuery
from traces.spans import COMPARED_COLUMNS, MARKED, SpanColumns, StatusCode
from traces.store.base import TraceStore
from traces.store.trace_filter import TraceHashes, span_hashes
from traces.tree import BoolArray

# Rows of the selection and of the rest, each; of more an even part is looked at.
MOST_ROWS: Final = 1_000_000
# Of these, rows whose whole traces are read to see what they called, each; one side may
# have what the other leaves of it.
MOST_TRACED: Final = 2_000
# Of the traces of those rows.
MOST_SPANS: Final = 400_000
# What a span is found by in its trace.
_KEY: Final = ["trace_id", "span_id", "kind", "service_name"]


@dataclass(frozen=True, slots=True)
class Compared:
    """Spans, or traces by their roots, that are told apart: the answer to `chosen` and
    to `rest`. With `by_trace` the rest is of traces that `chosen` does not find."""

    chosen: TraceQuery
    rest: TraceQuery
    by_trace: bool = False
    split: "Split | None" = None
    """If they are the halves of something that can be read at once."""


@dataclass(frozen=True, slots=True)
class Split:
    """Of the spans of `whole` those are chosen that satisfy `where`."""

    whole: TraceQuery
    where: Filter

    @property
    def compared(self) -> Compared:
        chosen, rest = (
            replace(self.whole, where=And((self.whole.where, half)))
            for half in (self.where, Not(self.where))
        )
        return Compared(chosen, rest, split=self)


@dataclass(frozen=True, slots=True)
class Population:
    """A row for each span or trace: columns of text, whether it is of the selection,
    and how many it stands for. `sample` has what is known of some rows only, if there
    is such a thing. `left_out` is in words."""

    table: pa.Table
    selected: BoolArray
    weight: FloatArray
    sample: Sample | None
    trace_ids: pa.Array
    left_out: tuple[str, ...]


def read_population(store: TraceStore, compared: Compared) -> Population:
    """Raises StoreError, QueryError."""
    found = _read_at_once(store, compared) or _read_apart(store, compared)
    spans, selected = found.spans, found.selected
    weight = span_weights(spans["trace_state"].unify_dictionaries()).weight
    weight *= np.where(selected, *found.stand_for)
    traced = _traced(spans, selected)
    table, rows = _with_traces(store, spans, traced)
    told = [*found.left_out, *_told(traced, rows, selected)]
    own = _fields(spans)
    sample = None
    if len(rows) == len(spans):
        # Of all, in another order: then all columns are of one kind.
        table = table.take(pa.array(np.argsort(rows)))
        own |= {name: table[name] for name in table.column_names}
    elif len(rows):
        sample = Sample(rows, table, _weight_of(rows, selected, weight))
    return Population(
        table=pa.table(own),
        selected=selected,
        weight=weight,
        sample=sample,
        trace_ids=spans["trace_id"],
        left_out=tuple(dict.fromkeys(told)),
    )


class _Found(NamedTuple):
    """`stand_for` is how many each of the selected and each of the others stands for."""

    spans: pa.Table
    selected: BoolArray
    stand_for: tuple[float, float]
    left_out: list[str]


def _read_at_once(store: TraceStore, compared: Compared) -> _Found | None:
    if compared.split is None:
        return None
    whole, where = compared.split.whole, compared.split.where
    found = store.get_marked_columns(whole, where, MOST_ROWS)
    if found is None:
        return None
    selected = found.table[MARKED].to_numpy()
    spans = found.table.drop_columns(MARKED)
    return _Found(spans, selected, (1.0, 1.0), list(found.left_out))


def _read_apart(store: TraceStore, compared: Compared) -> _Found:
    chosen, rest = _read(store, compared)
    spans = pa.concat_tables([chosen.table, rest.table], promote_options="default")
    selected = np.arange(len(spans)) < len(chosen.table)
    stand_for = _stands_for(chosen), _stands_for(rest)
    return _Found(spans, selected, stand_for, _left_out(chosen, rest))


def _read(store: TraceStore, compared: Compared) -> tuple[SpanColumns, SpanColumns]:
    if compared.by_trace:
        chosen = store.get_root_columns(compared.chosen, MOST_ROWS)
        rest = store.get_root_columns(compared.rest, MOST_ROWS, compared.chosen)
        return chosen, rest
    return (
        store.get_span_columns(compared.chosen, MOST_ROWS),
        store.get_span_columns(compared.rest, MOST_ROWS),
    )


def _stands_for(columns: SpanColumns) -> float:
    return columns.matched / max(len(columns.table), 1)


def _left_out(chosen: SpanColumns, rest: SpanColumns) -> list[str]:
    told = [
        f"{columns.matched - len(columns.table):,} of {columns.matched:,} {of}, evenly"
        for columns, of in ((chosen, "selected"), (rest, "others"))
        if columns.matched > len(columns.table)
    ]
    return [*told, *chosen.left_out, *rest.left_out]


def _traced(spans: pa.Table, selected: BoolArray) -> IntArray:
    """The rows whose traces are read: of each side those whose hash is least."""
    hashes = span_hashes(spans["trace_id"], spans["span_id"])
    chosen, rest = np.flatnonzero(selected), np.flatnonzero(~selected)
    return _in_turns(
        _least(chosen, hashes, max(MOST_TRACED, 2 * MOST_TRACED - len(rest))),
        _least(rest, hashes, max(MOST_TRACED, 2 * MOST_TRACED - len(chosen))),
    )


def _least(rows: IntArray, hashes: TraceHashes, most: int) -> IntArray:
    if len(rows) > most:
        last = np.partition(hashes[rows], most - 1)[most - 1]
        rows = rows[hashes[rows] <= last]
    return rows[np.argsort(hashes[rows], kind="stable")]


def _in_turns(first: IntArray, second: IntArray) -> IntArray:
    """So that a cut leaves something of both."""
    place = np.concatenate([np.arange(len(first)), np.arange(len(second))])
    both = np.concatenate([first, second])
    turns: IntArray = both[np.argsort(place, kind="stable")]
    return turns


def _told(traced: IntArray, rows: IntArray, selected: BoolArray) -> list[str]:
    told = []
    if len(traced) < len(selected):
        chosen = selected[traced].sum()
        told.append(
            "for calls, errors below and versions of others, all but a sample by a hash"
            f" of the ids: {chosen:,} of {selected.sum():,} selected and"
            f" {len(traced) - chosen:,} of {(~selected).sum():,} others"
        )
    if len(rows) < len(traced):
        told.append(
            f"calls of {len(traced) - len(rows):,} whose traces are too large to read,"
            " or have changed meanwhile"
        )
    return told


def _weight_of(rows: IntArray, selected: BoolArray, weight: FloatArray) -> FloatArray:
    """What some rows weigh when they stand for all of their side."""
    found = weight[rows].copy()
    for side in (selected, ~selected):
        mine = side[rows]
        if mine.any():
            found[mine] *= weight[side].sum() / found[mine].sum()
    return found


def _with_traces(
    store: TraceStore, spans: pa.Table, traced: IntArray
) -> tuple[pa.Table, IntArray]:
    """What the traces of some rows tell of these, and of which rows they could be read."""
    some = spans.select(_KEY).unify_dictionaries().take(pa.array(traced))
    ids = some["trace_id"].to_pylist()
    excerpt = store.get_excerpt_of(ids, [], RESOURCE_KEYS, MOST_SPANS)
    forest = build_forest(excerpt)
    row = _rows_of(some, forest)
    # One row for each top: a span is there once, however many say they are it.
    kept = np.flatnonzero(row >= 0)
    kept = kept[np.sort(np.unique(row[kept], return_index=True)[1])]
    kept = kept[np.argsort(row[kept], kind="stable")]
    parts = subtrees(forest, row[kept])
    table = trace_columns(parts.forest)
    table = table.append_column("caller", _callers(forest, row[kept]))
    return table, traced[kept]


def _rows_of(spans: pa.Table, forest: Forest) -> IntArray:
    """The row of the forest of each span, -1 where it is not there."""
    keys = [_keys(table) for table in (spans, forest.spans)]
    found = pc.fill_null(pc.index_in(keys[0], value_set=keys[1]), -1)
    rows: IntArray = found.to_numpy().astype(np.int64)
    return rows


def _keys(table: pa.Table) -> pa.Array:
    parts = [
        table["trace_id"].cast(pa.binary()),
        table["span_id"].cast(pa.binary()),
        table["kind"].cast(pa.string()).cast(pa.binary()),
        table["service_name"].cast(pa.string()).cast(pa.binary()),
        pa.scalar(b""),
    ]
    return pc.binary_join_element_wise(*parts).combine_chunks()


def _fields(spans: pa.Table) -> dict[str, pa.Array]:
    """What every span has, as searches name it."""
    statuses = pa.array([status.name.lower() for status in StatusCode])
    codes = spans["status_code"].combine_chunks().cast(pa.int32())
    attributes = (name for name in spans.column_names if name not in COMPARED_COLUMNS)
    return {
        "service": spans["service_name"],
        "name": spans["name"],
        "status": pa.DictionaryArray.from_arrays(codes, statuses),
        **{name: spans[name] for name in attributes},
    }


def _callers(forest: Forest, row: IntArray) -> pa.Array:
    above = forest.parent[row]
    known = above >= 0
    step = np.where(known, above, 0)
    service, name = (
        pa.array(
            np.array(texts, object)[numbers[step]] if len(step) else [], pa.string()
        )
        for texts, numbers in (
            (forest.services, forest.service),
            (forest.names, forest.name),
        )
    )
    caller = pc.binary_join_element_wise(service, name, " ")
    return pc.if_else(pa.array(known), caller, None)
