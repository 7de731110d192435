"""Walks up the trees of a forest, all rows at the same time."""

import numpy as np

from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.tree import NO_PARENT, BoolArray


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


def nearest(forest: Forest, passable: BoolArray) -> IntArray:
    """For each row the next ancestor that is not `passable`, or of another service.

    -1 where the trace ends before there is one.
    """
    inside = in_service(forest)
    goes_up = inside & passable[forest.parent]
    found: IntArray = forest.parent[highest(forest.parent, goes_up)]
    return found


def in_service(forest: Forest) -> BoolArray:
    """Rows whose parent is there, and in the same service."""
    same = forest.service == forest.service[forest.parent]
    found: BoolArray = same & (forest.parent != NO_PARENT)
    return found
