"""Calls whose caller gave up: which they are, and where below them the time went."""

from collections import defaultdict
from dataclasses import replace
from typing import Final

import numpy as np

from analysis.critical_path import CriticalPath
from analysis.forest import Forest
from analysis.histogram import IntArray
from analysis.propagation import Family
from traces.spans import SpanKind

# Calls of one operation that failed after the same time, within this share of it.
CEILING_SPREAD: Final = 0.02
CEILING_CALLS: Final = 3
_CLIENT: Final = int(SpanKind.CLIENT)


def mark_ceilings(family: Family) -> None:
    """Mark the faults of calls that gave up after a time that repeats, while what they
    called still ran; they need not say that they timed out."""
    unanswered = defaultdict(list)
    for row in family.faults:
        if family.kinds[row] == _CLIENT and still_running(family, row):
            unanswered[family.operation(row)].append(row)
    for rows in unanswered.values():
        length = {row: family.end(row) - family.start(row) for row in rows}
        least = max(length.values()) * (1 - CEILING_SPREAD)
        at_ceiling = [row for row in rows if length[row] >= least]
        if len(at_ceiling) >= CEILING_CALLS:
            for row in at_ceiling:
                family.faults[row] = replace(family.faults[row], at_ceiling=True)


def still_running(family: Family, row: int) -> list[int]:
    """What this span had called and had no answer from when it ended."""
    called = family.children.get(row, [])
    return [child for child in called if family.outlives(child, row)]


def slowest_below(
    forest: Forest, path: CriticalPath, given_up: IntArray
) -> dict[int, int]:
    """For each of these rows the row at or below it that owns most of the critical path
    within it; itself if it is not on the path. One within another counts with its own slowest."""
    if not len(given_up):
        return {}
    holder = _holders(forest, given_up)
    own: IntArray = np.where(holder >= 0, path.self_nano, 0)
    # The longest of each holder, the earliest row first of equals.
    order = np.lexsort((-np.arange(len(own)), own, holder))
    last = order[np.flatnonzero(np.diff(holder[order], append=len(forest) + 1))]
    best = {
        int(holder[row]): int(row if own[row] else holder[row])
        for row in last.tolist()
        if holder[row] >= 0
    }
    for row in _deepest_first(forest, given_up):
        above = int(forest.parent[row])
        outer = int(holder[above]) if above >= 0 else -1
        if outer >= 0 and own[best[row]] > own[best[outer]]:
            best[outer] = best[row]
    return best


def _holders(forest: Forest, given_up: IntArray) -> IntArray:
    """By row the nearest of `given_up` at or above it, -1 where there is none."""
    holder = np.full(len(forest), -1, np.int64)
    holder[given_up] = given_up
    for rows in forest.levels[1:]:
        inherited = holder[forest.parent[rows]]
        holder[rows] = np.where(holder[rows] >= 0, holder[rows], inherited)
    return holder


def _deepest_first(forest: Forest, rows: IntArray) -> list[int]:
    wanted = np.zeros(len(forest), bool)
    wanted[rows] = True
    found = [level[wanted[level]] for level in reversed(forest.levels)]
    return [int(row) for row in np.concatenate(found)]
