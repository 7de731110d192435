"""What is compared, read from a store: spans or traces with all that is known of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.forest import Forest, build_forest
from analysis.histogram import FloatArray, IntArray
from analysis.sampling import span_weights
from analysis.subtrees import subtrees
from analysis.trace_columns import RESOURCE_KEYS, trace_columns
from traces.query import TraceQuery
from traces.spans import EXCERPT_COLUMNS, SpanColumns, StatusCode
from traces.store.base import TraceStore
from traces.tree import BoolArray

# Rows of the selection and of the rest, each; of more an even part is looked at.
MOST_ROWS: Final = 4_000
# Of the traces of those rows.
MOST_SPANS: Final = 400_000


@dataclass(frozen=True, slots=True)
class Compared:
    """Spans, or traces by their roots, that are told apart: the answer to `chosen` and
    to `rest`. With `by_trace` the rest is of traces that `chosen` does not find."""

    chosen: TraceQuery
    rest: TraceQuery
    by_trace: bool = False


@dataclass(frozen=True, slots=True)
class Population:
    """A row for each span or trace: columns of text, whether it is of the selection,
    and how many it stands for. `left_out` is in words."""

    table: pa.Table
    selected: BoolArray
    weight: FloatArray
    trace_ids: list[bytes]
    left_out: tuple[str, ...]


def read_population(store: TraceStore, compared: Compared) -> Population:
    """Raises StoreError, QueryError."""
    chosen, rest = _read(store, compared)
    spans = pa.concat_tables([chosen.table, rest.table], promote_options="default")
    spans = spans.unify_dictionaries().combine_chunks()
    selected = np.arange(len(spans)) < len(chosen.table)
    weight = span_weights(spans["trace_state"]).weight
    weight *= np.where(selected, _stands_for(chosen), _stands_for(rest))
    done, kept = _with_traces(store, spans, len(chosen.table))
    return Population(
        table=done,
        selected=selected[kept],
        weight=weight[kept],
        trace_ids=spans["trace_id"].take(pa.array(kept)).to_pylist(),
        left_out=tuple(_left_out(chosen, rest, len(spans) - len(kept))),
    )


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


def _left_out(chosen: SpanColumns, rest: SpanColumns, lost: int) -> list[str]:
    told = [
        f"{columns.matched - len(columns.table):,} of {columns.matched:,} {of}, evenly"
        for columns, of in ((chosen, "selected"), (rest, "others"))
        if columns.matched > len(columns.table)
    ]
    if lost > 0:
        told.append(
            f"{lost:,} whose traces are too large to read, or have changed meanwhile"
        )
    return list(dict.fromkeys([*told, *chosen.left_out, *rest.left_out]))


def _with_traces(
    store: TraceStore, spans: pa.Table, chosen: int
) -> tuple[pa.Table, IntArray]:
    """All columns of text of the spans whose traces can be read, and which these are."""
    ids = spans["trace_id"].to_pylist()
    # In turn, so that a cut leaves something of both sides.
    turns = zip_longest(ids[:chosen], ids[chosen:])
    wanted = [each for each in chain.from_iterable(turns) if each is not None]
    excerpt = store.get_excerpt_of(wanted, [], RESOURCE_KEYS, MOST_SPANS)
    forest = build_forest(excerpt)
    row = _rows_of(spans, forest)
    # One row for each top: a span is there once, however many say they are it.
    kept = np.flatnonzero(row >= 0)
    kept = kept[np.sort(np.unique(row[kept], return_index=True)[1])]
    order = np.argsort(row[kept], kind="stable")
    parts = subtrees(forest, row[kept][order])
    done = trace_columns(parts.forest).take(pa.array(np.argsort(order, kind="stable")))
    columns = _fields(spans, forest, row[kept], kept)
    columns |= {name: spans[name].take(pa.array(kept)) for name in _attributes(spans)}
    columns |= {name: done[name] for name in done.column_names if name not in columns}
    return pa.table(columns), kept


def _attributes(spans: pa.Table) -> Sequence[str]:
    return [name for name in spans.column_names if name not in EXCERPT_COLUMNS]


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
        table["service_name"].cast(pa.binary()),
        pa.scalar(b""),
    ]
    return pc.binary_join_element_wise(*parts).combine_chunks()


def _fields(
    spans: pa.Table, forest: Forest, row: IntArray, kept: IntArray
) -> dict[str, pa.Array]:
    """What every span has, as searches name it; and by whom it was called."""
    taken = spans.take(pa.array(kept))
    statuses = pa.array([status.name.lower() for status in StatusCode])
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
    return {
        "service": taken["service_name"],
        "name": taken["name"],
        "status": statuses.take(taken["status_code"].combine_chunks()),
        "caller": pc.if_else(pa.array(known), caller, None),
    }
