"""The map as a drawing: where its nodes lie, how wide and red its edges are."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from analysis.layering import Link
from analysis.layout import Box, EdgePath, Point, layout
from analysis.pages.map_rows import EdgeRow, NodeRow, node_rows

THINNEST: Final = 1.5
WIDEST: Final = 7.0
WIDEST_OF_MANY: Final = 4.0
# The widest edge has at least so many times the calls of the thinnest: edges that
# differ little look alike.
LEAST_RATIO: Final = 10.0
# Of its length at least so much of an edge with any failure is red.
LEAST_RED: Final = 0.06
# Labels of more edges would hide each other.
MOST_LABELS: Final = 30
# How far, as a part of a curve, a label stands from its middle.
TOWARDS_END: Final = 0.2
# With more nodes the page says how to see fewer.
MANY_NODES: Final = 60


@dataclass(frozen=True, slots=True)
class DrawnNode:
    row: NodeRow
    box: Box
    marked: bool


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """`ends` are the places of its nodes; `d` is of an SVG path; `label_at` is where its
    rate is written; pixels."""

    row: EdgeRow
    ends: Link
    d: str
    label_at: Point
    width: float

    @property
    def red(self) -> str:
        """The dashes that paint the failed share of its length, out of 100."""
        if not self.row.edge.failed:
            return ""
        share = min(max(self.row.errors, LEAST_RED), 1.0)
        return f"{100 * share:.1f} 100"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Pixels."""

    nodes: list[DrawnNode]
    edges: list[DrawnEdge]
    width: int
    height: int

    @property
    def labelled(self) -> bool:
        return len(self.edges) <= MOST_LABELS

    @property
    def crowded(self) -> bool:
        return len(self.nodes) > MANY_NODES


def draw(rows: Sequence[EdgeRow], marked: Collection[str] = ()) -> Drawing:
    """Services with a marked name stand out. Raises ValueError of too many nodes or
    edges, see `analysis.layout`."""
    nodes = node_rows([row.edge for row in rows], rows[0].query) if rows else []
    place = {each.node: at for at, each in enumerate(nodes)}
    ends = tuple((place[row.edge.caller], place[row.edge.callee]) for row in rows)
    found = _placed(len(nodes), ends)
    widest = WIDEST_OF_MANY if len(nodes) > MANY_NODES else WIDEST
    widths = edge_widths([row.edge.calls for row in rows], widest)
    return Drawing(
        [
            DrawnNode(row, box, row.node.name in marked)
            for row, box in zip(nodes, found.boxes, strict=True)
        ],
        list(map(DrawnEdge, rows, ends, found.curves, found.labels, widths)),
        found.width,
        found.height,
    )


class Placed(NamedTuple):
    boxes: Sequence[Box]
    curves: Sequence[str]
    labels: Sequence[Point]
    width: int
    height: int


# The same map is often drawn again, with another edge chosen.
@lru_cache(maxsize=16)
def _placed(node_count: int, ends: tuple[Link, ...]) -> Placed:
    found = layout(node_count, ends)
    return Placed(
        found.boxes,
        [path.svg for path in found.paths],
        _label_places(found.paths, ends),
        math.ceil(found.width),
        math.ceil(found.height),
    )


def _label_places(paths: Sequence[EdgePath], ends: Sequence[Link]) -> list[Point]:
    """In the middle piece of each, towards the end that fewer others share: there lines
    lie further apart."""
    made, taken = (Counter(pair[end] for pair in ends) for end in (0, 1))
    return [
        _point(path, 0.5 + TOWARDS_END * _sign(made[caller] - taken[callee]))
        for path, (caller, callee) in zip(paths, ends, strict=True)
    ]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _point(path: EdgePath, t: float) -> Point:
    """Of its middle piece, a Bezier curve from t = 0 to 1."""
    piece = (len(path.points) - 1) // 3 // 2 * 3
    factors = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
    places = zip(factors, path.points[piece : piece + 4], strict=True)
    shares = [(factor * x, factor * y) for factor, (x, y) in places]
    return sum(x for x, _ in shares), sum(y for _, y in shares)


def edge_widths(calls: Sequence[float], widest: float) -> list[float]:
    """By the logarithm of their calls, from the least to the most that are drawn."""
    if not calls:
        return []
    least, most = min(calls), max(calls)
    if least <= 0:
        return [THINNEST] * len(calls)
    span = math.log(max(most / least, LEAST_RATIO))
    return [
        THINNEST + (widest - THINNEST) * math.log(each / least) / span for each in calls
    ]
