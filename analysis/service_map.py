"""What of a service map is shown: around a node, by name, with or without queues."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from analysis.edges import EdgeType
from analysis.histogram import EMPTY, Histogram
from analysis.measured import Fields
from analysis.peers import NodeType

# Beyond these a drawing cannot be read, and takes long.
MOST_NODES: Final = 300
MOST_EDGES: Final = 2000
DEEPEST: Final = 3


class MapNode(NamedTuple):
    """Equal names are one node only if their types are equal."""

    name: str
    type: NodeType = NodeType.SERVICE


@dataclass(frozen=True)
class MapEdge:
    """How often an edge was taken over some minutes, weighted by sampling. Its ends are
    asked for again and again, so each is made once: hence no slots."""

    fields: Fields
    calls: float
    failed: float

    @cached_property
    def caller(self) -> MapNode:
        return MapNode(str(self.fields[0]), NodeType(int(self.fields[1])))

    @cached_property
    def callee(self) -> MapNode:
        return MapNode(str(self.fields[2]), NodeType(int(self.fields[3])))

    @cached_property
    def type(self) -> EdgeType:
        return EdgeType(int(self.fields[4]))


@dataclass(frozen=True, slots=True)
class EdgeTimes:
    """How long its calls took at the callee and at the caller."""

    server: Histogram = EMPTY
    client: Histogram = EMPTY

    @property
    def histogram(self) -> Histogram:
        """The callee's times, or where it sent no spans the caller's."""
        return self.server if len(self.server.buckets) else self.client


@dataclass(frozen=True, slots=True)
class Shown:
    """`focus` is the node around which so many steps are shown, None for all.

    Without `queues` messages go from service to service; `links` are no calls.
    """

    focus: MapNode | None = None
    depth: int = 1
    name: str = ""
    queues: bool = True
    links: bool = False


class Part(NamedTuple):
    """Edges to draw, and how many nodes and edges that leaves out."""

    edges: list[MapEdge]
    nodes_left_out: int = 0
    edges_left_out: int = 0


def select(edges: Iterable[MapEdge], shown: Shown) -> list[MapEdge]:
    hidden = {EdgeType.MESSAGING if shown.queues else EdgeType.QUEUE}
    if not shown.links:
        hidden.add(EdgeType.LINK)
    found = [edge for edge in edges if edge.type not in hidden]
    if shown.focus is not None:
        found = around(found, shown.focus, shown.depth)
    return [edge for edge in found if _named(edge, shown.name.casefold())]


def _named(edge: MapEdge, folded: str) -> bool:
    """Whether either end has this, already folded, in its name."""
    return any(folded in end.name.casefold() for end in (edge.caller, edge.callee))


def around(edges: Sequence[MapEdge], focus: MapNode, depth: int) -> list[MapEdge]:
    """Edges on ways of up to `depth` steps to the node, or from it."""
    from_it = _reached(((e.caller, e.callee) for e in edges), focus, depth - 1)
    to_it = _reached(((e.callee, e.caller) for e in edges), focus, depth - 1)
    return [edge for edge in edges if edge.caller in from_it or edge.callee in to_it]


def _reached(
    steps: Iterable[tuple[MapNode, MapNode]], start: MapNode, depth: int
) -> set[MapNode]:
    """The nodes that lie at most so many steps from the start."""
    beyond: dict[MapNode, set[MapNode]] = {}
    for one, other in steps:
        beyond.setdefault(one, set()).add(other)
    reached, last = {start}, {start}
    for _ in range(depth):
        last = {other for one in last for other in beyond.get(one, ())} - reached
        reached |= last
    return reached


def most_called(
    edges: Sequence[MapEdge],
    node_limit: int = MOST_NODES,
    edge_limit: int = MOST_EDGES,
) -> Part:
    """Edges between the nodes with most calls; of those the edges with most."""
    busy = busiest(edges)
    kept = set(busy[:node_limit])
    between = [edge for edge in edges if edge.caller in kept and edge.callee in kept]
    drawn = sorted(between, key=lambda edge: -edge.calls)[:edge_limit]
    # In the order of their fields: the same map is drawn in the same way.
    drawn.sort(key=lambda edge: tuple(map(str, edge.fields)))
    return Part(drawn, len(busy) - len(kept), len(edges) - len(drawn))


def busiest(edges: Iterable[MapEdge]) -> list[MapNode]:
    """All nodes, first those that take or make most calls."""
    taken: Counter[MapNode] = Counter()
    made: Counter[MapNode] = Counter()
    for edge in edges:
        # A counter of floats: calls are weighted.
        taken[edge.callee] += edge.calls  # type: ignore[assignment]
        made[edge.caller] += edge.calls  # type: ignore[assignment]
    nodes = taken.keys() | made.keys()
    return sorted(nodes, key=lambda node: (-max(taken[node], made[node]), node))
