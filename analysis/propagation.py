"""Which of its failed children a span failed by, and which it got over.

All of it is plain Python over failed spans and their siblings, which are few; they were
selected by columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from analysis.critical_path import CriticalPath
from analysis.faults import Fault
from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

# A child that ends later than this share of its parent's time after it had not answered.
TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Family:
    """The failed spans of a forest with their parents and siblings, all by row.

    `children` are by parent, in the order of their starts, those that nobody waits for
    left out.
    """

    forest: Forest
    path: CriticalPath
    faults: dict[int, Fault]
    children: dict[int, list[int]]
    # Columns of the forest as lists, whose items are read one by one much faster.
    starts: list[int]
    ends: list[int]
    parents: list[int]
    operations: list[tuple[int, int]]
    kinds: list[int]

    def start(self, row: int) -> int:
        return self.starts[row]

    def end(self, row: int) -> int:
        return self.ends[row]

    def parent(self, row: int) -> int:
        return self.parents[row]

    def operation(self, row: int) -> tuple[int, int]:
        return self.operations[row]

    def outlives(self, row: int, parent: int) -> bool:
        limit = TOLERANCE * (self.end(parent) - self.start(parent))
        return self.end(row) > self.end(parent) + limit

    def awaited(self, row: int) -> bool:
        """Whether its parent waited for it."""
        return row in self.children.get(self.parent(row), ())


@dataclass(frozen=True, slots=True)
class Retry:
    """Calls of one operation one after the other, of which all but perhaps the last
    failed. The cost is the time from the first start to the last."""

    attempts: tuple[int, ...]
    succeeded: bool
    cost_nano: int


@dataclass(slots=True)
class Below:
    """What the failed children of one span came to, all by row.

    `cause` is the child it failed by, -1 where it failed by itself. `got_over` are those
    after which it went on. `consequences` failed because another had, and name it.
    `attempts` name the last of their retry.
    """

    cause: int = NO_PARENT
    got_over: set[int] = field(default_factory=set)
    consequences: dict[int, int] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    retries: dict[int, Retry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A failed child, or all attempts of a retry that failed."""

    row: int
    start: int
    end: int


def family_of(forest: Forest, path: CriticalPath, faults: dict[int, Fault]) -> Family:
    failed = np.fromiter(faults, np.int64, len(faults))
    concerned = np.zeros(len(forest) + 1, bool)
    concerned[failed] = True
    concerned[forest.parent[failed]] = True
    concerned[NO_PARENT] = False
    children: dict[int, list[int]] = {}
    rows = np.flatnonzero(concerned[forest.parent])
    rows = rows[_awaited(forest, rows)]
    # Rows stand in the order of their starts.
    parents = forest.parent[rows].tolist()
    for row, parent in zip(rows.tolist(), parents, strict=True):
        children.setdefault(parent, []).append(row)
    operations = zip(forest.service.tolist(), forest.name.tolist(), strict=True)
    return Family(
        forest,
        path,
        faults,
        children,
        starts=forest.start.tolist(),
        ends=forest.end.tolist(),
        parents=forest.parent.tolist(),
        operations=list(operations),
        kinds=forest.kind.tolist(),
    )


def _awaited(forest: Forest, rows: IntArray) -> BoolArray:
    """Of rows that have parents: not consumers, which their producers sent on their way,
    and not what ran wholly before or after the parent."""
    above = forest.parent[rows]
    during = (forest.start[rows] <= forest.end[above]) & (
        forest.end[rows] >= forest.start[above]
    )
    found: BoolArray = during & (forest.kind[rows] != SpanKind.CONSUMER)
    return found


def propagate(family: Family) -> dict[int, Below]:
    """By parent of failed spans."""
    return {
        parent: _below(family, parent, failed)
        for parent, children in family.children.items()
        if (failed := [row for row in children if row in family.faults])
    }


def _below(family: Family, parent: int, failed: list[int]) -> Below:
    found = Below()
    _find_consequences(family, parent, failed, found)
    _find_retries(family, parent, found)
    units = _units(family, failed, found)
    if parent not in family.faults:
        found.got_over.update(unit.row for unit in units)
        return found
    in_time = [unit for unit in units if not family.outlives(unit.row, parent)]
    last = _last_success(family, parent)
    fatal = []
    for unit in in_time:
        if _went_on(family, parent, unit, last):
            found.got_over.add(unit.row)
        else:
            fatal.append(unit)
    if fatal:
        found.cause = _first_of_the_last(family, fatal)
    return found


