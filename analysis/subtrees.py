"""Some spans of a forest with all that is below them, as a forest of its own."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.forest import Forest, levels_of
from analysis.histogram import IntArray
from traces.tree import NO_PARENT


class Subtrees(NamedTuple):
    """`rows` are those of the larger forest, by row."""

    forest: Forest
    rows: IntArray


def subtrees(forest: Forest, tops: IntArray) -> Subtrees:
    """Each top is a root, in the order of rows; one below another has its own tree."""
    inside = np.zeros(len(forest), bool)
    inside[tops] = True
    for rows in forest.levels[1:]:
        inside[rows] |= inside[forest.parent[rows]]
    parent = forest.parent.copy()
    parent[tops] = NO_PARENT
    rows = np.flatnonzero(inside)
    place = np.cumsum(inside) - 1
    parent = np.where(parent[rows] == NO_PARENT, NO_PARENT, place[parent[rows]])
    taken = replace(
        forest,
        spans=forest.spans.take(rows),
        trace=forest.trace[rows],
        parent=parent,
        levels=tuple(levels_of(parent)),
        start=forest.start[rows],
        end=forest.end[rows],
        duration_nano=forest.duration_nano[rows],
        kind=forest.kind[rows],
        failed=forest.failed[rows],
        orphan=forest.orphan[rows],
        service=forest.service[rows],
        name=forest.name[rows],
        weight=forest.weight[rows],
    )
    return Subtrees(taken, rows)


def owners(forest: Forest) -> IntArray:
    """By row the place of its root among the roots."""
    owner = np.full(len(forest), NO_PARENT)
    owner[forest.roots] = np.arange(len(forest.roots))
    for rows in forest.levels[1:]:
        owner[rows] = owner[forest.parent[rows]]
    return owner
