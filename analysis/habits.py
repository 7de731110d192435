"""What spans of an operation usually do when they do not fail: call, and be answered."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.forest import Forest
from analysis.grouping import groups
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
    operations = groups(forest.service[healthy], forest.name[healthy])
    count = np.bincount(operations.number, minlength=len(operations))
    first = healthy[operations.first]

    def usual(flag: BoolArray) -> frozenset[tuple[int, int]]:
        flags = flag[healthy].astype(np.float64)
        having = np.bincount(
            operations.number, weights=flags, minlength=len(operations)
        )
        rows = first[(count >= SEEN_AT_LEAST) & (having >= USUALLY * count)]
        pairs = zip(forest.service[rows], forest.name[rows], strict=True)
        return frozenset((int(service), int(name)) for service, name in pairs)

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
