"""The order of points within their layers, so that few edges cross."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from analysis.histogram import FloatArray, IntArray
from analysis.layering import Layering

SWEEPS: Final = 12


class Stretch(NamedTuple):
    """The parts of edges between two neighbouring layers, as points."""

    left: IntArray
    right: IntArray


def stretches(layering: Layering) -> list[Stretch]:
    """One for each gap between layers; what spans several is in none."""
    layer = {at: n for n, points in enumerate(layering.layers) for at in points}
    parts: list[list[tuple[int, int]]] = [[] for _ in layering.layers[1:]]
    for chain in layering.chains:
        for left, right in pairwise(chain):
            if layer[right] == layer[left] + 1:
                parts[layer[left]].append((left, right))
    arrays = (np.array(sorted(each), np.int64).reshape(-1, 2) for each in parts)
    return [Stretch(*array.T) for array in arrays]


def ordered(layering: Layering, between: Sequence[Stretch]) -> tuple[list[int], ...]:
    """The layers, each in the best order that was found.

    Every sweep puts the points of a layer in the order of the mean place of those that
    they are tied to in the layer before, once from the left and once from the right.
    """
    layers = [np.array(points, np.int64) for points in layering.layers]
    place = np.zeros(sum(map(len, layers)))
    for points in layers:
        place[points] = np.arange(len(points))
    best, fewest = [*layers], crossings(between, place)
    for _ in range(SWEEPS):
        for at, (left, right) in enumerate(between):
            layers[at + 1] = _sorted(layers[at + 1], right, left, place)
        for at, (left, right) in reversed(list(enumerate(between))):
            layers[at] = _sorted(layers[at], left, right, place)
        count = crossings(between, place)
        if count < fewest:
            best, fewest = [*layers], count
    return tuple(points.tolist() for points in best)


def _sorted(
    points: IntArray, own: IntArray, other: IntArray, place: FloatArray
) -> IntArray:
    """Points without a tie keep their place."""
    size = len(place)
    ties = np.bincount(own, minlength=size)[points]
    means = np.bincount(own, weights=place[other], minlength=size)[points]
    wanted = np.where(ties > 0, means / np.maximum(ties, 1), place[points])
    points = points[np.argsort(wanted, kind="stable")]
    place[points] = np.arange(len(points))
    return points


def crossings(between: Sequence[Stretch], place: FloatArray) -> int:
    return sum(_crossings(place[left], place[right]) for left, right in between)


def _crossings(left: FloatArray, right: FloatArray) -> int:
    """Pairs that are in one order on the left and in the other on the right.

    A step of plain Python for each part of an edge, of which there are some thousands.
    """
    seen: list[float] = []
    count = 0
    for each in right[np.lexsort((right, left))].tolist():
        count += len(seen) - bisect_right(seen, each)
        insort(seen, each)
    return count
