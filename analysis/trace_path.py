"""The critical path of one trace, in the rows and with the times that its page has."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from analysis.critical_path import asynchronous, critical_path, segments
from analysis.grouping import groups
from analysis.histogram import IntArray
from analysis.slack import slack
from traces.trace import Trace
from traces.tree import NO_PARENT, BoolArray, Tree

MOST_GROUPS: Final = 500
MOST_LEFT_OUT: Final = 100


@dataclass(frozen=True, slots=True)
class TracePath:
    """By row of the trace; nanoseconds since the start of the trace.

    `on` the path or not, `self_nano` there, `start` and `end` clipped to the parents',
    `outside` what no parent waited for, `slack_nano` how much longer a span could have
    run, see `analysis.slack`. A row owns the pieces `first[row]` up to
    `first[row + 1]`. Each root has a path of its own; `root` is the longest.
    """

    on: BoolArray
    self_nano: IntArray
    start: IntArray
    end: IntArray
    outside: BoolArray
    slack_nano: IntArray
    first: IntArray
    piece_start: IntArray
    piece_end: IntArray
    root: int

    def pieces(self, row: int) -> list[tuple[int, int]]:
        own = slice(int(self.first[row]), int(self.first[row + 1]))
        starts, ends = self.piece_start[own].tolist(), self.piece_end[own].tolist()
        return list(zip(starts, ends, strict=True))


@dataclass(frozen=True, slots=True)
class Share:
    """What the spans of one service and name own of a path; `row` owns most of it."""

    service_name: str
    name: str
    nano: int
    part: float
    span_count: int
    row: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A span that nobody waited for, and how many spans are below it."""

    row: int
    is_asynchronous: bool
    below: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the time of the longest root went.

    `shares` add up to `duration_nano`, but for those beyond MOST_GROUPS. `cut` counts
    spans that began before or ended after what they are part of; what lies beyond it
    does not count. `other_roots` have paths of their own.
    """

    root: int
    duration_nano: int
    shares: list[Share]
    group_count: int
    left_out: list[LeftOut]
    left_out_count: int
    cut: int
    other_roots: int


class _Shares(NamedTuple):
    shown: list[Share]
    group_count: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """The spans of a trace in the order that paths need: siblings by rank."""

    parent: IntArray
    levels: list[IntArray]
    start: IntArray
    end: IntArray
    kind: IntArray


def trace_path(trace: Trace) -> TracePath:
    """Of a trace of one span or more."""
    columns = trace.columns
    order = np.argsort(columns.rank)
    rows = _in_order(trace, order)
    found = critical_path(rows)
    pieces = segments(rows, found)
    count = np.zeros(len(order), np.int64)
    count[order] = np.bincount(pieces.row, minlength=len(order))
    by_row = np.argsort(order[pieces.row], kind="stable")
    on, own, start, end, outside = (
        _of_rows(values, order)
        for values in (found.on, found.self_nano, found.start, found.end, found.outside)
    )
    return TracePath(
        on=on,
        self_nano=own,
        start=start,
        end=end,
        outside=outside,
        slack_nano=_of_rows(slack(rows, found), order),
        first=np.concatenate(([0], np.cumsum(count))),
        piece_start=pieces.start[by_row],
        piece_end=pieces.end[by_row],
        root=_longest(trace),
    )


def _in_order(trace: Trace, order: IntArray) -> _Rows:
    columns, tree = trace.columns, trace.tree
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    above = tree.parent[order]
    parent = np.where(above == NO_PARENT, NO_PARENT, place[above])
    depth = tree.depth[order]
    borders = np.cumsum(np.bincount(depth)[:-1])
    origin = trace.start_time_unix_nano
    return _Rows(
        parent=parent,
        levels=np.split(np.lexsort((parent, depth)), borders),
        start=columns.start[order] - origin,
        end=columns.end[order] - origin,
        kind=columns.kind[order].astype(np.int64),
    )


def _of_rows(values: Any, order: IntArray) -> Any:
    found = np.empty_like(values)
    found[order] = values
    return found


def _longest(trace: Trace) -> int:
    roots = trace.tree.roots
    duration = trace.columns.end[roots] - trace.columns.start[roots]
    return int(roots[np.argmax(duration)])


def where_time_went(trace: Trace, path: TracePath) -> Whereabouts:
    """Of the longest root, by service and span name."""
    columns, tree = trace.columns, trace.tree
    rows = _below(tree, path.root)
    origin = trace.start_time_unix_nano
    beyond = (columns.start[rows] - origin < path.start[rows]) | (
        columns.end[rows] - origin > path.end[rows]
    )
    shares = _shares(trace, path, rows[path.on[rows]])
    outside = rows[path.outside[rows]]
    tops = outside[~path.outside[tree.parent[outside]]]
    sent = _sent_away(trace)
    return Whereabouts(
        root=path.root,
        duration_nano=int(path.end[path.root] - path.start[path.root]),
        shares=shares.shown,
        group_count=shares.group_count,
        left_out=[
            LeftOut(row, bool(sent[row]), int(tree.size[row]) - 1)
            for row in tops[:MOST_LEFT_OUT].tolist()
        ],
        left_out_count=len(tops),
        cut=int((beyond & ~path.outside[rows]).sum()),
        other_roots=len(tree.roots) - 1,
    )


def _below(tree: Tree, top: int) -> IntArray:
    """The rows of a subtree in pre-order, its top first."""
    first = int(tree.position[top])
    rows: IntArray = tree.order[first : first + int(tree.size[top])]
    return rows


def _sent_away(trace: Trace) -> BoolArray:
    columns = trace.columns
    kind = columns.kind.astype(np.int64)
    rows = _Rows(trace.tree.parent, [], columns.start, columns.end, kind)
    return asynchronous(rows)


def _shares(trace: Trace, path: TracePath, rows: IntArray) -> _Shares:
    """The greatest first; of equal ones by name."""
    columns = trace.columns
    own = path.self_nano[rows]
    group = groups(columns.service[rows], columns.name[rows])
    by_group = np.lexsort((-rows, own, group.number))
    count = np.bincount(group.number)
    ends = np.cumsum(count)
    nano = np.add.reduceat(own[by_group], ends - count)
    # The row that owns most comes last in its group.
    row = rows[by_group[ends - 1]]
    order = np.lexsort((columns.name[row], columns.service[row], -nano))
    total = int(nano.sum())
    shown = order[:MOST_GROUPS]
    lines = zip(*(each[shown].tolist() for each in (row, nano, count)), strict=True)
    shares = [
        Share(
            columns.services[columns.service[row]],
            columns.names[columns.name[row]],
            nano,
            nano / total if total else 0.0,
            count,
            row,
        )
        for row, nano, count in lines
    ]
    return _Shares(shares, len(order))
