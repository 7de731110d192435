"""Requests: a trace is one, asked for at its entry, the longest root."""

from typing import NamedTuple

import numpy as np

from analysis.forest import Forest
from analysis.histogram import IntArray


class Entry(NamedTuple):
    """An operation, such as requests enter by."""

    service: str
    span_name: str


def entry_rows(forest: Forest) -> IntArray:
    """By trace the row of its entry: the longest root, and of equals the earliest; one
    whose parent is missing only if there is no other."""
    roots = forest.roots
    length = (forest.end - forest.start)[roots]
    orphan = forest.orphan[roots]
    order = np.lexsort((-roots, length, ~orphan, forest.trace[roots]))
    last = np.flatnonzero(np.diff(forest.trace[roots][order], append=-1))
    found: IntArray = roots[order[last]]
    return found


def operation(forest: Forest, row: int) -> Entry:
    service, name = int(forest.service[row]), int(forest.name[row])
    return Entry(forest.services[service], forest.names[name])
