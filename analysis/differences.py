"""What differs between a selection and the rest of the same population.

For each key the set of values that tells the two apart best; of those that chance does
not explain, the strongest first. How they hang together: `analysis.telling`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from analysis.histogram import FloatArray, IntArray
from analysis.telling import Condition, Difference, Ground, Ranked, Telling
from analysis.value_columns import Encoded, ValueColumn, encode
from analysis.value_sets import (
    LEAST_SUPPORT,
    NOISE_QUANTILE,
    SHUFFLES,
    Labels,
    best_sets,
)
from traces.tree import BoolArray

__all__ = ["Chance", "Condition", "Difference", "Differences", "Sample", "differences"]

# A key that fewer of the rest have is a consequence of what was selected, or its name.
LEAST_PRESENCE: Final = 0.005
SAME_AS_SELECTION: Final = 0.99
MOST_KEPT: Final = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of some `rows` only, and how many each of them stands for."""

    rows: IntArray
    table: pa.Table
    weight: FloatArray


@dataclass(frozen=True, slots=True)
class Chance:
    """`noise` is the phi that one shuffled selection in a hundred reaches, `highest` the
    highest that was found, by so many rows of the selection and of the rest."""

    noise: float
    highest: float
    selected_rows: int
    rest_rows: int

    @property
    def is_enough(self) -> bool:
        return min(self.selected_rows, self.rest_rows) >= LEAST_SUPPORT


@dataclass(frozen=True, slots=True)
class Differences:
    """`selected` and `rest` are weighted counts of all.

    `chance` is that of the keys that are known of all rows, `sampled` that of the others.
    `symptoms` may as well follow from what was selected as cause it. `left_out` tells
    why of each key that was not looked at.
    """

    found: tuple[Difference, ...]
    symptoms: tuple[Difference, ...]
    selected: float
    rest: float
    chance: Chance
    sampled: Chance | None
    keys: int
    left_out: dict[str, str]

    @property
    def is_enough(self) -> bool:
        return self.chance.is_enough


class _Known(NamedTuple):
    """Keys, and the rows that they are known of."""

    encoded: Encoded
    ground: Ground
    chance: Chance
    ranked: list[Ranked]

    @property
    def kept(self) -> list[Ranked]:
        return [each for each in self.ranked if each.phi > self.chance.noise]


def differences(
    table: pa.Table,
    selected: BoolArray,
    weight: FloatArray | None = None,
    *,
    sample: Sample | None = None,
    given: Collection[str] = (),
    consequences: Collection[str] = (),
    seed: int = 0,
) -> Differences:
    """`table` has a row for each trace or span and a column of text for each key.

    `given` are keys that the selection was made by, which say nothing. `consequences`
    are never taken for causes. The same question gets the same answer.
    """
    weight = np.ones(len(selected)) if weight is None else weight
    whole = _known(
        _without(table, given),
        Ground(Labels(selected, weight), np.arange(len(selected))),
        seed,
    )
    some = whole
    if sample is not None:
        labels = Labels(selected[sample.rows], sample.weight)
        ground = Ground(labels, sample.rows)
        some = _known(_without(sample.table, given), ground, seed, is_sampled=True)
    found = _nothing(whole, some)
    if not found.is_enough:
        return found
    ranked = whole.kept if some is whole else [*whole.kept, *some.kept]
    causes, symptoms = _told(
        _in_order(ranked)[:MOST_KEPT], whole, some, frozenset(consequences)
    )
    return replace(found, found=causes, symptoms=symptoms)


def _without(table: pa.Table, given: Collection[str]) -> pa.Table:
    return table.select([key for key in table.column_names if key not in given])


def _known(
    table: pa.Table, ground: Ground, seed: int, *, is_sampled: bool = False
) -> _Known:
    labels = ground.labels
    encoded = encode(table, ~labels.selected)
    rows = len(labels.places), len(labels.selected) - len(labels.places)
    chance = Chance(0.0, 0.0, *rows)
    if not chance.is_enough or not encoded.columns:
        return _Known(encoded, ground, chance, [])
    ranked = _rank(encoded.columns, labels, is_sampled=is_sampled)
    highest = max(each.phi for each in ranked)
    chance = Chance(_noise(encoded.columns, labels, seed), highest, *rows)
    return _Known(encoded, ground, chance, ranked)


def _nothing(whole: _Known, some: _Known) -> Differences:
    labels = whole.ground.labels
    selected = float(labels.weight[labels.places].sum())
    has_sample = some is not whole
    more = some.encoded if has_sample else Encoded((), {})
    return Differences(
        found=(),
        symptoms=(),
        selected=selected,
        rest=float(labels.weight.sum()) - selected,
        chance=whole.chance,
        sampled=some.chance if has_sample else None,
        keys=len(whole.encoded.columns) + len(more.columns),
        left_out=whole.encoded.left_out | more.left_out,
    )


def _rank(
    columns: Collection[ValueColumn], labels: Labels, *, is_sampled: bool
) -> list[Ranked]:
    found = []
    for column in columns:
        best = best_sets(labels.counts(column))
        found.append(Ranked(column, best.chosen[0], float(best.phi[0]), is_sampled))
    return found


def _in_order(ranked: list[Ranked]) -> list[Ranked]:
    """Of what says the same the shorter leads: one version before its three pods."""
    return sorted(ranked, key=lambda each: (-round(each.phi, 3), each.chosen.sum()))


def _noise(columns: Collection[ValueColumn], labels: Labels, seed: int) -> float:
    random = np.random.default_rng(seed)
    highest = np.zeros(SHUFFLES)
    for column in columns:
        by_chance = best_sets(labels.shuffled(column, random)).phi
        highest = np.maximum(highest, by_chance)
    return float(np.quantile(highest, NOISE_QUANTILE, method="higher"))


def _told(
    kept: list[Ranked], whole: _Known, some: _Known, consequences: frozenset[str]
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Differences with aliases, pairs and folds, and the symptoms among them."""
    is_symptom = [
        _is_symptom(
            each, (some if each.is_sampled else whole).ground.labels, consequences
        )
        for each in kept
    ]
    causes = [each for each, odd in zip(kept, is_symptom, strict=True) if not odd]
    symptoms = [each for each, odd in zip(kept, is_symptom, strict=True) if odd]
    grounds = whole.ground, some.ground
    return (
        Telling(causes, *grounds).differences() if causes else (),
        tuple(each for each, _ in Telling(symptoms, *grounds).leading())
        if symptoms
        else (),
    )


def _is_symptom(ranked: Ranked, labels: Labels, consequences: frozenset[str]) -> bool:
    if ranked.phi > SAME_AS_SELECTION or ranked.column.key in consequences:
        return True
    values = ranked.column.values
    missing = values.index(None) if None in values else -1
    rest = ~labels.selected
    present = rest & (ranked.column.code != missing)
    share = labels.weight[present].sum() / labels.weight[rest].sum()
    return bool(share < LEAST_PRESENCE)
