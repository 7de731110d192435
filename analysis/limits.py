"""How many names a minute may tell of; those beyond are added up under one for all.

A sender that puts an id into its span names has a new name with every span. The names of
most spans keep an entry of their own, and so do the services and the edges of the map.
What is kept follows from the spans alone, so that a minute that is analysed again gives
the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from analysis.edges import Edges
from analysis.forest import Forest
from analysis.grouping import groups, sums
from analysis.histogram import FloatArray, IntArray
from analysis.nodes import OTHERS, Node
from analysis.peers import NodeType
from traces.tree import BoolArray

# A span that has this very name is added up with them, which harms nobody.
OTHER_SERVICES: Final = "(other services)"
OTHER_NAMES: Final = "(other names)"


class Limits(NamedTuple):
    """Of a minute: services, span names of one service and of all, edges of the map."""

    services: int = 500
    names_of_service: int = 300
    names: int = 3_000
    edges: int = 3_000


class Named(NamedTuple):
    """Distinct pairs of numbers of a service and a name, and the spans of each."""

    service: IntArray
    name: IntArray
    spans: FloatArray
    services: Sequence[str]
    names: Sequence[str]


class Kept(NamedTuple):
    """By service and by pair, whether it keeps an entry of its own."""

    services: BoolArray
    pairs: BoolArray


class Folded(NamedTuple):
    """`services` and `names` are how many were added up, the latter by service."""

    forest: Forest
    services: int
    names: dict[str, int]


def folded(forest: Forest, limits: Limits) -> Folded:
    """The forest itself as long as it is within the limits."""
    alike = groups(forest.service, forest.name)
    service, name = forest.service[alike.first], forest.name[alike.first]
    spans = sums(alike.number, forest.weight, len(alike))
    named = Named(service, name, spans, forest.services, forest.names)
    kept = keep(named, limits)
    if kept.pairs.all():
        return Folded(forest, 0, {})
    other_service, services = _with(forest.services, OTHER_SERVICES)
    other_name, names = _with(forest.names, OTHER_NAMES)
    within = kept.services[service]
    service = np.where(within, service, other_service)
    name = np.where(kept.pairs, name, other_name)
    of = replace(
        forest,
        service=service[alike.number],
        services=services,
        name=name[alike.number],
        names=names,
    )
    lost = np.bincount(service[~kept.pairs], minlength=len(services))
    of_service = {services[at]: int(lost[at]) for at in np.flatnonzero(lost).tolist()}
    return Folded(of, int((~kept.services).sum()), of_service)


def keep(named: Named, limits: Limits) -> Kept:
    """Those of most spans. Of equals the first in the alphabet; but of names that one
    service has many of, fewer are kept than of others."""
    count = len(named.services)
    spans = sums(named.service, named.spans, count)
    services = _first(limits.services, -spans, _rank(named.services))
    within = services[named.service]
    text = _rank(named.names)[named.name]
    place = np.where(
        within, _places(named.service, -named.spans, text), len(within)
    ).astype(np.int64)
    own = within & (place < limits.names_of_service)
    order = _rank(named.services)[named.service]
    spans_of_own = np.where(own, -named.spans, np.inf)
    most = min(limits.names, int(own.sum()))
    return Kept(services, _first(most, spans_of_own, place, order, text))


def few_edges(edges: Edges, most: int) -> tuple[Edges, int]:
    """Edges beyond so many lead to others of the type of their callee instead; and how
    many those are."""
    alike = groups(edges.caller, edges.callee, edges.type)
    if len(alike) <= most:
        return edges, 0
    calls = sums(alike.number, edges.weight, len(alike))
    first, order = alike.first, _rank(edges.nodes)
    ends = (order[edges.caller[first]], order[edges.callee[first]], edges.type[first])
    kept = _first(most, -calls, *ends)
    nodes = (*edges.nodes, *(Node(OTHERS, each, True) for each in NodeType))  # noqa: FBT003
    types = np.array([node.type for node in edges.nodes], np.int64)
    others = len(edges.nodes) + types
    told = kept[alike.number]
    # Who calls is a service, or one of many queues that nobody else tells of.
    known = told | (types[edges.caller] == NodeType.SERVICE)
    return (
        replace(
            edges,
            nodes=nodes,
            caller=np.where(known, edges.caller, others[edges.caller]),
            callee=np.where(told, edges.callee, others[edges.callee]),
        ),
        len(alike) - most,
    )


def _rank(texts: Sequence[str] | Sequence[Node]) -> IntArray:
    """By place the place in the alphabet."""
    ordered = sorted(range(len(texts)), key=lambda at: texts[at])
    rank = np.empty(len(texts), np.int64)
    rank[ordered] = np.arange(len(texts))
    return rank


def _first(most: int, *keys: FloatArray | IntArray) -> BoolArray:
    """The first so many in the order of the keys."""
    chosen = np.zeros(len(keys[0]), bool)
    chosen[np.lexsort(keys[::-1])[:most]] = True
    return chosen


def _places(of: IntArray, *keys: FloatArray | IntArray) -> IntArray:
    """The place of each among those of the same number, in the order of the keys."""
    order = np.lexsort((*keys[::-1], of))
    size = np.bincount(of)
    begin = np.cumsum(size) - size
    place = np.empty(len(of), np.int64)
    place[order] = np.arange(len(of)) - begin[of[order]]
    return place


def _with(texts: tuple[str, ...], text: str) -> tuple[int, tuple[str, ...]]:
    if text in texts:
        return texts.index(text), texts
    return len(texts), (*texts, text)
