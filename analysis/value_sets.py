"""The set of a key's values that tells a selection best from the rest, and by how much
chance alone would do so.

How well is phi, the correlation of having one of the values with being selected: 1 where
the two are the same. Chance is measured: labels are dealt anew, as many as before, and the
best set of every key is looked for again. As only counts matter, they are drawn from the
distribution that shuffled labels have, a key at a time; that keys depend on each other is
left out, which can only raise the highest of all.
"""

from typing import Final, NamedTuple

import numpy as np

from analysis.grouping import sums
from analysis.histogram import FloatArray, IntArray
from analysis.value_columns import ValueColumn
from traces.tree import BoolArray

SHUFFLES: Final = 200
NOISE_QUANTILE: Final = 0.99
LEAST_SUPPORT: Final = 5
# Weights that differ more than this are put together, for the shuffles only.
MOST_WEIGHTS: Final = 16


class Counts(NamedTuple):
    """Of one key, by label and value: `rows` and `weight` of what is selected. `total`
    is the weight of all, by value, `usual` that of a row."""

    rows: IntArray
    weight: FloatArray
    total: FloatArray
    usual: float


class Best(NamedTuple):
    """By label: phi of the best set (0 without one), and which values are in it."""

    phi: FloatArray
    chosen: BoolArray


def phi(
    selected: FloatArray, all_: FloatArray, within: FloatArray, of: float
) -> FloatArray:
    """Of `all_` that have a property `selected` are selected; of `of`, `within` are."""
    spread = np.sqrt(
        all_ * np.maximum(of - all_, 0) * within * np.maximum(of - within, 0)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = (selected * of - all_ * within) / spread
    return np.where(spread > 0, found, 0.0)


def best_sets(counts: Counts) -> Best:
    """Values by how much of them is selected, cut where phi is highest.

    Values with little support are in no set, nor is what stands behind the last value.
    """
    rows, weight, total, usual = counts
    whole = float(total.sum())
    within = weight.sum(axis=1, keepdims=True)
    # One more of the usual kind, so that few of few do not lead.
    rate = (weight + usual * within / whole) / (total + usual)
    eligible = (rows >= LEAST_SUPPORT) & (total > 0)
    rate = np.where(eligible, rate, -1.0)
    order = np.argsort(-rate, axis=1, kind="stable")
    ranked = np.take_along_axis(eligible, order, axis=1)
    has = np.cumsum(np.take_along_axis(weight, order, axis=1) * ranked, axis=1)
    every = np.cumsum(total[order] * ranked, axis=1)
    found = np.where(ranked, phi(has, every, within, whole), 0.0)
    best = found.argmax(axis=1)
    highest = found[np.arange(len(best)), best]
    chosen = np.zeros(rate.shape, bool)
    first = np.arange(rate.shape[1]) <= best[:, None]
    np.put_along_axis(chosen, order, first & (highest > 0)[:, None], axis=1)
    return Best(np.maximum(highest, 0.0), chosen)


class Labels:
    """The selection over weighted rows: counts by value, as it is and shuffled."""

    def __init__(self, selected: BoolArray, weight: FloatArray) -> None:
        self.selected = selected
        self.weight = weight
        self.places = np.flatnonzero(selected)
        self.classes, self.class_weight = _classes(weight)
        self.usual = float(weight.mean()) if len(weight) else 1.0

    def counts(self, column: ValueColumn) -> Counts:
        size = len(column.values) + 1
        code = column.code[self.places]
        rows = np.bincount(code, minlength=size)
        weight = sums(code, self.weight[self.places], size)
        total = sums(column.code, self.weight, size)
        return _without_rest(Counts(rows[None], weight[None], total, self.usual))

    def shuffled(self, column: ValueColumn, random: np.random.Generator) -> Counts:
        """A line for each of SHUFFLES shuffles, in which rows keep their weights."""
        size = len(column.values) + 1
        cell = column.code
        if len(self.class_weight) > 1:
            cell = self.classes * size + column.code
        cells = np.bincount(cell, minlength=size * len(self.class_weight))
        drawn = random.multivariate_hypergeometric(
            cells, len(self.places), SHUFFLES, method="marginals"
        ).reshape(SHUFFLES, -1, size)
        total = self.class_weight @ cells.reshape(-1, size)
        weight = np.einsum("c,dcv->dv", self.class_weight, drawn)
        return _without_rest(Counts(drawn.sum(axis=1), weight, total, self.usual))


def _without_rest(counts: Counts) -> Counts:
    """What stands behind the last value counts, but has no support."""
    counts.rows[:, -1] = 0
    return counts


def _classes(weight: FloatArray) -> tuple[IntArray, FloatArray]:
    """A class for each row, and the weight of each class."""
    different, number = np.unique(weight, return_inverse=True)
    if len(different) <= MOST_WEIGHTS:
        return number, different
    steps = np.linspace(0, len(different), MOST_WEIGHTS + 1)[1:-1]
    number = np.searchsorted(steps, number, side="right")
    count = np.bincount(number, minlength=MOST_WEIGHTS)
    sums = np.bincount(number, weight, MOST_WEIGHTS)
    return number, sums / np.maximum(count, 1)
