"""Which rows of a waterfall are in sight: the collapse state and what it leaves.

A state is a level and a set of exceptions. Spans whose depth reaches the level are
closed, the others open; a toggled row is the other way round. So "all", "level 3" and
"level 3 but this one" are all short.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from traces.trace import Trace
from traces.tree import BoolArray, IntArray, ancestors

MAX_TOGGLED: Final = 2_000
MAX_LEVEL: Final = 1_000_000
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class StateError(ValueError):
    """The text is no collapse state."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """`level` is how many levels are in sight, None for all."""

    level: int | None = None
    toggled: frozenset[int] = frozenset()

    def params(self) -> dict[str, str]:
        return {
            "level": "" if self.level is None else str(self.level),
            "toggled": print_rows(self.toggled),
        }


def parse_collapse(level: str, toggled: str, span_count: int) -> Collapse:
    """Raises StateError."""
    rows = parse_rows(toggled)
    if rows and max(rows) >= span_count:
        raise StateError("a toggled row is beyond the last span")
    return Collapse(_parse_level(level), rows)


def _parse_level(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LEVEL))):
        raise StateError("level must be a number from 1")
    return max(int(text), 1)


def parse_rows(text: str) -> frozenset[int]:
    """Rows from the steps between them in base 36: `5.1.a` is 5, 6, 16."""
    steps = text.split(".") if text else []
    if len(steps) > MAX_TOGGLED:
        raise StateError(f"more than {MAX_TOGGLED} rows are toggled")
    rows, row = set(), 0
    for step in steps:
        if not step or len(step) > 6 or not set(step) <= set(DIGITS):
            raise StateError("toggled must be base 36 numbers with dots between")
        row += int(step, 36)
        rows.add(row)
    return frozenset(rows)


def print_rows(rows: Iterable[int]) -> str:
    steps, last = [], 0
    for row in sorted(rows):
        steps.append(_base36(row - last))
        last = row
    return ".".join(steps)


def _base36(number: int) -> str:
    digits = DIGITS[number % 36]
    while number := number // 36:
        digits = DIGITS[number % 36] + digits
    return digits


def closed_rows(trace: Trace, collapse: Collapse) -> BoolArray:
    """By row: has children, and they are hidden."""
    tree = trace.tree
    closed = np.zeros(len(trace), bool)
    if collapse.level is not None:
        closed |= tree.depth >= collapse.level - 1
    toggled = list(collapse.toggled)
    closed[toggled] = ~closed[toggled]
    return closed & (tree.child_count > 0)


def visible_rows(trace: Trace, closed: BoolArray) -> IntArray:
    """The rows in sight, from top to bottom: not below any closed row."""
    tree = trace.tree
    positions = tree.position[closed]
    change = np.zeros(len(trace) + 1, np.int64)
    np.add.at(change, positions + 1, 1)
    np.subtract.at(change, positions + tree.size[closed], 1)
    hidden: BoolArray = np.cumsum(change[:-1]) > 0
    rows: IntArray = tree.order[~hidden]
    return rows


def revealing(trace: Trace, collapse: Collapse, row: int) -> Collapse:
    """The state that shows `row`: its closed ancestors open, or all of them at once
    when they are too many to name."""
    closed = closed_rows(trace, collapse)
    to_open = [above for above in ancestors(trace.tree, row) if closed[above]]
    toggled = collapse.toggled.symmetric_difference(to_open)
    if len(toggled) > MAX_TOGGLED:
        return Collapse()
    return Collapse(collapse.level, toggled)
