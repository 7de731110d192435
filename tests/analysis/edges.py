"""Edges for tests: as tuples of names and span numbers, in an order of their own."""

from typing import Any, NamedTuple

from analysis.dependencies import edges
from analysis.edges import Edges, EdgeType
from analysis.forest import Forest
from analysis.nodes import Node
from analysis.peers import NodeType
from tests.analysis.plain import forest


class Edge(NamedTuple):
    """Nodes by name, of services, or `type:name`; spans by number, 0 for none."""

    type: str
    client: int
    server: int
    caller: str
    callee: str
    gap: int
    inferred: bool
    caller_missing: bool
    span_missing: bool
    via: str


def call(
    caller, callee, type="call", client=0, server=0, gap=-1, via="", **flags
) -> Edge:
    flag = {"inferred": False, "caller_missing": False, "span_missing": False} | flags
    return Edge(type, client, server, caller, callee, gap, **flag, via=via)


def told(**attributes: Any) -> dict[str, Any]:
    """Attributes; `__` stands for a dot."""
    return {key.replace("__", "."): value for key, value in attributes.items()}


def links(*spans: dict[str, Any]) -> list[Edge]:
    found = forest(*spans)
    return as_tuples(found, edges(found))


def as_tuples(of: Forest, found: Edges) -> list[Edge]:
    ids = [int.from_bytes(each) for each in of.spans["span_id"].to_pylist()]
    ends = found.client, found.server
    numbers = [[ids[row] if row >= 0 else 0 for row in rows] for rows in ends]
    names = [name_of(each) for each in found.nodes]
    columns = (
        [EdgeType(each).name.lower() for each in found.type.tolist()],
        *numbers,
        [names[each] for each in found.caller],
        [names[each] for each in found.callee],
        found.gap_nano.tolist(),
        found.inferred.tolist(),
        found.caller_missing.tolist(),
        found.span_missing.tolist(),
        [found.proxies[via] if via >= 0 else "" for via in found.via],
    )
    named = [Edge(*each) for each in zip(*columns, strict=True)]
    return in_order(named)


def in_order(found: list[Edge]) -> list[Edge]:
    """By type; what the user calls first, then what has a client."""
    types = [each.name.lower() for each in EdgeType]

    def place(edge: Edge) -> tuple[Any, ...]:
        by_user = edge.caller == "user:user"
        return types.index(edge.type), not by_user, edge.client == 0, edge[1:]

    return sorted(found, key=place)


def name_of(node: Node) -> str:
    if node.type == NodeType.SERVICE:
        return node.name
    return f"{node.type.name.lower()}:{node.name}"


def node_of(name: str, *spans: dict[str, Any]) -> Node:
    return next(n for n in edges(forest(*spans)).nodes if name_of(n) == name)
