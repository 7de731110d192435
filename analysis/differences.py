"""What differs between a selection and the rest of the same population.

For each key the set of values that tells the two apart best; of those that chance does
not explain, the strongest first. What says the same is one difference with aliases, what
differs only because of something stronger is folded under it, and two conditions that
tell more together than alone are told together.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.histogram import FloatArray, IntArray
from analysis.patterns import Patterns, leaders, patterns
from analysis.value_columns import Encoded, Range, Value, ValueColumn, encode
from analysis.value_sets import (
    LEAST_SUPPORT,
    NOISE_QUANTILE,
    SHUFFLES,
    Labels,
    best_sets,
)
from traces.tree import BoolArray

LEAST_AGREEMENT: Final = 0.99
# A key that fewer of the rest have is a consequence of what was selected, or its name.
LEAST_PRESENCE: Final = 0.005
SAME_AS_SELECTION: Final = 0.99
PAIR_GAIN: Final = 1.2
MOST_PAIRS: Final = 3
LEAST_Z: Final = 2.0
MOST_EXAMPLES: Final = 3
MOST_KEPT: Final = 40


@dataclass(frozen=True, slots=True)
class Condition:
    """A key has one of these values, of `of` that it has at all."""

    key: str
    values: tuple[Value, ...]
    of: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What satisfies all conditions: weighted counts of the selection and of the rest.

    `examples` are rows of the selection. `aliases` hold for the same rows, `folded`
    differ no more once this is taken into account.
    """

    conditions: tuple[Condition, ...]
    selected: float
    rest: float
    phi: float
    examples: tuple[int, ...] = ()
    aliases: tuple[Condition, ...] = ()
    folded: tuple["Difference", ...] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """`selected` and `rest` are weighted counts of all, `..._rows` unweighted ones.

    `noise` is the phi that one shuffled selection in a hundred reaches, `highest` the
    highest that was found. `symptoms` may as well follow from what was selected as
    cause it. `left_out` tells why of each key that was not looked at.
    """

    found: tuple[Difference, ...]
    symptoms: tuple[Difference, ...]
    selected: float
    rest: float
    selected_rows: int
    rest_rows: int
    noise: float
    highest: float
    keys: int
    left_out: dict[str, str]

    @property
    def is_enough(self) -> bool:
        return min(self.selected_rows, self.rest_rows) >= LEAST_SUPPORT


def differences(
    table: pa.Table,
    selected: BoolArray,
    weight: FloatArray | None = None,
    *,
    given: Collection[str] = (),
    consequences: Collection[str] = (),
    seed: int = 0,
) -> Differences:
    """`table` has a row for each trace or span and a column of text for each key.

    `given` are keys that the selection was made by, which say nothing. `consequences`
    are never taken for causes. The same question gets the same answer.
    """
    weight = np.ones(len(selected)) if weight is None else weight
    keys = [key for key in table.column_names if key not in given]
    encoded = encode(table.select(keys), ~selected)
    labels = Labels(selected, weight)
    rows = len(labels.places), len(selected) - len(labels.places)
    empty = _nothing(encoded, labels, rows)
    if not empty.is_enough or not encoded.columns:
        return empty
    ranked = _rank(encoded.columns, labels)
    noise = _noise(encoded.columns, labels, seed)
    kept = [each for each in ranked if each.phi > noise][:MOST_KEPT]
    found, symptoms = _told(kept, labels, frozenset(consequences))
    return replace(
        empty, found=found, symptoms=symptoms, noise=noise, highest=ranked[0].phi
    )


def _nothing(encoded: Encoded, labels: Labels, rows: tuple[int, int]) -> Differences:
    selected = float(labels.weight[labels.places].sum())
    return Differences(
        found=(),
        symptoms=(),
        selected=selected,
        rest=float(labels.weight.sum()) - selected,
        selected_rows=rows[0],
        rest_rows=rows[1],
        noise=0.0,
        highest=0.0,
        keys=len(encoded.columns),
        left_out=encoded.left_out,
    )


@dataclass(frozen=True, slots=True)
class _Ranked:
    column: ValueColumn
    chosen: BoolArray
    phi: float

    @property
    def holds(self) -> BoolArray:
        found: BoolArray = self.chosen[self.column.code]
        return found

    @property
    def condition(self) -> Condition:
        places = np.flatnonzero(self.chosen)
        values = tuple(sorted((self.column.values[at] for at in places), key=_place))
        return Condition(self.column.key, values, len(self.column.values))


def _place(value: Value) -> tuple[int, float, str]:
    """Ranges ascending, then texts, then that there is none."""
    if isinstance(value, Range):
        return 0, -np.inf if value.low is None else value.low, ""
    return (1, 0.0, value) if value is not None else (2, 0.0, "")


def _rank(columns: Collection[ValueColumn], labels: Labels) -> list[_Ranked]:
    found = []
    for column in columns:
        best = best_sets(labels.counts(column))
        found.append(_Ranked(column, best.chosen[0], float(best.phi[0])))
    # Of what says the same the shorter leads: one version before its three pods.
    return sorted(found, key=lambda each: (-round(each.phi, 3), each.chosen.sum()))


