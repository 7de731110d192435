"""Calls that nobody waits for, learnt from many traces.

A call whose span ends after its parent's was sent on its way, unless a clock is skewed. So
a call path is taken for fire-and-forget only when that is so in most of many cases. A parent
that failed says nothing: it did wait, and gave up.
"""

from typing import Final

import numpy as np

from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.tree import NO_PARENT, BoolArray

FEWEST_CALLS: Final = 20
LEAST_PART: Final = 0.5


def fire_and_forget(forest: Forest, path: IntArray, path_count: int) -> BoolArray:
    """Rows of call paths that end after their parents in more than half of 20 or more
    cases in which these did not fail.

    `path` is the number of each row's call path.
    """
    child = np.flatnonzero((forest.parent != NO_PARENT) & ~forest.failed[forest.parent])
    outlives = forest.end[child] > forest.end[forest.parent[child]]
    calls = np.bincount(path[child], minlength=path_count)
    late = np.bincount(path[child[outlives]], minlength=path_count)
    learnt = (calls >= FEWEST_CALLS) & (late > LEAST_PART * calls)
    found: BoolArray = learnt[path] & (forest.parent != NO_PARENT)
    return found
