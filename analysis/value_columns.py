"""Columns of text as numbered values: which few of them each key has, or why it has none.

Numbers with many values are cut at the deciles of the rest. A missing value is a value.
What tells each row apart from all others says nothing of many, and is left out.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.histogram import FloatArray, IntArray
from traces.tree import BoolArray

# A number with no more distinct values than this is a name: a status code, a size.
MOST_NAMED_NUMBERS: Final = 20
MOST_VALUES: Final = 200
MOST_TIED: Final = 10_000
# Of more rows than this, a key whose values are new in every other row is an id.
FEW_ROWS: Final = 20
ID_SHARE: Final = 0.5
_NUMBER: Final = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?(e[+-]?[0-9]{1,2})?$"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` on and below `high`; None is without a bound."""

    low: float | None
    high: float | None

    @property
    def is_one_number(self) -> bool:
        return self.low is not None and self.high == np.nextafter(self.low, np.inf)

    @property
    def bounds(self) -> tuple[tuple[str, float], ...]:
        """Operators with the roundest numbers that say the same."""
        if self.is_one_number and self.low is not None:
            return (("=", self.low),)
        found = []
        if self.low is not None:
            found.append(_bound(self.low, (">", ">=")))
        if self.high is not None:
            found.append(_bound(self.high, ("<=", "<")))
        return tuple(found)


def _bound(number: float, operators: tuple[str, str]) -> tuple[str, float]:
    """What comes directly after a round number is a bound that leaves it out, or in."""
    before = float(np.nextafter(number, -np.inf))
    if len(repr(before)) < len(repr(number)):
        return operators[0], before
    return operators[1], number


# Small, as there is one for each row and key.
Places = npt.NDArray[np.int16]
Value = str | Range | None
"""None is the value of a row that has none."""


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """`code` is the place in `values` by row; rarer values than those kept have the
    place behind the last."""

    key: str
    code: Places
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """`left_out` tells why of each key that is not looked at; constants are not worth
    telling of."""

    columns: tuple[ValueColumn, ...]
    left_out: dict[str, str]


def encode(table: pa.Table, rest: BoolArray) -> Encoded:
    """All columns of a table of text (plain or dictionaries), numbered."""
    columns, left_out = [], {}
    for key in table.column_names:
        found = _encode(key, table[key], rest)
        if isinstance(found, str):
            left_out[key] = found
        elif found is not None:
            columns.append(found)
    return Encoded(tuple(columns), left_out)


def _encode(
    key: str, column: pa.ChunkedArray, rest: BoolArray
) -> ValueColumn | str | None:
    """None of a constant, a reason of an id."""
    encoded = _dictionary(column)
    # None is 0, and what is in the dictionary counts from 1.
    code = pc.add(pc.fill_null(encoded.indices, -1), 1).to_numpy()
    counts = np.bincount(code, minlength=len(encoded.dictionary) + 1)
    used = np.flatnonzero(counts[1:])
    if len(used) + (counts[0] > 0) < 2:
        return None
    if len(used) > MOST_NAMED_NUMBERS:
        numbers = _numbers(encoded.dictionary)
        if numbers is not None:
            return _cut(key, code, numbers, rest)
    present = len(code) - int(counts[0])
    if present > FEW_ROWS and len(used) > ID_SHARE * present:
        return "nearly every one has another value"
    return _named(key, code, counts, encoded.dictionary)


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    return column.combine_chunks().dictionary_encode()


def _named(
    key: str, code: IntArray, counts: IntArray, dictionary: pa.Array
) -> ValueColumn:
    """The most frequent values, in that order; missing ones are among them."""
    frequent = _frequent(counts)
    texts = dictionary.take(pa.array(np.maximum(frequent - 1, 0))).to_pylist()
    # Of equally frequent ones in the order of texts: that of rows tells nothing.
    ranked = sorted(
        (-count, at != 0, text, at)
        for count, text, at in zip(
            counts[frequent].tolist(), texts, frequent.tolist(), strict=True
        )
    )[:MOST_VALUES]
    place = np.full(len(counts), len(ranked), np.int16)
    place[[at for *_, at in ranked]] = np.arange(len(ranked))
    values = tuple(text if known else None for _, known, text, _ in ranked)
    return ValueColumn(key, place[code], values)


def _frequent(counts: IntArray) -> IntArray:
    """Places among which the most frequent are; of those that many share with the last
    of them all or none."""
    used = np.flatnonzero(counts)
    if len(used) <= MOST_VALUES:
        return used
    last = np.partition(counts, -MOST_VALUES)[-MOST_VALUES]
    found = np.flatnonzero(counts >= last)
    return found if len(found) <= MOST_TIED else np.flatnonzero(counts > last)


def _numbers(dictionary: pa.Array) -> FloatArray | None:
    """The texts as numbers, if all are."""
    if not pc.all(pc.match_substring_regex(dictionary, _NUMBER)).as_py():
        return None
    found: FloatArray = pc.cast(dictionary, pa.float64()).to_numpy()
    return found


def _cut(
    key: str, code: IntArray, numbers: FloatArray, rest: BoolArray
) -> ValueColumn | None:
    among_rest = np.bincount(code[rest], minlength=len(numbers) + 1)[1:]
    edges = _edges(numbers, among_rest)
    # Of none, and of each number; looked up by row.
    of_none, of_number = len(edges) + 1, np.searchsorted(edges, numbers, side="right")
    place_of = np.append(of_none, of_number)
    used = np.flatnonzero(np.bincount(place_of[code], minlength=len(edges) + 2))
    if len(used) < 2:
        return None
    bounds = [None, *edges.tolist(), None]
    values = (*(Range(low, high) for low, high in pairwise(bounds)), None)
    again = np.zeros(len(edges) + 2, np.int16)
    again[used] = np.arange(len(used))
    return ValueColumn(key, again[place_of][code], tuple(values[at] for at in used))


def _edges(numbers: FloatArray, counts: IntArray) -> FloatArray:
    """The deciles of numbers that are there so often, and what lies beyond. A number
    that is several of them gets a range of its own."""
    order = np.argsort(numbers)
    below = np.cumsum(counts[order])
    if not below[-1]:
        return np.empty(0)
    # Nearest rank: the least number that so many do not exceed.
    ranks = np.maximum(-(-below[-1] * np.arange(11) // 10), 1)
    deciles = numbers[order][np.searchsorted(below, ranks)]
    edges, count = np.unique(deciles, return_counts=True)
    closed = np.concatenate((edges[count > 1], edges[-1:]))
    return np.unique(np.concatenate((edges, np.nextafter(closed, np.inf))))