def _find_consequences(
    family: Family, parent: int, failed: list[int], found: Below
) -> None:
    """Cancelled at or after another error under the same parent, or because the parent
    had timed out."""
    errors = [row for row in failed if not family.faults[row].cancelled]
    first = min(errors, key=family.end, default=NO_PARENT)
    gave_up = parent in family.faults and family.faults[parent].timed_out
    for row in failed:
        if gave_up and (family.faults[row].cancelled or family.outlives(row, parent)):
            found.consequences[row] = parent
        elif (
            first != NO_PARENT
            and family.faults[row].cancelled
            and family.end(row) >= family.end(first)
        ):
            found.consequences[row] = first


def _find_retries(family: Family, parent: int, found: Below) -> None:
    for calls in _calls_of_one_kind(family, parent):
        attempts: list[int] = []
        for row in calls:
            if attempts and family.start(row) < family.end(attempts[-1]):
                _note_retry(family, attempts, NO_PARENT, found)
                attempts = []
            if row not in family.faults:
                _note_retry(family, attempts, row, found)
                attempts = []
            elif row not in found.consequences:
                attempts.append(row)
        _note_retry(family, attempts, NO_PARENT, found)


def _calls_of_one_kind(family: Family, parent: int) -> Iterable[list[int]]:
    by_operation: dict[tuple[int, int], list[int]] = {}
    for row in family.children[parent]:
        by_operation.setdefault(family.operation(row), []).append(row)
    return (calls for calls in by_operation.values() if len(calls) > 1)


def _note_retry(
    family: Family, attempts: list[int], success: int, found: Below
) -> None:
    succeeded = success != NO_PARENT
    if len(attempts) + succeeded < 2 or not attempts:
        return
    last = success if succeeded else attempts[-1]
    cost = family.start(last) - family.start(attempts[0])
    found.retries[attempts[-1]] = Retry(tuple(attempts), succeeded, cost)
    found.attempts |= dict.fromkeys(attempts[:-1], attempts[-1])
    if succeeded:
        found.got_over.add(attempts[-1])


def _units(family: Family, failed: list[int], found: Below) -> list[_Unit]:
    units = []
    for row in failed:
        if row in found.consequences or row in found.attempts or row in found.got_over:
            continue
        retry = found.retries.get(row)
        first = retry.attempts[0] if retry else row
        units.append(_Unit(row, family.start(first), family.end(row)))
    return units


def _last_success(family: Family, parent: int) -> dict[tuple[int, int], int]:
    """By operation: when its last call that did not fail started. Of two operations
    only, the latest: enough to find one of another kind."""
    latest: dict[tuple[int, int], int] = {}
    for row in family.children[parent]:
        if row not in family.faults:
            latest[family.operation(row)] = family.start(row)
    two = sorted(latest.items(), key=lambda item: (item[1], item[0]))[-2:]
    return dict(two)


def _went_on(
    family: Family, parent: int, unit: _Unit, last: dict[tuple[int, int], int]
) -> bool:
    """With a successful call of another kind, and not to fail with the child's error:
    writing an error down is no way of getting over it."""
    own = family.operation(unit.row)
    after = any(start >= unit.end for kind, start in last.items() if kind != own)
    return after and not _says_the_same(family.faults[parent], family.faults[unit.row])


def _says_the_same(parent: Fault, child: Fault) -> bool:
    if child.message and child.message in parent.message:
        return True
    return bool(child.error_type) and child.error_type == parent.error_type


def _first_of_the_last(family: Family, fatal: list[_Unit]) -> int:
    """The last to finish on the critical path; and if failures led up to it one by one,
    with nothing that went well between, the first of those. What is called after a
    failure and fails too is often the handling of it."""
    on_path = [unit for unit in fatal if family.path.on[unit.row]]
    ordered = sorted(on_path or fatal, key=lambda unit: (unit.end, unit.row))
    current = ordered[-1]
    for unit in reversed(ordered[:-1]):
        if unit.end <= current.start:
            current = unit
    return current.row
