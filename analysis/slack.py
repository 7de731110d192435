"""Slack: how much longer a span could have run without delaying its root.

By the model of `analysis.what_if`: a span may end as late as what its parent ends with,
plus the slack of the parent; but no later than lets every sibling that began after it
begin within its own slack. So it is found from the roots down, in each family from the
last to end to the first.
"""

from typing import Final

import numpy as np

from analysis.critical_path import CriticalPath, Timed
from analysis.histogram import IntArray
from traces.tree import NO_PARENT

UNBOUNDED: Final = -1
_NEVER: Final = 2**63 - 1


def slack(forest: Timed, path: CriticalPath) -> IntArray:
    """By row, in nanoseconds; 0 on the path, `UNBOUNDED` where nobody waits for the
    span. That of one span: what two of them could take together is less."""
    order, group = path.siblings.row, path.siblings.group
    found = np.where(path.outside, UNBOUNDED, 0)
    if not len(order):
        return found
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(order)) - 1
    parent = forest.parent[order[first]]
    top_down = np.argsort(_depths(forest)[parent], kind="stable")
    ends, before = path.end[order].tolist(), path.siblings.before.tolist()
    free = [0] * len(found)
    # By place, when what begins after it can begin at the latest.
    latest = [_NEVER] * len(order)
    rows = order.tolist()
    # In plain Python: each sibling depends on all that end after it, so that columns
    # would be a step for each sibling, and this is of one trace.
    for family in top_down.tolist():
        begin, place = int(first[family]), int(last[family])
        limit = ends[place] + free[parent[family]]
        while place >= begin:
            limit = min(limit, latest[place])
            spare = free[rows[place]] = limit - ends[place]
            if (earlier := before[place]) != NO_PARENT:
                latest[earlier] = min(latest[earlier], ends[earlier] + spare)
            place -= 1
    return np.where(path.outside, UNBOUNDED, np.array(free, np.int64))


def _depths(forest: Timed) -> IntArray:
    found = np.zeros(len(forest.parent), np.int64)
    for depth, rows in enumerate(forest.levels):
        found[rows] = depth
    return found
