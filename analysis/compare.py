"""Two groups of requests, call path by call path: what each waits for, and the change.

Times on critical paths add up to the durations of the roots, so that the changes of all
paths add up to the change of the whole. All is per request, by weight.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from analysis.critical_path import critical_path
from analysis.forest import Forest
from analysis.grouping import sums
from analysis.paths import call_paths, path_keys
from analysis.self_time import own_times
from analysis.subtrees import owners
from traces.tree import NO_PARENT

Step: TypeAlias = tuple[str, str]
"""Service and span name."""

# Sums of doubles differ in their last digits.
_NOTHING_NANO: Final = 0.5
_NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Totals:
    """Per request: spans, failed ones, and nanoseconds that spans took, their own code
    took, and the request waited for."""

    count: float = 0.0
    failed: float = 0.0
    duration_nano: float = 0.0
    self_nano: float = 0.0
    on_path_nano: float = 0.0


NONE: Final = Totals()


@dataclass(frozen=True, slots=True)
class PathTotals:
    """`above` is the key of the path that this one continues, empty at roots."""

    step: Step
    above: bytes
    totals: Totals


@dataclass(frozen=True, slots=True)
class Profile:
    """By path; the mean duration of the roots of a request."""

    paths: dict[bytes, PathTotals]
    duration_nano: float
    requests: int

    def steps(self, key: bytes) -> tuple[Step, ...]:
        """From a root on."""
        found: list[Step] = []
        while key:
            found.append(self.paths[key].step)
            key = self.paths[key].above
        return tuple(found[::-1])


@dataclass(frozen=True, slots=True)
class PathChange:
    """What is on a path before and after."""

    steps: tuple[Step, ...]
    before: Totals
    after: Totals

    @property
    def on_path_nano(self) -> float:
        return self.after.on_path_nano - self.before.on_path_nano

    @property
    def calls_nano(self) -> float:
        """The part of the change that comes from more or fewer spans."""
        return (self.after.count - self.before.count) * self._usual_nano

    @property
    def _usual_nano(self) -> float:
        """What a span takes on the path; where there is none, as on the other side."""
        each = [
            side.on_path_nano / side.count
            for side in (self.before, self.after)
            if side.count
        ]
        return sum(each) / len(each) if each else 0.0

    @property
    def is_none(self) -> bool:
        one, other = self.before, self.after
        return (
            abs(one.count - other.count) < _NOTHING
            and abs(one.failed - other.failed) < _NOTHING
            and all(
                abs(a - b) < _NOTHING_NANO
                for a, b in (
                    (one.duration_nano, other.duration_nano),
                    (one.self_nano, other.self_nano),
                    (one.on_path_nano, other.on_path_nano),
                )
            )
        )


@dataclass(frozen=True, slots=True)
class Move:
    """The same operation, no longer called from where it was."""

    before: tuple[Step, ...]
    after: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes of every path, the greatest on the critical path first."""

    before: Profile
    after: Profile
    changes: list[PathChange]
    moves: list[Move]

    @property
    def duration_nano(self) -> float:
        return self.after.duration_nano - self.before.duration_nano

    @property
    def is_none(self) -> bool:
        return all(change.is_none for change in self.changes)


def profile(
    forest: Forest, *, request_per_root: bool, overlap_part: float = 0.0
) -> Profile:
    """A request is a root with what is below it, or else a whole trace. It counts by the
    greatest weight of its roots."""
    path, paths = call_paths(forest)
    critical = critical_path(forest, overlap_part=overlap_part)
    request = owners(forest) if request_per_root else forest.trace
    weights = np.zeros(int(request.max(initial=-1)) + 1)
    np.maximum.at(weights, request[forest.roots], forest.weight[forest.roots])
    count = float(weights.sum()) or 1.0
    weight = weights[request] / count

    def total(values: ArrayLike) -> list[float]:
        found = sums(path, np.asarray(values) * weight, len(paths))
        return [float(each) for each in found]

    length = forest.end - forest.start
    columns = zip(
        total(1.0),
        total(forest.failed),
        total(length),
        total(own_times(forest)),
        total(critical.self_nano),
        strict=True,
    )
    keys = path_keys(paths, forest.services, forest.names)
    # A step of plain Python for each path, not for each span.
    found = {
        key: PathTotals(
            (forest.services[service], forest.names[name]),
            keys[above] if above != NO_PARENT else b"",
            Totals(*each),
        )
        for key, above, service, name, each in zip(
            keys,
            paths.parent.tolist(),
            paths.service.tolist(),
            paths.name.tolist(),
            columns,
            strict=True,
        )
    }
    roots = forest.roots
    mean = float((length[roots] * weight[roots]).sum())
    return Profile(found, mean, int((weights > 0).sum()))


def compare(before: Profile, after: Profile) -> Comparison:
    keys = dict.fromkeys((*before.paths, *after.paths))
    changes = [
        PathChange(
            (before if key in before.paths else after).steps(key),
            _totals(before, key),
            _totals(after, key),
        )
        for key in keys
    ]
    changes.sort(key=_greatest_first)
    return Comparison(before, after, changes, list(_moves(before, after)))


def _totals(of: Profile, key: bytes) -> Totals:
    return of.paths[key].totals if key in of.paths else NONE


def _greatest_first(change: PathChange) -> tuple[float, float, tuple[Step, ...]]:
    by_self = abs(change.after.self_nano - change.before.self_nano)
    return -abs(change.on_path_nano), -by_self, change.steps


def _moves(before: Profile, after: Profile) -> Iterator[Move]:
    """Operations with one path that is gone and one that is new. What is below one that
    moved has moved with it."""
    gone, new = _only(before, after), _only(after, before)
    for step in sorted(gone.keys() & new.keys()):
        if len(gone[step]) == len(new[step]) == 1:
            one = before.steps(gone[step][0])
            other = after.steps(new[step][0])
            if one[-2:-1] != other[-2:-1]:
                yield Move(one, other)


def _only(one: Profile, other: Profile) -> dict[Step, list[bytes]]:
    found: dict[Step, list[bytes]] = {}
    for key, path in one.paths.items():
        if key not in other.paths:
            found.setdefault(path.step, []).append(key)
    return found
