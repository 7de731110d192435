"""A forest from parent rows: pre-order, depths, subtree sizes and self times.

Rows are numbers 0..n-1. Nothing recurses: a chain of 100,000 spans is no deeper for
Python than one of ten.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Tree:
    """All arrays but `order` are by row.

    `parent` is -1 at roots. `order` lists the rows in pre-order and `position` is its
    inverse. `size` counts the spans of a subtree, its top included, so that the
    subtree is `order[position : position + size]`. `cuts` are the rows at which a
    cycle was broken; they are roots.
    """

    parent: IntArray
    order: IntArray
    position: IntArray
    depth: IntArray
    size: IntArray
    child_count: IntArray
    cuts: tuple[int, ...] = ()

    @property
    def roots(self) -> IntArray:
        """Rows of the roots, in pre-order."""
        rows: IntArray = self.order[self.parent[self.order] == NO_PARENT]
        return rows


def build_tree(parent: IntArray, rank: IntArray) -> Tree:
    """The forest in which siblings stand in the order of `rank`.

    A cycle is broken at its span of lowest rank, which becomes a root.
    """
    order = _pre_order(parent, rank)
    cuts: tuple[int, ...] = ()
    if len(order) < len(parent):
        cuts = cycle_cuts(parent, rank, order)
        parent = parent.copy()
        parent[list(cuts)] = NO_PARENT
        order = _pre_order(parent, rank)
    return _measure(parent, order, cuts)


def ancestors(tree: Tree, row: int) -> list[int]:
    """Rows from the parent of `row` up to its root."""
    found = []
    while (row := int(tree.parent[row])) != NO_PARENT:
        found.append(row)
    return found


def self_times(parent: IntArray, start: IntArray, end: IntArray) -> IntArray:
    """Per row: its duration minus the union of its children, each clipped to it."""
    child = np.flatnonzero(parent != NO_PARENT)
    child = child[np.lexsort((start[child], parent[child]))]
    above = parent[child]
    starts = np.clip(start[child], start[above], end[above])
    ends = np.clip(end[child], start[above], end[above])
    covered_until = _latest_end_before(above, ends, start[above])
    uncovered = np.maximum(ends - np.maximum(starts, covered_until), 0)
    times = end - start
    np.subtract.at(times, above, uncovered)
    return times


def _latest_end_before(group: IntArray, ends: IntArray, first: IntArray) -> IntArray:
    """For each element the greatest end earlier in its group, `first` if there is none.

    Ends are replaced by their ranks, so that group and end fit one integer however
    long the trace is.
    """
    count = len(ends)
    if count == 0:
        return ends
    ordered, ranks = np.unique(ends, return_inverse=True)
    group_number = np.concatenate(([0], np.cumsum(group[1:] != group[:-1])))
    highest = np.maximum.accumulate(group_number * count + ranks)
    result = first.copy()
    later = np.flatnonzero(group_number[1:] == group_number[:-1]) + 1
    result[later] = ordered[highest[later - 1] - group_number[later] * count]
    return result


def _pre_order(parent: IntArray, rank: IntArray) -> list[int]:
    """Rows reachable from a root. One step of plain Python a row: a chain has as many
    levels as rows, so working level by level in numpy would be slower."""
    by_parent = np.lexsort((-rank, parent))
    firsts = np.searchsorted(parent[by_parent], np.arange(-1, len(parent) + 1))
    children, first = by_parent.tolist(), firsts.tolist()
    stack = children[: first[1]]
    order = []
    while stack:
        row = stack.pop()
        order.append(row)
        stack += children[first[row + 1] : first[row + 2]]
    return order


def cycle_cuts(parent: IntArray, rank: IntArray, reached: list[int]) -> tuple[int, ...]:
    """The lowest-ranked row of every cycle."""
    walk_of = [0] * len(parent)
    for row in reached:
        walk_of[row] = -1
    above, ranks, cuts = parent.tolist(), rank.tolist(), []
    for walk, start in enumerate(np.argsort(rank).tolist(), 1):
        row = start
        while walk_of[row] == 0:
            walk_of[row] = walk
            row = above[row]
        if walk_of[row] == walk:
            cuts.append(min(_cycle(above, row), key=ranks.__getitem__))
    return tuple(cuts)


def _cycle(above: list[int], start: int) -> list[int]:
    rows = [start]
    while (row := above[rows[-1]]) != start:
        rows.append(row)
    return rows


def _measure(parent: IntArray, order: list[int], cuts: tuple[int, ...]) -> Tree:
    """Depths going down, sizes coming up: each needs the one before it, hence loops."""
    count = len(order)
    above = parent.tolist()
    depth, size = [0] * count, [1] * count
    for row in order:
        if above[row] != NO_PARENT:
            depth[row] = depth[above[row]] + 1
    for row in reversed(order):
        if above[row] != NO_PARENT:
            size[above[row]] += size[row]
    rows = np.array(order, np.int64)
    position = np.empty(count, np.int64)
    position[rows] = np.arange(count)
    child_count = np.bincount(parent[parent != NO_PARENT], minlength=count)
    return Tree(
        parent,
        rows,
        position,
        np.array(depth, np.int64),
        np.array(size, np.int64),
        child_count.astype(np.int64),
        cuts,
    )
