"""The critical path of every trace of a forest.

For a root, the critical path is a partition of its time into segments, each owned by the
span whose running was what the root waited for. From the end of a span backwards: the
child that ends last at or before now owns the time it ran, and what came before it is
looked for from its start. So the segments of a trace add up to its root's duration.

The rule is that of CRISP (Zhang, Ramanathan et al., USENIX ATC 2022) and of Jaeger's trace
view, with `<=` where they differ in `<`, and children clipped to their parents. Over many
traces small overlaps may be taken for jitter, see `analysis.overlaps`. All parents walk at
the same time: a step for each link of the longest chain of serial siblings, and for each
level of the deepest trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from analysis.histogram import IntArray
from analysis.overlaps import end_in_turn
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

# Deeper levels, of which there may be as many as spans, go by the exact rule.
DEEPEST_OVERLAP: Final = 1_000


class Timed(Protocol):
    """What a path is found in: the arrays of a `Forest` that have these names."""

    @property
    def parent(self) -> IntArray: ...
    @property
    def levels(self) -> Sequence[IntArray]: ...
    @property
    def start(self) -> IntArray: ...
    @property
    def end(self) -> IntArray: ...
    @property
    def kind(self) -> IntArray: ...


@dataclass(frozen=True, slots=True)
class Siblings:
    """The spans that a parent may wait for, by (parent, end, start downwards).

    By place in that order: the row, the place where its parent's group begins, and the
    place of the sibling that ended last before it started, -1 where there is none. All
    of a group up to that place had ended by then.
    """

    row: IntArray
    group: IntArray
    before: IntArray


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """By row of the forest: `on` the path or not, and the nanoseconds it owns there.

    `start` and `end` are clipped to the parents', and where an overlap is taken for
    jitter the end to what comes next. `outside` marks spans that no parent
    waited for, with all below them: they ran beyond it, or were sent on their way.
    """

    on: BoolArray
    self_nano: IntArray
    start: IntArray
    end: IntArray
    outside: BoolArray
    siblings: Siblings
    # Which children of a parent follow one another, for `segments`.
    chain: IntArray
    previous: IntArray


@dataclass(frozen=True, slots=True)
class Segments:
    """Pieces of critical paths, by row and time; times as the forest has them."""

    row: IntArray
    start: IntArray
    end: IntArray


def critical_path(
    forest: Timed, sent_away: BoolArray | None = None, *, overlap_part: float = 0.0
) -> CriticalPath:
    """`sent_away` marks further rows that their parents do not wait for. Children that
    overlap by `overlap_part` of their parent's time may follow each other all the same;
    0 is the exact rule."""
    away = asynchronous(forest)
    if sent_away is not None:
        away = away | sent_away
    start, end, outside = _clip(forest, away, overlap_part)
    siblings = _siblings(forest.parent, start, end, outside)
    order = siblings.row
    chained = _chains(siblings)
    on = forest.parent == NO_PARENT
    chained_row = np.zeros(len(on), bool)
    chained_row[order[chained]] = True
    for rows in forest.levels[1:]:
        on[rows] = on[forest.parent[rows]] & chained_row[rows]
    chain = np.flatnonzero(chained & on[order]) if len(order) else order
    rows = order[chain]
    own = np.where(on, end - start, 0)
    np.subtract.at(own, forest.parent[rows], end[rows] - start[rows])
    earlier = siblings.before[chain]
    previous = np.where(earlier >= 0, order[np.maximum(earlier, 0)], NO_PARENT)
    return CriticalPath(on, own, start, end, outside, siblings, rows, previous)


def asynchronous(forest: Timed) -> BoolArray:
    """Consumers right below their producers: a message is sent, not waited for."""
    parent = forest.parent
    sent = (forest.kind == SpanKind.CONSUMER) & (parent != NO_PARENT)
    found: BoolArray = sent & (forest.kind[parent] == SpanKind.PRODUCER)
    return found


def segments(forest: Timed, path: CriticalPath) -> Segments:
    """What each span on the path owns, longer than 0; they partition the roots."""
    rows, above = path.chain, forest.parent[path.chain]
    first = path.previous < 0
    begin = np.where(first, path.start[above], path.end[path.previous])
    # The last child of each parent: from its end to the parent's.
    count = np.bincount(above, minlength=len(path.on))
    last_end = path.start.copy()
    np.maximum.at(last_end, above, path.end[rows])
    owners = np.flatnonzero(path.on)
    last_end = np.where(count > 0, last_end, path.start)[owners]
    row = np.concatenate((above, owners))
    starts = np.concatenate((begin, last_end))
    ends = np.concatenate((path.start[rows], path.end[owners]))
    some = np.flatnonzero(ends > starts)
    order = some[np.lexsort((starts[some], row[some]))]
    return Segments(row[order], starts[order], ends[order])


def _clip(
    forest: Timed, sent_away: BoolArray, overlap_part: float
) -> tuple[IntArray, IntArray, BoolArray]:
    """Starts and ends within the parents', and which spans lie outside of them."""
    start, end = forest.start.copy(), forest.end.copy()
    outside = np.zeros(len(start), bool)
    tolerant = DEEPEST_OVERLAP if overlap_part else 0
    in_family = _has_siblings(forest.parent)
    for depth, rows in enumerate(forest.levels[1:], 1):
        above = forest.parent[rows]
        first = np.maximum(start[rows], start[above])
        last = np.minimum(end[rows], end[above])
        has_length = end[rows] > start[rows]
        beyond = (last < first) | ((last == first) & has_length)
        outside[rows] = beyond | sent_away[rows] | outside[above]
        start[rows], end[rows] = first, np.maximum(first, last)
        if depth <= tolerant:
            families = rows[in_family[rows] & ~outside[rows]]
            end_in_turn(families, forest.parent, start, end, overlap_part)
    return start, end, outside


