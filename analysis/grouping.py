"""Rows in groups, and a histogram of each group at once."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.histogram import EMPTY, FloatArray, Histogram, IntArray, bucket_of


@dataclass(frozen=True, slots=True)
class Groups:
    """The number of the group by row, and of each group the first row."""

    number: IntArray
    first: IntArray

    def __len__(self) -> int:
        return len(self.first)


def groups(*columns: IntArray) -> Groups:
    """Groups of rows that are equal in columns of numbers from 0 on."""
    number = columns[0]
    for column in columns[1:]:
        # Numbered anew each time, so that a combination always fits 64 bits.
        width = int(column.max(initial=0)) + 1
        _, number = np.unique(number * width + column, return_inverse=True)
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    return Groups(number.astype(np.int64), first.astype(np.int64))


def last_of_groups(group: Groups, values: IntArray) -> IntArray:
    """The row of the greatest value of each group; of equal ones the first."""
    order = np.lexsort((-np.arange(len(values)), values, group.number))
    ends = np.cumsum(np.bincount(group.number, minlength=len(group)))
    found: IntArray = order[ends - 1]
    return found


def group_histograms(
    group: Groups, duration_nano: IntArray, weight: FloatArray
) -> list[Histogram]:
    """Of each group's durations; negative ones are left out."""
    usable = np.flatnonzero(duration_nano >= 0)
    number, nano = group.number[usable], duration_nano[usable]
    weight = weight[usable]
    bucket = bucket_of(nano)
    lowest = int(bucket.min(initial=0))
    width = int(bucket.max(initial=0)) - lowest + 1
    cells, place = np.unique(number * width + bucket - lowest, return_inverse=True)
    weights = np.bincount(place, weights=weight, minlength=len(cells)).astype(float)
    borders = np.searchsorted(cells // width, np.arange(len(group) + 1))
    buckets = cells % width + lowest
    least = np.full(len(group), np.iinfo(np.int64).max)
    most = np.zeros(len(group), np.int64)
    np.minimum.at(least, number, nano)
    np.maximum.at(most, number, nano)
    sums = np.bincount(number, weights=nano * weight, minlength=len(group))
    squares = np.bincount(number, weights=weight**2, minlength=len(group))
    # A step of plain Python for each group, not for each row.
    return [
        Histogram(
            buckets[begin:end],
            weights[begin:end],
            int(least[at]),
            int(most[at]),
            float(sums[at]),
            float(squares[at]),
        )
        if begin < end
        else EMPTY
        for at, (begin, end) in enumerate(pairwise(borders.tolist()))
    ]
