"""Where the nodes and edges of a service map are drawn: callers left of callees.

Layers of nodes, few crossings, and edges that bend around what they pass. Parts of the map
that are not connected lie one below the other. The same input is drawn the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import networkx as nx

from analysis.heights import heights
from analysis.layering import Layering, Link, layered
from analysis.ordering import ordered, stretches

NODE_WIDTH: Final = 168.0
NODE_HEIGHT: Final = 44.0
LAYER_GAP: Final = 96.0
MARGIN: Final = 24.0
PART_GAP: Final = 40.0
# What is not tied to anything stands in rows of this many.
ROW: Final = 5
# Larger maps cannot be read, and take long to lay out.
LARGEST: Final = 500
MOST_EDGES: Final = 5000
_LOOP: Final = 14.0
_COLUMN: Final = NODE_WIDTH + LAYER_GAP

Point: TypeAlias = tuple[float, float]


class Box(NamedTuple):
    """Pixels; x and y are of the upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class EdgePath:
    """Bezier points: a start, then two control points and an end for each piece.

    `back` marks an edge that leads from right to left.
    """

    points: tuple[Point, ...]
    back: bool

    @property
    def svg(self) -> str:
        """The `d` of an SVG path, from point to point: a third as long as in places."""
        (x, y), *rest = ((round(x, 1), round(y, 1)) for x, y in self.points)
        steps = [f"M{x:g},{y:g}"]
        for at in range(0, len(rest), 3):
            piece = rest[at : at + 3]
            if all(each[1] == y for each in piece):
                steps.append(f"h{piece[-1][0] - x:g}")
            else:
                steps.append(f"c{' '.join(f'{a - x:g},{b - y:g}' for a, b in piece)}")
            x, y = piece[-1]
        return "".join(steps)


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by node and paths by edge, in the order that they were given in."""

    boxes: tuple[Box, ...]
    paths: tuple[EdgePath, ...]
    width: float
    height: float


def layout(node_count: int, edges: Sequence[Link]) -> Layout:
    """Edges are (caller, callee), places of nodes. Raises ValueError of too many."""
    if node_count > LARGEST:
        raise ValueError(f"a map of {node_count} nodes, more than {LARGEST}")
    if len(edges) > MOST_EDGES:
        raise ValueError(f"a map of {len(edges)} edges, more than {MOST_EDGES}")
    boxes: dict[int, Box] = {}
    paths: dict[int, EdgePath] = {}
    parts, alone = _parts(node_count, edges)
    top = MARGIN
    for part in parts:
        top = _place_part(part, edges, top, boxes, paths) + PART_GAP
    _place_alone(alone, top, boxes)
    for at in sorted(set(range(len(edges))) - paths.keys()):
        paths[at] = _loop(boxes[edges[at][0]])
    corners = [(box.x + box.width, box.y + box.height) for box in boxes.values()]
    reached = [*corners, *(point for path in paths.values() for point in path.points)]
    return Layout(
        tuple(boxes[node] for node in range(node_count)),
        tuple(paths[at] for at in range(len(edges))),
        MARGIN + max((x for x, _ in reached), default=0.0),
        MARGIN + max((y for _, y in reached), default=0.0),
    )


def _parts(node_count: int, edges: Sequence[Link]) -> tuple[list[list[int]], list[int]]:
    """Connected nodes, the largest part first; and nodes without edges."""
    graph = nx.Graph()
    graph.add_nodes_from(range(node_count))
    graph.add_edges_from(edge for edge in edges if edge[0] != edge[1])
    parts = [sorted(part) for part in nx.connected_components(graph)]
    parts.sort(key=lambda part: (-len(part), part))
    alone = [part[0] for part in parts if len(part) == 1]
    return [part for part in parts if len(part) > 1], alone


def _place_alone(alone: list[int], top: float, boxes: dict[int, Box]) -> None:
    for at, node in enumerate(alone):
        x = MARGIN + at % ROW * _COLUMN
        y = top + at // ROW * (NODE_HEIGHT + MARGIN)
        boxes[node] = Box(x, y, NODE_WIDTH, NODE_HEIGHT)


def _place_part(
    part: list[int],
    edges: Sequence[Link],
    top: float,
    boxes: dict[int, Box],
    paths: dict[int, EdgePath],
) -> float:
    """Adds the boxes and paths of connected nodes; where they end below."""
    place = {node: at for at, node in enumerate(part)}
    own = [at for at, (a, b) in enumerate(edges) if a in place and a != b]
    layering = layered(
        len(part), [(place[edges[at][0]], place[edges[at][1]]) for at in own]
    )
    between = stretches(layering)
    layers = ordered(layering, between)
    middles = heights(layers, between, len(part), NODE_HEIGHT)
    middles = middles - middles[: len(part)].min() + NODE_HEIGHT / 2
    # An edge may bend above all nodes.
    middles += top - min(float(middles.min()) - NODE_HEIGHT / 2, 0.0)
    column = {point: at for at, points in enumerate(layers) for point in points}
    for node in part:
        at = place[node]
        x, y = MARGIN + column[at] * _COLUMN, float(middles[at]) - NODE_HEIGHT / 2
        boxes[node] = Box(x, y, NODE_WIDTH, NODE_HEIGHT)
    lines = _lines(layering, middles.tolist(), column)
    for at, line, turned in zip(own, lines, layering.turned, strict=True):
        paths[at] = EdgePath(_curve(line[::-1] if turned else line), turned)
    return float(middles.max()) + NODE_HEIGHT / 2


def _lines(
    layering: Layering, middles: list[float], column: dict[int, int]
) -> list[list[Point]]:
    """By edge the points that it goes through, from left to right."""
    leaves = _ports(layering, middles, end=0)
    arrives = _ports(layering, middles, end=-1)
    lines = []
    for at, chain in enumerate(layering.chains):
        left = MARGIN + column[chain[0]] * _COLUMN + NODE_WIDTH
        line = [(left, leaves[at])]
        for bend in chain[1:-1]:
            x = MARGIN + column[bend] * _COLUMN
            line += [(x, middles[bend]), (x + NODE_WIDTH, middles[bend])]
        right = MARGIN + column[chain[-1]] * _COLUMN
        lines.append([*line, (right, arrives[at])])
    return lines


def _ports(layering: Layering, middles: list[float], end: int) -> list[float]:
    """By edge the height at which it meets its node, in the order of where it leads."""
    edges_of: dict[int, list[int]] = {}
    for at, chain in enumerate(layering.chains):
        edges_of.setdefault(chain[end], []).append(at)
    ports = [0.0] * len(layering.chains)
    toward = 1 if end == 0 else -2
    for node, own in edges_of.items():
        own.sort(
            key=lambda at: (
                middles[layering.chains[at][toward]],
                layering.turned[at],
                at,
            )
        )
        step = NODE_HEIGHT * 0.7 / len(own)
        first = middles[node] - step * (len(own) - 1) / 2
        for rank, at in enumerate(own):
            ports[at] = first + rank * step
    return ports


def _curve(line: list[Point]) -> tuple[Point, ...]:
    """Level where it leaves and arrives, and at every bend."""
    points = [line[0]]
    for (x, y), (to_x, to_y) in pairwise(line):
        middle = (x + to_x) / 2
        points += [(middle, y), (middle, to_y), (to_x, to_y)]
    return tuple(points)


def _loop(box: Box) -> EdgePath:
    """Above the node, from right to left."""
    middle, above = box.x + box.width / 2, box.y - _LOOP
    right, left = middle + _LOOP, middle - _LOOP
    points = (
        (right, box.y),
        (right + _LOOP, above),
        (left - _LOOP, above),
        (left, box.y),
    )
    return EdgePath(points, back=False)
