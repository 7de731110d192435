"""Columns of text as numbered values: which few of them each key has, or why it has none.

Numbers with many values are cut at the deciles of the rest. A missing value is a value.
What tells each row apart from all others says nothing of many, and is left out.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.histogram import FloatArray, IntArray
from traces.tree import BoolArray

# A number with no more distinct values than this is a name: a status code, a size.
MOST_NAMED_NUMBERS: Final = 20
MOST_VALUES: Final = 200
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


Value = str | Range | None
"""None is the value of a row that has none."""


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """`code` is the place in `values` by row; rarer values than those kept have the
    place behind the last."""

    key: str
    code: IntArray
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
    code = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    counts = np.bincount(code + 1, minlength=len(encoded.dictionary) + 1)
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
    order = np.argsort(-counts, kind="stable")
    order = order[: min(MOST_VALUES, int((counts > 0).sum()))]
    place = np.full(len(counts), len(order))
    place[order] = np.arange(len(order))
    texts = dictionary.take(pa.array(np.maximum(order - 1, 0))).to_pylist()
    values = tuple(
        None if at == 0 else text for at, text in zip(order, texts, strict=True)
    )
    return ValueColumn(key, place[code + 1], values)


def _numbers(dictionary: pa.Array) -> FloatArray | None:
    """The texts as numbers, if all are."""
    if not pc.all(pc.match_substring_regex(dictionary, _NUMBER)).as_py():
        return None
    found: FloatArray = pc.cast(dictionary, pa.float64()).to_numpy()
    return found


def _cut(
    key: str, code: IntArray, numbers: FloatArray, rest: BoolArray
) -> ValueColumn | None:
    known = code >= 0
    number = np.where(known, numbers[code], np.nan)
    edges = _edges(number[known & rest])
    place = np.searchsorted(edges, number, side="right")
    place[~known] = len(edges) + 1
    bounds = [None, *edges.tolist(), None]
    pairs = pairwise(bounds)
    values: tuple[Value, ...] = (*(Range(low, high) for low, high in pairs), None)
    used, code = np.unique(place, return_inverse=True)
    if len(used) < 2:
        return None
    return ValueColumn(key, code, tuple(values[at] for at in used))


def _edges(numbers: FloatArray) -> FloatArray:
    """The deciles, and what lies beyond. A number that is several of them gets a range
    of its own."""
    if not len(numbers):
        return np.empty(0)
    deciles = np.quantile(numbers, np.arange(11) / 10, method="inverted_cdf")
    edges, count = np.unique(deciles, return_counts=True)
    closed = np.concatenate((edges[count > 1], edges[-1:]))
    return np.unique(np.concatenate((edges, np.nextafter(closed, np.inf))))
