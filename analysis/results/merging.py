"""Many rows of measures merged by columns, however many minutes they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from analysis.grouping import Bounds, Cells, histograms
from analysis.histogram import EMPTY, Histogram, IntArray


class MeasureRow(NamedTuple):
    """What is read and written of a Measure, in the order of `FIELDS`; a tuple, for zip
    to turn into columns."""

    subject_id: int
    minute: int
    count: float  # type: ignore[assignment]  # hides tuple.count, which none needs
    failed: float
    sum_nano: float
    min_nano: int
    max_nano: int
    weight_squares: float
    buckets: bytes
    weights: bytes
    details: str


FIELDS: Final = MeasureRow._fields


@dataclass(frozen=True, slots=True)
class Merged:
    """Several rows as one; `details` are texts, those of the longest span first."""

    count: float
    failed: float
    histogram: Histogram
    details: tuple[str, ...]


NOTHING = Merged(0.0, 0.0, EMPTY, ())
_MOST_DETAILS = 8


def merge_rows(
    rows: Sequence[MeasureRow], number: IntArray, group_count: int
) -> list[Merged]:
    """Rows merged by the number of their group, 0 to `group_count` - 1."""
    if not rows:
        return [NOTHING] * group_count
    columns = dict(zip(FIELDS, zip(*rows, strict=True), strict=True))
    found = histograms(group_count, _cells(columns, number), _bounds(columns, number))
    counts, failures = (
        np.bincount(number, weights=values, minlength=group_count).tolist()
        for values in (columns["count"], columns["failed"])
    )
    details = _details(columns, number, group_count)
    return list(map(Merged, counts, failures, found, details))


def merge_by_subject(rows: Sequence[MeasureRow]) -> tuple[list[int], list[Merged]]:
    """The ids of the subjects, ascending, and the rows of each merged."""
    ids, number = np.unique([row.subject_id for row in rows], return_inverse=True)
    merged = merge_rows(rows, number.astype(np.int64), len(ids))
    return [int(each) for each in ids], merged


def _cells(columns: dict[str, tuple[Any, ...]], number: IntArray) -> Cells:
    lengths = [len(each) // 2 for each in columns["buckets"]]
    return Cells(
        np.repeat(number, lengths),
        np.frombuffer(b"".join(columns["buckets"]), "<i2").astype(np.int64),
        np.frombuffer(b"".join(columns["weights"]), "<f8"),
    )


def _bounds(columns: dict[str, tuple[Any, ...]], number: IntArray) -> Bounds:
    # A row without a histogram bounds nothing.
    some = np.flatnonzero([len(each) > 0 for each in columns["buckets"]])
    return Bounds(
        number[some],
        np.array(columns["min_nano"], np.int64)[some],
        np.array(columns["max_nano"], np.int64)[some],
        np.array(columns["sum_nano"])[some],
        np.array(columns["weight_squares"])[some],
    )


def _details(
    columns: dict[str, tuple[Any, ...]], number: IntArray, count: int
) -> list[tuple[str, ...]]:
    found: list[list[str]] = [[] for _ in range(count)]
    for at in np.argsort(
        -np.array(columns["max_nano"], np.int64), kind="stable"
    ).tolist():
        own = found[number[at]]
        if columns["details"][at] and len(own) < _MOST_DETAILS:
            own.append(columns["details"][at])
    return [tuple(each) for each in found]
