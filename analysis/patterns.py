"""Which of a few conditions rows satisfy, and how many do: rows with the same answers
are one pattern, so that any two conditions are compared without looking at rows again."""

from dataclasses import dataclass

import numpy as np

from analysis.grouping import groups, sums
from analysis.histogram import FloatArray, IntArray
from analysis.value_sets import phi
from traces.tree import BoolArray


@dataclass(frozen=True, slots=True)
class Patterns:
    """`holds` by pattern and condition; by pattern the weight of what is selected and of
    all, and the rows that are selected. `scale` turns weights into rows that tell as
    much."""

    holds: FloatArray
    selected: FloatArray
    every: FloatArray
    rows: FloatArray
    scale: float

    def both(self, weight: FloatArray) -> FloatArray:
        """The weight for which two conditions hold, by pair; each with itself too."""
        found: FloatArray = self.holds.T @ (weight[:, None] * self.holds)
        return found

    @property
    def phis(self) -> FloatArray:
        """Of both of two conditions, by pair."""
        has, every = self.both(self.selected), self.both(self.every)
        return phi(has, every, self.selected.sum(), float(self.every.sum()))

    def joined(self, first: int, second: int) -> FloatArray:
        """By pattern, whether both conditions hold."""
        found: FloatArray = self.holds[:, first] * self.holds[:, second]
        return found

    def z_within(self, condition: FloatArray, strata: FloatArray) -> float:
        """How far (Cochran, Mantel, Haenszel) what is selected has the condition more
        often than the rest, in standard deviations, given that the strata's condition
        holds or does not. Conditions are by pattern."""
        excess = variance = 0.0
        for stratum in (strata, 1 - strata):
            every = float(self.every @ stratum) * self.scale
            has = float(self.every @ (stratum * condition)) * self.scale
            within = float(self.selected @ stratum) * self.scale
            both = float(self.selected @ (stratum * condition)) * self.scale
            if every <= 1:
                continue
            excess += both - has * within / every
            rest = (every - has) * (every - within)
            variance += has * within * rest / (every**2 * (every - 1))
        return excess / variance**0.5 if variance > 1e-9 else 0.0


def patterns(
    conditions: list[BoolArray], selected: BoolArray, weight: FloatArray
) -> Patterns:
    """Of at most 62 conditions by row: each is a bit."""
    bits = np.zeros(len(selected), np.int64)
    for at, holds in enumerate(conditions):
        if holds.any():
            bits |= holds.astype(np.int64) << at
    found = groups(bits)
    count = len(found)
    places = np.arange(len(conditions))
    answers = bits[found.first][:, None] >> places & 1
    number = found.number[selected]
    return Patterns(
        answers.astype(np.float64),
        sums(number, weight[selected], count),
        sums(found.number, weight, count),
        np.bincount(number, minlength=count).astype(np.float64),
        float(weight.sum() / (weight @ weight)) if len(weight) else 1.0,
    )


def agreement(found: Patterns) -> FloatArray:
    """By pair of conditions, of what has either the share that has both.

    Not of all: of rare conditions any two agree in most rows.
    """
    both = found.both(found.every)
    alone = both.diagonal()
    either = alone[:, None] + alone[None] - both
    share: FloatArray = both / np.where(either > 0, either, 1.0)
    return share


def leaders(agreement_: FloatArray, least: float) -> IntArray:
    """By condition the first that holds for the same, itself if none does."""
    same = agreement_ >= least
    leader = np.arange(len(same))
    for at in range(len(same)):
        leading = np.flatnonzero(same[at, :at] & (leader[:at] == np.arange(at)))
        leader[at] = leading[0] if len(leading) else at
    return leader
