"""The map as an SVG's attributes: where its nodes lie, how wide and red its edges are."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from analysis.layout import Box, EdgePath, layout
from analysis.pages.map_rows import EdgeRow, NodeRow, node_rows

THINNEST: Final = 1.2
WIDEST: Final = 7.0
# Of its length at least so much of an edge with any failure is red.
LEAST_RED: Final = 0.06
# Labels of more edges would hide each other.
MOST_LABELS: Final = 30

# The same map is often drawn again, with another edge chosen.
_layout = lru_cache(maxsize=16)(layout)


@dataclass(frozen=True, slots=True)
class DrawnNode:
    row: NodeRow
    box: Box

    @property
    def transform(self) -> str:
        return f"translate({self.box.x:.1f} {self.box.y:.1f})"


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    row: EdgeRow
    path: EdgePath
    busiest: float

    @property
    def d(self) -> str:
        return self.path.svg

    @property
    def width(self) -> str:
        """By the logarithm of its calls: from one to a million, all can be seen."""
        share = math.log1p(self.row.edge.calls) / math.log1p(self.busiest)
        return f"{THINNEST + (WIDEST - THINNEST) * share:.1f}"

    @property
    def red(self) -> str:
        """The dashes that paint the failed share of its length, out of 100."""
        if not self.row.edge.failed:
            return ""
        share = min(max(self.row.errors, LEAST_RED), 1.0)
        return f"{100 * share:.1f} 100"

    @property
    def middle(self) -> tuple[str, str]:
        """x and y of the middle of its middle piece."""
        points = self.path.points
        piece = (len(points) - 1) // 3 // 2 * 3
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[piece : piece + 4]
        x, y = (ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8
        return f"{x:.1f}", f"{y - 5:.1f}"


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


def draw(rows: list[EdgeRow]) -> Drawing:
    """Raises ValueError of too many nodes or edges, see `analysis.layout`."""
    nodes = node_rows([row.edge for row in rows], rows[0].query) if rows else []
    place = {each.node: at for at, each in enumerate(nodes)}
    ends = tuple((place[row.edge.caller], place[row.edge.callee]) for row in rows)
    found = _layout(len(nodes), ends)
    busiest = max((row.edge.calls for row in rows), default=1.0)
    return Drawing(
        list(map(DrawnNode, nodes, found.boxes)),
        [
            DrawnEdge(row, path, busiest)
            for row, path in zip(rows, found.paths, strict=True)
        ],
        math.ceil(found.width),
        math.ceil(found.height),
    )
