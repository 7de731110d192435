"""Calls that do the same under one span, and what they cost together."""

from dataclasses import dataclass

import numpy as np

from analysis.critical_path import CriticalPath
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import FloatArray, IntArray
from traces.tree import NO_PARENT, BoolArray, self_times


@dataclass(frozen=True, slots=True)
class Clusters:
    """Arrays by cluster; the rows of cluster `i` are `rows[begin[i] : begin[i + 1]]`, in
    the order of their starts.

    `holder` is the span that all are below, and `wrapped` those of which each has a span
    of its own between. On-path times are of the calls with all below them.
    """

    rows: IntArray
    begin: IntArray
    holder: IntArray
    wrapped: BoolArray
    start: IntArray
    end: IntArray
    sum_nano: IntArray
    union_nano: IntArray
    on_path_nano: IntArray
    longest_on_path_nano: IntArray
    unevenness: FloatArray

    def __len__(self) -> int:
        return len(self.holder)

    @property
    def size(self) -> IntArray:
        return np.diff(self.begin)

    @property
    def overlap(self) -> FloatArray:
        """0 for calls one after the other, towards 1 for calls at the same time."""
        return 1 - self.union_nano / np.maximum(self.sum_nano, 1)


def alike_below_one_span(
    forest: Forest, path: CriticalPath, fingerprint: IntArray, least: int
) -> Clusters:
    """At least so many siblings of one fingerprint, or children of such siblings."""
    parent = forest.parent
    rows, sizes = _clustered(parent, (fingerprint,), least)
    alone = np.ones(len(forest), bool)
    alone[rows] = False
    # The server span of a call is that call once more.
    at_home = (parent != NO_PARENT) & (forest.service == forest.service[parent])
    grand = np.where(alone & at_home, parent[parent], NO_PARENT)
    wrapper = np.where(grand != NO_PARENT, fingerprint[parent], -1)
    more, more_sizes = _clustered(grand, (wrapper, fingerprint), least)
    holder = np.where(alone, grand, parent)
    rows, sizes = np.concatenate((rows, more)), np.concatenate((sizes, more_sizes))
    return _measured(forest, path, rows, sizes, holder, alone)


def _clustered(
    holder: IntArray, keys: tuple[IntArray, ...], least: int
) -> tuple[IntArray, IntArray]:
    """Rows by cluster, in their own order within, and the clusters' sizes."""
    rows = np.flatnonzero(holder != NO_PARENT)
    # Most spans hold few: what cannot be in a cluster is put aside first.
    held = np.bincount(holder[rows], minlength=len(holder))
    rows = rows[held[holder[rows]] >= least]
    alike = groups(holder[rows], *(key[rows] for key in keys))
    size = np.bincount(alike.number, minlength=len(alike))
    enough = np.flatnonzero(size[alike.number] >= least)
    order = enough[np.argsort(alike.number[enough], kind="stable")]
    return rows[order], size[size >= least]


def _measured(
    forest: Forest,
    path: CriticalPath,
    rows: IntArray,
    size: IntArray,
    holder: IntArray,
    alone: BoolArray,
) -> Clusters:
    begin = np.concatenate(([0], np.cumsum(size)))
    first, of = rows[begin[:-1]], np.repeat(np.arange(len(size)), size)
    start, end = forest.start[rows], forest.end[rows]
    on_path = np.where(path.on[rows], (path.end - path.start)[rows], 0)
    last_end = np.zeros(len(size), np.int64)
    longest = np.zeros(len(size), np.int64)
    np.maximum.at(last_end, of, end)
    np.maximum.at(longest, of, on_path)
    # All calls of a cluster under one root that ends with them: what that root does not
    # spend itself is the union of them.
    roots = np.arange(len(size))
    uncovered = self_times(
        np.concatenate((np.full(len(size), NO_PARENT), of)),
        np.concatenate((forest.start[first], start)),
        np.concatenate((last_end, end)),
    )[roots]
    total = np.zeros(len(size), np.int64)
    together = np.zeros(len(size), np.int64)
    np.add.at(total, of, end - start)
    np.add.at(together, of, on_path)
    return Clusters(
        rows=rows,
        begin=begin,
        holder=holder[first],
        wrapped=alone[first],
        start=forest.start[first],
        end=last_end,
        sum_nano=total,
        union_nano=last_end - forest.start[first] - uncovered,
        on_path_nano=together,
        longest_on_path_nano=longest,
        unevenness=_unevenness(start, of, len(size)),
    )


def _unevenness(start: IntArray, of: IntArray, count: int) -> FloatArray:
    """By cluster the standard deviation of the time from start to start, by its mean."""
    gap = np.diff(start).astype(np.float64)
    inside = np.flatnonzero(np.diff(of) == 0)
    gap, of = gap[inside], of[inside]
    number = np.maximum(np.bincount(of, minlength=count), 1)
    mean = np.bincount(of, weights=gap, minlength=count) / number
    square = np.bincount(of, weights=(gap - mean[of]) ** 2, minlength=count) / number
    found: FloatArray = np.sqrt(square) / np.maximum(mean, 1)
    return found
