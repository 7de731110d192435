"""The requests to an entry operation: trees whose root it is, and how slow each was.

A request is counted with the weight of its rarest span: the whole tree was kept only
where that one was.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.forest import Forest
from analysis.histogram import FloatArray, IntArray

# Bands of percentiles of the duration, [0, 50) [50, 90) [90, 99) [99, 100].
BAND_BORDERS: Final = (0.5, 0.9, 0.99)
BAND_NAMES: Final = ("0-50", "50-90", "90-99", "99-100")
BAND_COUNT: Final = len(BAND_NAMES)


@dataclass(frozen=True, slots=True)
class Requests:
    """By request, from the shortest to the longest; `of` is that of each row, or -1."""

    of: IntArray
    root: IntArray
    duration_nano: IntArray
    weight: FloatArray
    band: IntArray

    def __len__(self) -> int:
        return len(self.root)


def requests_to(forest: Forest, service_name: str, name: str) -> Requests:
    """Of every root with this service and span name, those without a parent or not."""
    roots = forest.roots
    chosen = _code(forest.services, service_name) == forest.service[roots]
    roots = roots[chosen & (forest.name[roots] == _code(forest.names, name))]
    duration = (forest.end - forest.start)[roots]
    order = np.lexsort((roots, duration))
    roots, duration = roots[order], duration[order]
    of = np.full(len(forest), -1)
    of[roots] = np.arange(len(roots))
    for rows in forest.levels[1:]:
        of[rows] = of[forest.parent[rows]]
    weight = _rarest(forest, of, len(roots))
    return Requests(of, roots, duration, weight, _bands(weight))


def _code(texts: tuple[str, ...], text: str) -> int:
    return texts.index(text) if text in texts else -1


def _rarest(forest: Forest, of: IntArray, count: int) -> FloatArray:
    weight = np.zeros(count)
    rows = np.flatnonzero(of >= 0)
    np.maximum.at(weight, of[rows], forest.weight[rows])
    return weight


def _bands(weight: FloatArray) -> IntArray:
    """Of requests in order: by the part of all that is shorter."""
    shorter = np.cumsum(weight) - weight
    total = float(weight.sum()) or 1.0
    # Sums of doubles: a border that is met up to rounding is met.
    found: IntArray = np.searchsorted(
        BAND_BORDERS, shorter / total * (1 + 1e-12), side="right"
    )
    return found


def quantile(ordered_nano: IntArray, weight: FloatArray, q: float) -> int | None:
    """Nearest rank among durations from the shortest up; None of nothing."""
    if not len(ordered_nano):
        return None
    cumulative = np.cumsum(weight)
    rank = q * cumulative[-1] * (1 - 1e-12)
    at = min(int(np.searchsorted(cumulative, rank)), len(ordered_nano) - 1)
    return int(ordered_nano[at])
