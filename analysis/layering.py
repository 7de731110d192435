"""Layers of a directed graph: most edges lead from a layer to a later one.

Cycles are broken where a walk from the entries comes back to where it was. An edge over
several layers bends once in each layer that it passes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import networkx as nx

Link: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layering:
    """`layers` are lists of points: nodes, and numbers from `node_count` on for bends.

    `chains` are, by edge, its points from left to right; `turned` marks the edges that
    lead from right to left. An edge from a node to itself has no chain.
    """

    node_count: int
    layers: tuple[list[int], ...]
    chains: tuple[tuple[int, ...], ...]
    turned: tuple[bool, ...]


# Beyond so many, the longest edges go straight through what is in their way.
BEND_LIMIT: Final = 4000


def layered(node_count: int, edges: Sequence[Link]) -> Layering:
    """The order of `edges` is of no matter; points in a layer are in walking order."""
    graph = _graph(node_count, edges)
    back = _back_edges(graph)
    graph.remove_edges_from(back)
    graph.add_edges_from((right, left) for left, right in back)
    layer = _layers(graph)
    layers: list[list[int]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
    for node in nx.dfs_preorder_nodes(graph) if node_count else ():
        layers[layer[node]].append(node)
    turned = tuple(layer[caller] > layer[callee] for caller, callee in edges)
    chains: list[tuple[int, ...]] = [()] * len(edges)
    point = node_count
    for length, (left, right), _, at in _by_length(edges, turned, layer):
        bends = range(layer[left] + 1, layer[right])
        if point + length - 1 - node_count > BEND_LIMIT:
            bends = range(0)
        for each, number in enumerate(bends, point):
            layers[number].append(each)
        chains[at] = (left, *range(point, point + len(bends)), right)
        point += len(bends)
    return Layering(node_count, tuple(layers), tuple(chains), turned)


def _by_length(
    edges: Sequence[Link], turned: Sequence[bool], layer: dict[int, int]
) -> list[tuple[int, Link, bool, int]]:
    """(layers, (left, right), turned, place) of edges between two nodes, short first."""
    found = []
    for at, ((caller, callee), back) in enumerate(zip(edges, turned, strict=True)):
        if caller != callee:
            ends = (callee, caller) if back else (caller, callee)
            found.append((layer[ends[1]] - layer[ends[0]], ends, back, at))
    return sorted(found)


def _graph(node_count: int, edges: Sequence[Link]) -> nx.DiGraph:
    """With the nodes first that a walk should start from: who calls and is not called."""
    distinct = sorted({edge for edge in edges if edge[0] != edge[1]})
    called = Counter(callee for _, callee in distinct)
    calls = Counter(caller for caller, _ in distinct)

    def place(node: int) -> tuple[bool, int, int]:
        return called[node] > 0, called[node] - calls[node], node

    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(range(node_count), key=place))
    graph.add_edges_from(distinct)
    return graph


def _back_edges(graph: nx.DiGraph) -> list[Link]:
    """Edges to a node that the walk has not yet left; without them there is no cycle."""
    back, entered = [], set()
    for caller, callee, step in nx.dfs_labeled_edges(graph):
        if step == "forward":
            entered.add(callee)
        elif step == "reverse":
            entered.discard(callee)
        elif callee in entered:
            back.append((caller, callee))
    return back


def _layers(graph: nx.DiGraph) -> dict[int, int]:
    """Each node as far left as its callers allow; then nodes that call more than they
    are called as far right as their callees do, so that edges are short."""
    generations = list(nx.topological_generations(graph))
    layer = {node: at for at, nodes in enumerate(generations) for node in nodes}
    for node in (node for nodes in reversed(generations) for node in nodes):
        if graph.out_degree(node) > graph.in_degree(node):
            layer[node] = min(layer[each] for each in graph.successors(node)) - 1
    used = {old: new for new, old in enumerate(sorted(set(layer.values())))}
    return {node: used[at] for node, at in layer.items()}
