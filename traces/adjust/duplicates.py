"""Spans that share an id: copies, the two halves of one call, or a sender's mistake."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.defects import Defect, DefectKind, defect, spans
from traces.spans import SpanKind
from traces.trace import Trace
from traces.tree import BoolArray, IntArray

QUICK = ("span_id", "parent_id", "start", "end", "service", "name", "kind", "error")
_MASK = 2**64 - 1
_GOLDEN_RATIO = 0x9E3779B97F4A7C15


def drop_exact_duplicates(trace: Trace) -> Trace:
    """Of rows equal in every column one stays."""
    suspects = _alike(trace, _rows_sharing_ids(trace))
    if len(suspects) == 0:
        return trace
    dropped = sorted(_copies(trace, suspects))
    if not dropped:
        return trace
    keep = np.ones(len(trace), bool)
    keep[dropped] = False
    text = spans(len(dropped), "was sent twice", "were sent more than once")
    note = defect(DefectKind.DUPLICATE_DROPPED, f"{text}, word for word: shown once.")
    kept = Trace.from_batch(trace.spans.filter(pa.array(keep)))
    return replace(kept, notes=(*trace.notes, note))


def separate_shared_ids(trace: Trace) -> Trace:
    """Give each span an id of its own.

    A SERVER span with the id of a CLIENT span is the other half of that call (Zipkin's
    shared span) and becomes its child. Any other keeps its place and gets a fresh id,
    the later ones in order. Children of a shared id go to the holder in their own
    service, else to the server half, else to the first.
    """
    shared = _rows_sharing_ids(trace)
    if len(shared) == 0:
        return trace
    columns = trace.columns
    ids, parents = columns.span_id.copy(), columns.parent_row.copy()
    used, twins = set(columns.span_id.tolist()), []
    children_of = _children_of(columns.parent_row)
    for holders in _groups(trace, shared):
        halves = _client_and_server(trace, holders)
        _adopt(trace, parents, children_of(holders[0]), _heirs(trace, holders, halves))
        if halves:
            parents[halves[1]] = halves[0]
        twins += [row for row in holders[1:] if row not in halves[1:]]
        owner = (halves or holders)[0]
        others = [row for row in holders if row != owner]
        ids[others] = _fresh_ids(int(ids[owner]), len(others), used)
    separated = replace(columns, span_id=ids, parent_row=parents)
    return trace.with_columns(separated, *_note(twins))


def _rows_sharing_ids(trace: Trace) -> IntArray:
    """Rows whose id is not theirs alone, by id, then rank."""
    columns = trace.columns
    rows = np.lexsort((columns.rank, columns.span_id))
    ids = columns.span_id[rows]
    same = ids[1:] == ids[:-1]
    return rows[_touched(same, len(rows))]


def _groups(trace: Trace, rows: IntArray) -> Iterator[list[int]]:
    ids = trace.columns.span_id[rows]
    firsts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    for group in np.split(rows, firsts[1:]):
        yield group.tolist()


def _alike(trace: Trace, rows: IntArray) -> IntArray:
    """Those of the rows that equal another in all that is quick to compare."""
    columns = trace.columns
    content = pc.struct_field(trace.spans["attributes"].take(rows), "value")
    encoded = content.combine_chunks().dictionary_encode()
    keys = [
        pc.fill_null(encoded.indices, -1).to_numpy(),
        *(getattr(columns, name)[rows] for name in QUICK),
    ]
    order = np.lexsort(keys)
    same = np.ones(max(len(rows) - 1, 0), bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    return rows[order[_touched(same, len(rows))]]


def _touched(same_as_next: BoolArray, count: int) -> BoolArray:
    """Which of `count` elements equal a neighbour."""
    touched = np.zeros(count, bool)
    touched[:-1] |= same_as_next
    touched[1:] |= same_as_next
    return touched


def _copies(trace: Trace, suspects: IntArray) -> Iterator[int]:
    """Plain Python over rows that share an id only: they are few, or all are wrong."""
    chosen = trace.spans.take(suspects).to_pydict()
    seen = set()
    for row, content in zip(
        suspects.tolist(), zip(*chosen.values(), strict=True), strict=True
    ):
        key = repr(content)
        if key in seen:
            yield row
        seen.add(key)


def _client_and_server(trace: Trace, holders: list[int]) -> list[int]:
    """[client row, server row], or nothing."""
    kind = trace.columns.kind
    clients = [row for row in holders if kind[row] == SpanKind.CLIENT]
    servers = [row for row in holders if kind[row] == SpanKind.SERVER]
    return [clients[0], servers[0]] if clients and servers else []


def _children_of(parent: IntArray) -> Callable[[int], list[int]]:
    by_parent = np.argsort(parent, kind="stable")
    ordered = parent[by_parent]

    def children(row: int) -> list[int]:
        first, last = np.searchsorted(ordered, (row, row + 1))
        found: list[int] = by_parent[first:last].tolist()
        return found

    return children


def _heirs(trace: Trace, holders: list[int], halves: list[int]) -> dict[int, int]:
    """Who takes the children of a shared id: a holder by service, -1 for any other."""
    service = trace.columns.service
    default = halves[1] if halves else holders[0]
    heirs = {int(service[row]): row for row in reversed(holders)}
    return heirs | {int(service[default]): default, -1: default}


def _adopt(
    trace: Trace, parents: IntArray, children: list[int], heirs: dict[int, int]
) -> None:
    service = trace.columns.service
    for child in children:
        heir = heirs.get(int(service[child]), heirs[-1])
        # A holder may be a child of its own id's first holder only by another id.
        parents[child] = heir if heir != child else heirs[-1]


def _fresh_ids(span_id: int, count: int, used: set[int]) -> list[int]:
    """The same ones whenever the same trace is read (a Weyl sequence of 64 bits)."""
    fresh: list[int] = []
    while len(fresh) < count:
        span_id = span_id + _GOLDEN_RATIO & _MASK
        if span_id and span_id not in used:
            fresh.append(span_id)
    used.update(fresh)
    return fresh


def _note(twins: Iterable[int]) -> list[Defect]:
    rows = sorted(twins)
    if not rows:
        return []
    text = spans(len(rows), "has the id of another span", "have ids of other spans")
    return [
        defect(DefectKind.DUPLICATE_ID, f"{text} and another content: all shown.", rows)
    ]
