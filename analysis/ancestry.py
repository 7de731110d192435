"""Walks up the trees of a forest, all rows at the same time."""

import numpy as np

from analysis.histogram import IntArray
from traces.tree import BoolArray


def highest(parent: IntArray, goes_up: BoolArray) -> IntArray:
    """For each row, where a walk from it ends that goes to the parent while it may.

    `goes_up` marks the rows from which the walk goes on; roots are never marked. Each
    round doubles the steps taken, so that a chain of 100,000 takes 17.
    """
    top = np.where(goes_up, parent, np.arange(len(parent)))
    while True:
        further = top[top]
        if np.array_equal(further, top):
            return top
        top = further


def climb(parent: IntArray, goes_up: BoolArray, start: IntArray) -> BoolArray:
    """The rows that walks from these rows come by, their starts included."""
    seen = np.zeros(len(parent), bool)
    stands = np.zeros(len(parent), np.int64)
    while len(start):
        seen[start] = True
        # Walks that meet go on as one.
        stands[start] = np.arange(len(start))
        start = start[stands[start] == np.arange(len(start))]
        start = parent[start[goes_up[start]]]
        start = start[~seen[start]]
    return seen
