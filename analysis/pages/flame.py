"""A flame graph of call paths as boxes: a row a level, as wide as the time below it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from analysis.histogram import FloatArray
from analysis.paths import Paths
from traces.tree import NO_PARENT

ROW_HEIGHT: Final = 20
MOST_BOXES: Final = 1_500
# Narrower ones could not be seen; percent of the width.
LEAST_PERCENT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Box:
    """`x` and `width` are percent, `y` pixels; `nano` is with all below it."""

    path: int
    x: float
    width: float
    y: int
    nano: float


@dataclass(frozen=True, slots=True)
class Flame:
    boxes: list[Box]
    height: int
    left_out: int


def with_below(paths: Paths, own_nano: FloatArray) -> FloatArray:
    """Of every path its own time and that of all paths that continue it."""
    total = own_nano.copy()
    order = np.argsort(paths.depth, kind="stable")
    borders = np.concatenate(([0], np.cumsum(np.bincount(paths.depth))))
    for begin, end in reversed(list(pairwise(borders.tolist()))):
        deepest = order[begin:end]
        inner = deepest[paths.parent[deepest] != NO_PARENT]
        np.add.at(total, paths.parent[inner], total[inner])
    return total


def flame(paths: Paths, own_nano: FloatArray, order_by: FloatArray, top: int) -> Flame:
    """Of `top` and what is below it; siblings by descending `order_by`, so that they
    stand in the same order however the times change."""
    total = with_below(paths, own_nano)
    whole = float(total[top])
    if whole <= 0:
        return Flame([], 0, 0)
    children = _children(paths, order_by)
    boxes: list[Box] = []
    left_out = 0
    waiting = [(top, 0.0, 0)]
    # A loop over paths that can be seen, not over spans.
    while waiting:
        path, x, level = waiting.pop()
        width = 100 * float(total[path]) / whole
        if width < LEAST_PERCENT or len(boxes) >= MOST_BOXES:
            left_out += 1
            continue
        y = level * ROW_HEIGHT
        nano = float(total[path])
        boxes.append(Box(path, round(x, 4), round(width, 4), y, nano))
        for child in children.get(path, []):
            waiting.append((child, x, level + 1))
            x += 100 * float(total[child]) / whole
    height = max(box.y for box in boxes) + ROW_HEIGHT
    return Flame(boxes, height, left_out)


def _children(paths: Paths, order_by: FloatArray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for path in np.argsort(-order_by, kind="stable").tolist():
        found.setdefault(int(paths.parent[path]), []).append(path)
    return found
