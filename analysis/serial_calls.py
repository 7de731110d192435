"""Calls made one after the other that might run at the same time.

Two calls of which one never waits for the other need a witness: a request in which they
overlapped, or came the other way round. Without one, all that can be said is that they
were always seen in this order.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from analysis.critical_path import CriticalPath
from analysis.entries import Entry, operation
from analysis.fingerprints import Fingerprints
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from traces.tree import NO_PARENT

LEAST_SAVING_NANO: Final = 1_000_000
MOST_PAIRS: Final = 200


@dataclass(frozen=True, slots=True)
class SerialPair:
    """`first` and `second` under `holder`, texts of fingerprints. The saving is that of
    running both at once, summed by weight over `requests`. `example` is a trace with the
    pair, and `witness` one that shows neither waits for the other, None where there is
    none; both in hexadecimal."""

    holder: Entry
    first: str
    second: str
    requests: float
    saving_nano: float
    example: str
    witness: str | None


class _Spells(NamedTuple):
    """For each holder and fingerprint under it: from the first start to the last end,
    by a key of the holder's operation and the fingerprint."""

    operation: IntArray
    width: int
    key: IntArray
    holder: IntArray
    start: IntArray
    end: IntArray


def serial_pairs(
    forest: Forest, path: CriticalPath, prints: Fingerprints
) -> list[SerialPair]:
    """The pairs that would save most first, at most `MOST_PAIRS`."""
    of = prints.of
    followed = np.flatnonzero(path.previous >= 0)
    first, second = path.previous[followed], path.chain[followed]
    differ = of[first] != of[second]
    first, second = first[differ], second[differ]
    if not len(first):
        return []
    holder = groups(forest.service, forest.name).number[forest.parent[first]]
    pairs = groups(holder, of[first], of[second])
    weight, length = forest.weight[first], path.end - path.start
    saved = np.minimum(length[first], length[second]) * weight
    saving = np.bincount(pairs.number, weights=saved, minlength=len(pairs))
    requests = np.bincount(pairs.number, weights=weight, minlength=len(pairs))
    spells = _spells(forest, path, prints)
    worth = np.flatnonzero(saving >= LEAST_SAVING_NANO)
    most = worth[np.argsort(-saving[worth], kind="stable")][:MOST_PAIRS]
    # A step of Python a pair, of which there are few.
    return [
        _pair(
            forest,
            prints,
            spells,
            (int(first[at]), int(second[at])),
            (float(requests[pair]), float(saving[pair])),
        )
        for pair in most.tolist()
        for at in (pairs.first[pair],)
    ]


def _pair(
    forest: Forest,
    prints: Fingerprints,
    spells: _Spells,
    rows: tuple[int, int],
    sums: tuple[float, float],
) -> SerialPair:
    holder = int(forest.parent[rows[0]])
    one, other = (_of_operation(spells, holder, int(prints.of[row])) for row in rows)
    return SerialPair(
        holder=operation(forest, holder),
        first=prints.texts[int(prints.of[rows[0]])],
        second=prints.texts[int(prints.of[rows[1]])],
        requests=sums[0],
        saving_nano=sums[1],
        example=_trace_id(forest, rows[0]),
        witness=_witness(forest, one, other),
    )


def _spells(forest: Forest, path: CriticalPath, prints: Fingerprints) -> _Spells:
    """By the times of the path: what it takes for one after the other is no witness."""
    starts = np.where(path.outside, forest.start, path.start)
    ends = np.where(path.outside, forest.end, path.end)
    rows = np.flatnonzero(forest.parent != NO_PARENT)
    above = forest.parent[rows]
    each = groups(above, prints.of[rows])
    start, end = starts[rows][each.first], ends[rows][each.first]
    np.minimum.at(start, each.number, starts[rows])
    np.maximum.at(end, each.number, ends[rows])
    holder = above[each.first]
    operations = groups(forest.service, forest.name).number
    width = len(prints.texts)
    key = operations[holder] * width + prints.of[rows[each.first]]
    order = np.argsort(key, kind="stable")
    columns = (key, holder, start, end)
    return _Spells(operations, width, *(column[order] for column in columns))


def _of_operation(spells: _Spells, holder: int, fingerprint: int) -> _Spells:
    """Those of one fingerprint under any span that does what `holder` does."""
    key = int(spells.operation[holder]) * spells.width + fingerprint
    begin, end = np.searchsorted(spells.key, (key, key + 1))
    columns = (spells.key, spells.holder, spells.start, spells.end)
    return _Spells(spells.operation, spells.width, *(c[begin:end] for c in columns))


def _witness(forest: Forest, one: _Spells, other: _Spells) -> str | None:
    """The earliest trace in which `other` began before `one` had ended."""
    _, at, place = np.intersect1d(
        one.holder, other.holder, assume_unique=True, return_indices=True
    )
    free = np.flatnonzero(other.start[place] < one.end[at])
    if not len(free):
        return None
    return _trace_id(forest, int(one.holder[at[free[0]]]))


def _trace_id(forest: Forest, row: int) -> str:
    return str(forest.spans["trace_id"][row].as_py().hex())


def sentence(pair: SerialPair) -> str:
    """For people; names are as spans sent them."""
    holder = f"{pair.holder.service}: {pair.holder.span_name}"
    both = f"{pair.first} and {pair.second} under {holder}"
    if pair.witness:
        return f"{both} may run together: neither waits for the other in every request"
    return f"{both} were always seen in this order"
