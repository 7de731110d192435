"""Conditions that differ, told in order: what says the same is one difference with
aliases, what differs only because of something stronger is folded under it, and two
that tell more together than alone are told together.

Some conditions are known of all rows, some of a part of them only. What is asked of
both kinds together is answered by that part.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from analysis.histogram import FloatArray, IntArray
from analysis.patterns import Patterns, agreement, leaders, patterns
from analysis.value_columns import Range, Value, ValueColumn
from analysis.value_sets import LEAST_SUPPORT, Labels
from traces.tree import BoolArray

LEAST_AGREEMENT: Final = 0.99
PAIR_GAIN: Final = 1.2
MOST_PAIRS: Final = 3
LEAST_Z: Final = 2.0
MOST_EXAMPLES: Final = 3


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
    differ no more once this is taken into account. `is_sampled` when it is known of a
    part of the rows only, by which the counts are estimated.
    """

    conditions: tuple[Condition, ...]
    selected: float
    rest: float
    phi: float
    examples: tuple[int, ...] = ()
    aliases: tuple[Condition, ...] = ()
    folded: tuple["Difference", ...] = ()
    is_sampled: bool = False


class Ground(NamedTuple):
    """Rows by which conditions are judged; `rows` are those of all."""

    labels: Labels
    rows: IntArray


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best values of a column, by how well they tell."""

    column: ValueColumn
    chosen: BoolArray
    phi: float
    is_sampled: bool = False

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


_Placed = tuple[Difference, tuple[int, ...]]
"""With the places of its conditions."""


class Telling:
    """Ranked conditions, compared with each other by the patterns they make."""

    def __init__(self, kept: list[Ranked], whole: Ground, sample: Ground) -> None:
        """`sample` is asked only if there are conditions that are known by it."""
        self.kept = kept
        self.sampled = np.array([each.is_sampled for each in kept], bool)
        self.whole = _Judged(whole, [_of_all(each, whole) for each in kept])
        self.sample = self.whole
        if self.sampled.any():
            self.sample = _Judged(sample, [_of_some(each, sample) for each in kept])

    def leading(self) -> list[tuple[Difference, int]]:
        """Those that are no alias of another, each with its place."""
        leader = leaders(self._of_pairs(agreement), LEAST_AGREEMENT)
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
        return self._fold(found)

    def _by(self, *places: int) -> "_Judged":
        return self.sample if self.sampled[list(places)].any() else self.whole

    def _of_pairs(self, ask: Callable[[Patterns], FloatArray]) -> FloatArray:
        """What is asked of any two, each pair by what knows both."""
        asked = ask(self.whole.patterns)
        if not self.sampled.any():
            return asked
        either = self.sampled[:, None] | self.sampled[None]
        return np.where(either, ask(self.sample.patterns), asked)

    def _pairs(self, places: list[int]) -> list[tuple[int, int]]:
        """The best of those that tell more together, no condition in two of them."""
        phis = self._of_pairs(lambda found: found.phis)
        gains = self._of_pairs(_gains)
        rows = self._of_pairs(lambda found: found.both(found.rows))
        better = sorted(
            (-phis[one, other], one, other)
            for at, one in enumerate(places)
            for other in places[at + 1 :]
            if rows[one, other] >= LEAST_SUPPORT and gains[one, other] > PAIR_GAIN
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
        judged = self._by(*places)
        found, joined = judged.patterns, judged.patterns.joined(first, last)
        selected = float(found.selected @ joined)
        return Difference(
            tuple(self.kept[at].condition for at in places),
            selected,
            float(found.every @ joined) - selected,
            float(found.phis[first, last]),
            judged.examples(places),
            aliases,
            is_sampled=bool(self.sampled[list(places)].any()),
        )

    def _fold(self, found: list[_Placed]) -> tuple[Difference, ...]:
        """What a stronger one explains goes under it; the halves of a pair stay."""
        told: list[_Placed] = []
        folded: dict[int, list[Difference]] = {}
        for difference, places in found:
            for number, (_, others) in enumerate(told):
                if not set(places) & set(others) and self._explains(others, places):
                    folded.setdefault(number, []).append(difference)
                    break
            else:
                told.append((difference, places))
        return tuple(
            replace(difference, folded=tuple(folded.get(number, ())))
            for number, (difference, _) in enumerate(told)
        )

    def _explains(self, others: tuple[int, ...], places: tuple[int, ...]) -> bool:
        found = self._by(*others, *places).patterns
        condition = found.joined(places[0], places[-1])
        strata = found.joined(others[0], others[-1])
        return found.z_within(condition, strata) < LEAST_Z


class _Judged:
    """Conditions by the rows of a ground."""

    def __init__(self, ground: Ground, holds: list[BoolArray]) -> None:
        self.ground = ground
        self.holds = holds
        labels = ground.labels
        self.patterns = patterns(holds, labels.selected, labels.weight)

    def examples(self, places: tuple[int, ...]) -> tuple[int, ...]:
        rows: IntArray = self.ground.labels.places
        for at in places:
            rows = rows[self.holds[at][rows]]
        return tuple(self.ground.rows[rows[:MOST_EXAMPLES]].tolist())


def _of_all(ranked: Ranked, whole: Ground) -> BoolArray:
    """Of a condition that is known of some rows nothing is asked by all of them."""
    return np.zeros(len(whole.rows), bool) if ranked.is_sampled else ranked.holds


def _of_some(ranked: Ranked, sample: Ground) -> BoolArray:
    if ranked.is_sampled:
        return ranked.holds
    found: BoolArray = ranked.chosen[ranked.column.code[sample.rows]]
    return found


def _gains(found: Patterns) -> FloatArray:
    """By pair, how many times as much both tell as the better of the two."""
    phis = found.phis
    alone = phis.diagonal()
    better = np.maximum(alone[:, None], alone[None])
    gains: FloatArray = phis / np.where(better > 0, better, np.inf)
    return gains


def _aliases(kept: list[Ranked], leader: IntArray, at: int) -> tuple[Condition, ...]:
    others = np.flatnonzero(leader == at)
    return tuple(kept[other].condition for other in others if other != at)
