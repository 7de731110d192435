"""How high the points of ordered layers lie: near what they are tied to, and apart."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from analysis.histogram import FloatArray, IntArray
from analysis.ordering import Stretch

PASSES: Final = 8
NODE_GAP: Final = 20.0
BEND_GAP: Final = 10.0
# A long edge is easier to follow straight than a short one.
_BEND_WEIGHT: Final = 4.0


def heights(
    layers: Sequence[Sequence[int]],
    between: Sequence[Stretch],
    node_count: int,
    node_height: float,
) -> FloatArray:
    """By point the height of its middle, downwards; points from `node_count` are bends."""
    tall = np.zeros(sum(map(len, layers)))
    tall[:node_count] = node_height
    rows = [np.array(points, np.int64) for points in layers]
    offsets = [_offsets(tall[row]) for row in rows]
    middle = np.zeros(len(tall))
    for row, offset in zip(rows, offsets, strict=True):
        middle[row] = offset - offset[-1] / 2
    for at in range(PASSES):
        order = range(len(rows)) if at % 2 == 0 else reversed(range(len(rows)))
        for layer in order:
            wanted, weight = _wanted(layer, rows[layer], between, middle, node_count)
            middle[rows[layer]] = _apart(wanted, weight, offsets[layer])
    return middle


def _offsets(tall: FloatArray) -> FloatArray:
    """How far below the first each point lies when all are as close as they may be."""
    gap = np.where(tall > 0, NODE_GAP, BEND_GAP)
    steps = (tall[1:] + tall[:-1]) / 2 + (gap[1:] + gap[:-1]) / 2
    return np.concatenate(([0.0], np.cumsum(steps)))


def _wanted(
    layer: int,
    row: IntArray,
    between: Sequence[Stretch],
    middle: FloatArray,
    node_count: int,
) -> tuple[FloatArray, FloatArray]:
    """The mean height of what each point is tied to on both sides, and the ties."""
    size = len(middle)
    total, weight = np.zeros(size), np.zeros(size)
    before = [(each.right, each.left) for each in between[layer - 1 : layer]]
    after = [(each.left, each.right) for each in between[layer : layer + 1]]
    for own, other in before + after:
        strength = np.where(
            (own >= node_count) & (other >= node_count), _BEND_WEIGHT, 1
        )
        total += np.bincount(own, weights=middle[other] * strength, minlength=size)
        weight += np.bincount(own, weights=strength, minlength=size)
    total, weight = total[row], weight[row]
    return total / np.maximum(weight, 1), weight


def _apart(wanted: FloatArray, weight: FloatArray, offset: FloatArray) -> FloatArray:
    """The heights nearest to those wanted that keep the order and the distances.

    Without the distances they must only not descend: whatever does is pooled with its
    neighbours at their weighted mean. A step of plain Python for each point.
    """
    pools: list[tuple[float, float, int]] = []
    wants = (wanted - offset).tolist()
    for height, own in zip(wants, np.maximum(weight, 0.01).tolist(), strict=True):
        pool = (height, own, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, before, count = pools.pop()
            both = before + pool[1]
            height = (mean * before + pool[0] * pool[1]) / both
            pool = (height, both, count + pool[2])
        pools.append(pool)
    values, _, counts = zip(*pools, strict=True)
    return np.repeat(values, counts) + offset
