"""Numbers for the distinct combinations of columns, and their first rows."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from analysis.histogram import IntArray


class Distinct(NamedTuple):
    """`number` by row, in order of first appearance; `first` row by number."""

    number: IntArray
    first: IntArray

    def __len__(self) -> int:
        return len(self.first)


def distinct(*columns: IntArray) -> Distinct:
    """Of whole numbers of -1 or more, each at most about the number of rows.

    Columns join one by one and are numbered anew each time, so that a combination always
    fits 64 bits.
    """
    number = _numbered(columns[0])
    for column in columns[1:]:
        width = int(column.max(initial=-1)) + 2
        number = _numbered(number * width + column + 1)
    count = int(number.max(initial=-1)) + 1
    first = np.zeros(count, np.int64)
    # Written backwards, so that the first row of a number is written last.
    first[number[::-1]] = np.arange(len(number))[::-1]
    return Distinct(number, first)


def _numbered(column: IntArray) -> IntArray:
    indices = pa.array(column).dictionary_encode().indices
    found: IntArray = indices.to_numpy().astype(np.int64)
    return found