def _has_siblings(parent: IntArray) -> BoolArray:
    children = np.bincount(parent[parent != NO_PARENT], minlength=len(parent))
    found: BoolArray = (parent != NO_PARENT) & (children[parent] > 1)
    return found


def _siblings(
    parent: IntArray, start: IntArray, end: IntArray, outside: BoolArray
) -> Siblings:
    child = np.flatnonzero((parent != NO_PARENT) & ~outside)
    order = child[np.lexsort((-child, -start[child], end[child], parent[child]))]
    begins = np.flatnonzero(np.diff(parent[order], prepend=-1))
    group = np.repeat(begins, np.diff(begins, append=len(order)))
    return Siblings(order, group, _predecessors(start, end, order, group))


def _predecessors(
    start: IntArray, end: IntArray, order: IntArray, group: IntArray
) -> IntArray:
    """For each place in `order` that of the sibling that ended last before it, or -1.

    Times become ranks, so that a group and a time fit one integer however long the
    traces are.
    """
    count = len(order)
    if not count:
        return order
    ends, starts = end[order], start[order]
    _, rank = np.unique(np.concatenate((ends, starts)), return_inverse=True)
    width = 2 * count
    end_key, start_key = group * width + rank[:count], group * width + rank[count:]
    place = np.searchsorted(end_key, start_key, side="right") - 1
    # A span of no length ends when it starts, but does not go before itself.
    place = np.minimum(place, np.arange(count) - 1)
    return np.where(place >= group, place, NO_PARENT)


def _chains(siblings: Siblings) -> BoolArray:
    """From the last of each group backwards, all groups at the same time."""
    before, group = siblings.before, siblings.group
    chained = np.zeros(len(before), bool)
    if not len(before):
        return chained
    places = np.flatnonzero(np.diff(group, append=len(group) + 1))
    while len(places):
        chained[places] = True
        places = before[places]
        places = places[places >= 0]
    return chained
