"""Figures: what was measured, what is hoped for, and how they are written down."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MICRO: Final = 1e6
MS: Final = 1e3
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; without a target it is there to compare with."""

    name: str
    measured: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        return self.target is None or self.measured <= self.target


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: the least value that `percent` % of all do not exceed."""
    ordered = sorted(values)
    rank = math.ceil(len(ordered) * percent / 100)
    return ordered[max(rank, 1) - 1]


def shown(value: float, unit: str) -> str:
    """Three digits that matter, whole above a hundred."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def table(figures: Sequence[Figure]) -> str:
    """As Markdown."""
    lines = ["| figure | measured | at most | |", "|---|---:|---:|---|"]
    lines += [_row(figure) for figure in figures]
    return "\n".join(lines)


def _row(figure: Figure) -> str:
    target = "" if figure.target is None else shown(figure.target, figure.unit)
    verdict = "" if figure.is_met else "**missed**"
    remark = "; ".join(filter(None, [verdict, figure.note]))
    measured = shown(figure.measured, figure.unit)
    return f"| {figure.name} | {measured} | {target} | {remark} |"
