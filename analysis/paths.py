"""Paths from the roots of traces: a number for each, and a table of what they are.

A call path is the sequence of (service, span name) from a root to a span. A service path
is the sequence of services, each counted once however many spans it has in a row. Paths
are numbered level by level, from the number of the parent's path and the own step, so
that a path always has a higher number than the one it continues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from analysis.ancestry import highest, in_service
from analysis.forest import Forest, levels_of
from analysis.grouping import groups, sums
from analysis.histogram import FloatArray, IntArray
from traces.tree import NO_PARENT, BoolArray

# Deeper spans count for their ancestor's path: a chain of 100,000 spans is no path that
# anybody reads, and each step would be a row of its own.
DEEPEST: Final = 200
NO_NAME: Final = -1


@dataclass(frozen=True, slots=True)
class Paths:
    """By path: the path it continues (-1 at roots), its last step, and its length.

    `service` and `name` are numbers of the forest's; `name` is -1 in service paths.
    """

    parent: IntArray
    service: IntArray
    name: IntArray
    depth: IntArray

    def __len__(self) -> int:
        return len(self.parent)

    def steps(self, path: int) -> list[int]:
        """The paths from a root to this one, itself included."""
        steps = []
        while path != NO_PARENT:
            steps.append(path)
            path = int(self.parent[path])
        return steps[::-1]


@dataclass(frozen=True, slots=True)
class ServicePaths:
    """Service paths and how often they were gone, by path.

    `calls` counts how often the last service was entered this way, `failed` those whose
    entering span failed, `traces` the traces with such a call. All are weighted: a path
    was sampled as a whole only where its rarest span was.
    """

    paths: Paths
    calls: FloatArray
    failed: FloatArray
    traces: FloatArray


def call_paths(forest: Forest) -> tuple[IntArray, Paths]:
    """The number of each row's path of (service, span name), and the paths."""
    step = groups(forest.service, forest.name).number
    found = _number(forest.levels, forest.parent, step)
    rows = found.first
    paths = Paths(found.parent, forest.service[rows], forest.name[rows], found.depth)
    return found.path, paths


def service_paths(forest: Forest, chosen: BoolArray | None = None) -> ServicePaths:
    """All paths of the forest; counted are the chosen spans' entries, or all."""
    stays = in_service(forest)
    entries = np.flatnonzero(~stays)
    service = forest.service[entries]
    parent = _contracted(forest.parent, stays)
    found = _number(levels_of(parent), parent, service)
    count = len(found.parent)
    names = np.full(count, NO_NAME)
    paths = Paths(found.parent, service[found.first], names, found.depth)
    weight = _rarest(forest)[entries]
    if chosen is not None:
        weight = weight * chosen[entries]
    visit = groups(forest.trace[entries], found.path)
    per_visit = np.zeros(len(visit))
    np.maximum.at(per_visit, visit.number, weight)
    return ServicePaths(
        paths,
        calls=sums(found.path, weight, count),
        failed=sums(found.path, weight * forest.failed[entries], count),
        traces=sums(found.path[visit.first], per_visit, count),
    )


def path_keys(
    paths: Paths, services: Sequence[str], names: Sequence[str]
) -> list[bytes]:
    """16 bytes for each path that stay the same from forest to forest."""
    keys: list[bytes] = []
    # A loop over paths, not spans: each key is made from its parent's.
    for parent, service, name in zip(
        paths.parent.tolist(), paths.service.tolist(), paths.name.tolist(), strict=True
    ):
        above = keys[parent] if parent >= 0 else b""
        own = services[service].encode()
        step = b"%d:%s" % (len(own), own)
        if name != NO_NAME:
            step += names[name].encode()
        keys.append(blake2b(above + step, digest_size=16).digest())
    return keys


class _Numbered(NamedTuple):
    """By row its path; by path its parent, first row and depth."""

    path: IntArray
    parent: IntArray
    first: IntArray
    depth: IntArray


def _number(levels: Sequence[IntArray], parents: IntArray, step: IntArray) -> _Numbered:
    count, size = 0, len(step)
    path = np.full(size, NO_PARENT)
    parent, first = np.zeros(size, np.int64), np.zeros(size, np.int64)
    depth = np.zeros(size, np.int64)
    for level, rows in enumerate(levels):
        above = path[parents[rows]] if level else np.full(len(rows), NO_PARENT)
        if level >= DEEPEST:
            path[rows] = above
            continue
        found = groups(above, step[rows])
        new = slice(count, count + len(found))
        path[rows] = count + found.number
        parent[new], first[new] = above[found.first], rows[found.first]
        depth[new] = level + 1
        count += len(found)
    return _Numbered(path, parent[:count], first[:count], depth[:count])


def _contracted(parent: IntArray, stays: BoolArray) -> IntArray:
    """The forest without the rows that stay in the service of their parent."""
    place = np.cumsum(~stays) - 1
    above = highest(parent, stays)[parent[~stays]]
    return np.where(parent[~stays] == NO_PARENT, NO_PARENT, place[above])


def _rarest(forest: Forest) -> FloatArray:
    """The highest weight of a row and its ancestors."""
    weight: FloatArray = forest.weight.copy()
    for rows in forest.levels[1:]:
        weight[rows] = np.maximum(weight[rows], weight[forest.parent[rows]])
    return weight
