"""What spans of an operation usually do when they do not fail: call, and be answered."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

USUALLY: Final = 0.95
SEEN_AT_LEAST: Final = 5


@dataclass(frozen=True, slots=True)
class Habits:
    """Operations (service, name) whose healthy spans nearly all have children, and
    whose calls nearly all have a server span of another service below them."""

    calls: frozenset[tuple[int, int]]
    is_answered: frozenset[tuple[int, int]]


def habits(forest: Forest, failed: IntArray) -> Habits:
    """Of the operations of these failed rows."""
    is_failed = np.zeros(len(forest), bool)
    is_failed[failed] = True
    names = np.zeros(len(forest.names), bool)
    names[forest.name[failed]] = True
    healthy = np.flatnonzero(names[forest.name] & ~is_failed)
    operations = np.column_stack((forest.service[healthy], forest.name[healthy]))
    distinct, which = np.unique(operations, axis=0, return_inverse=True)
    count = np.bincount(which.ravel(), minlength=len(distinct))

    def usual(flag: BoolArray) -> frozenset[tuple[int, int]]:
        having = np.bincount(
            which.ravel(), weights=flag[healthy], minlength=len(distinct)
        )
        enough = (count >= SEEN_AT_LEAST) & (having >= USUALLY * count)
        return frozenset((int(s), int(n)) for s, n in distinct[enough].tolist())

    return Habits(usual(_has_child(forest)), usual(answered(forest)))


def answered(forest: Forest) -> BoolArray:
    """By row: whether a server span, or one of another service, is its child."""
    child = np.flatnonzero(forest.parent != NO_PARENT)
    above = forest.parent[child]
    elsewhere = forest.service[child] != forest.service[above]
    found = np.zeros(len(forest), bool)
    found[above[elsewhere | (forest.kind[child] == SpanKind.SERVER)]] = True
    return found


def _has_child(forest: Forest) -> BoolArray:
    found = np.zeros(len(forest), bool)
    found[forest.parent[forest.parent != NO_PARENT]] = True
    return found