def _noise(columns: Collection[ValueColumn], labels: Labels, seed: int) -> float:
    random = np.random.default_rng(seed)
    highest = np.zeros(SHUFFLES)
    for column in columns:
        by_chance = best_sets(labels.shuffled(column, random)).phi
        highest = np.maximum(highest, by_chance)
    return float(np.quantile(highest, NOISE_QUANTILE, method="higher"))


def _told(
    kept: list[_Ranked], labels: Labels, consequences: frozenset[str]
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Differences with aliases, pairs and folds, and the symptoms among them."""
    is_symptom = [_is_symptom(each, labels, consequences) for each in kept]
    causes = [each for each, odd in zip(kept, is_symptom, strict=True) if not odd]
    symptoms = [each for each, odd in zip(kept, is_symptom, strict=True) if odd]
    return (
        _Telling(causes, labels).differences() if causes else (),
        tuple(each for each, _ in _Telling(symptoms, labels).leading())
        if symptoms
        else (),
    )


def _is_symptom(ranked: _Ranked, labels: Labels, consequences: frozenset[str]) -> bool:
    if ranked.phi > SAME_AS_SELECTION or ranked.column.key in consequences:
        return True
    values = ranked.column.values
    missing = values.index(None) if None in values else -1
    rest = ~labels.selected
    present = rest & (ranked.column.code != missing)
    share = labels.weight[present].sum() / labels.weight[rest].sum()
    return bool(share < LEAST_PRESENCE)


_Placed = tuple[Difference, tuple[int, ...]]
"""With the places of its conditions."""


class _Telling:
    """Ranked conditions, compared with each other by the patterns they make."""

    def __init__(self, kept: list[_Ranked], labels: Labels) -> None:
        self.kept = kept
        self.holds = [each.holds for each in kept]
        self.labels = labels
        self.patterns = patterns(self.holds, labels.selected, labels.weight)

    def leading(self) -> list[tuple[Difference, int]]:
        """Those that are no alias of another, each with its place."""
        leader = leaders(self.patterns, LEAST_AGREEMENT)
        return [
            (self._difference((at,), _aliases(self.kept, leader, at)), at)
            for at in range(len(self.kept))
            if leader[at] == at
        ]

    def differences(self) -> tuple[Difference, ...]:
        singles = self.leading()
        pairs = self._pairs([at for _, at in singles])
        found: list[_Placed] = [(each, (at,)) for each, at in singles]
        found += [(self._difference(pair, ()), pair) for pair in pairs]
        found.sort(key=lambda each: -each[0].phi)
        return _fold(found, self.patterns)

    def _pairs(self, places: list[int]) -> list[tuple[int, int]]:
        """The best of those that tell more together, no condition in two of them."""
        phis, rows = self.patterns.phis, self.patterns.both(self.patterns.rows)
        better = sorted(
            (-phis[one, other], one, other)
            for at, one in enumerate(places)
            for other in places[at + 1 :]
            if rows[one, other] >= LEAST_SUPPORT
            and phis[one, other] > PAIR_GAIN * max(phis[one, one], phis[other, other])
        )
        found: list[tuple[int, int]] = []
        for _, one, other in better:
            if not {one, other} & {at for pair in found for at in pair}:
                found.append((one, other))
        return found[:MOST_PAIRS]

    def _difference(
        self, places: tuple[int, ...], aliases: tuple[Condition, ...]
    ) -> Difference:
        first, last = places[0], places[-1]
        found, joined = self.patterns, self.patterns.joined(first, last)
        selected = float(found.selected @ joined)
        return Difference(
            tuple(self.kept[at].condition for at in places),
            selected,
            float(found.every @ joined) - selected,
            float(found.phis[first, last]),
            self._examples(places),
            aliases,
        )

    def _examples(self, places: tuple[int, ...]) -> tuple[int, ...]:
        rows: IntArray = self.labels.places
        for at in places:
            rows = rows[self.holds[at][rows]]
        return tuple(rows[:MOST_EXAMPLES].tolist())


def _aliases(kept: list[_Ranked], leader: IntArray, at: int) -> tuple[Condition, ...]:
    others = np.flatnonzero(leader == at)
    return tuple(kept[other].condition for other in others if other != at)


def _fold(found: list[_Placed], patterns_: Patterns) -> tuple[Difference, ...]:
    """What a stronger one explains goes under it; the halves of a pair stay."""
    told: list[_Placed] = []
    folded: dict[int, list[Difference]] = {}
    for difference, places in found:
        condition = patterns_.joined(places[0], places[-1])
        for number, (_, others) in enumerate(told):
            strata = patterns_.joined(others[0], others[-1])
            related = set(places) & set(others)
            if not related and patterns_.z_within(condition, strata) < LEAST_Z:
                folded.setdefault(number, []).append(difference)
                break
        else:
            told.append((difference, places))
    return tuple(
        replace(difference, folded=tuple(folded.get(number, ())))
        for number, (difference, _) in enumerate(told)
    )
