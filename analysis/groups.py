"""Rows that agree in some columns, numbered."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.histogram import IntArray

# Numbers up to this many times the rows are looked up in a table, not sorted.
_TABLE_SHARE: Final = 4
_TABLE_LEAST: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Groups:
    """By row the number of its group, and by group its first row."""

    of: IntArray
    first: IntArray

    def __len__(self) -> int:
        return len(self.first)


def group(*columns: IntArray) -> Groups:
    """Rows with the same whole numbers in all columns; groups are in the order of those
    numbers."""
    codes = np.zeros(len(columns[0]), np.int64)
    count = 1
    for column in columns:
        numbers, distinct = _dense(column)
        # Both are below the number of rows, so that their product fits.
        codes, count = _dense(codes * max(distinct, 1) + numbers)
    first = np.full(count, len(codes), np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    return Groups(codes, first)


def _dense(numbers: IntArray) -> tuple[IntArray, int]:
    """Each number's rank among the distinct ones, and how many those are."""
    if not len(numbers):
        return numbers.astype(np.int64), 0
    least, most = int(numbers.min()), int(numbers.max())
    if most - least > max(_TABLE_SHARE * len(numbers), _TABLE_LEAST):
        distinct, rank = np.unique(numbers, return_inverse=True)
        return rank.astype(np.int64), len(distinct)
    there = np.zeros(most - least + 1, bool)
    there[numbers - least] = True
    ranks = np.cumsum(there) - 1
    return ranks[numbers - least], int(ranks[-1]) + 1
