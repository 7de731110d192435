"""Which spans call which: pairs that both ends tell of, and calls that one end tells of.

Rows of a forest only; who the ends are is for `analysis.dependencies` to say.
"""

from typing import NamedTuple

import numpy as np

from analysis.ancestry import climb, highest, in_service, nearest
from analysis.forest import Forest
from analysis.histogram import IntArray
from analysis.peers import Peers, Role, Source
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

_INNER = (SpanKind.UNSPECIFIED, SpanKind.INTERNAL)
_INNER_OR_CLIENT = (*_INNER, SpanKind.CLIENT)


class Pairs(NamedTuple):
    """Called spans and the spans that called them; `inferred` without a SERVER's word."""

    callee: IntArray
    caller: IntArray
    inferred: BoolArray

    def only(self, which: BoolArray) -> "Pairs":
        return Pairs(self.callee[which], self.caller[which], self.inferred[which])


def pairs(forest: Forest, role: IntArray) -> Pairs:
    """What a SERVER tells, and what a change of service does where no SERVER speaks."""
    server, caller, boundary = _served(forest)
    foreign = (forest.parent != NO_PARENT) & ~in_service(forest)
    foreign &= (forest.kind != SpanKind.SERVER) & (role != Role.RECEIVES)
    foreign[boundary] = False
    silent = np.flatnonzero(foreign)
    inferred = np.arange(len(server) + len(silent)) >= len(server)
    return Pairs(
        np.concatenate((server, silent)),
        np.concatenate((caller, forest.parent[silent])),
        inferred,
    )


def _served(forest: Forest) -> tuple[IntArray, IntArray, IntArray]:
    """SERVER rows with a caller; the caller: a CLIENT parent, or the nearest span of
    another service; and the row through which the call came into the service.

    A SERVER inside a SERVER or CONSUMER of its own service has none: it was called once.
    """
    inside = in_service(forest)
    goes_up = inside & np.isin(forest.kind, _INNER)[forest.parent]
    boundary = highest(forest.parent, goes_up)
    beyond = forest.parent[boundary]
    elsewhere = (beyond != NO_PARENT) & (forest.service[beyond] != forest.service)
    has_parent = forest.parent != NO_PARENT
    by_client = has_parent & (forest.kind[forest.parent] == SpanKind.CLIENT)
    called = (forest.kind == SpanKind.SERVER) & (by_client | elsewhere)
    row = np.flatnonzero(called)
    caller = np.where(by_client, forest.parent, beyond)[row]
    return row, caller, np.where(by_client, np.arange(len(forest)), boundary)[row]


def entries(forest: Forest) -> IntArray:
    """SERVER rows that nobody who sent spans has called."""
    found: IntArray = forest.roots[forest.kind[forest.roots] == SpanKind.SERVER]
    return found


def unanswered(forest: Forest, role: IntArray) -> BoolArray:
    """CLIENT rows below which no other service speaks; of nested ones the innermost."""
    client = (forest.kind == SpanKind.CLIENT) & (role == Role.NONE)
    inside = in_service(forest)
    goes_up = inside & np.isin(forest.kind, _INNER_OR_CLIENT)
    has_parent = forest.parent != NO_PARENT
    served = has_parent & (forest.kind == SpanKind.SERVER)
    served &= forest.kind[forest.parent] == SpanKind.CLIENT
    answered = (has_parent & ~inside) | served
    answering = climb(forest.parent, goes_up, forest.parent[answered])
    outer = climb(forest.parent, goes_up, forest.parent[client & inside])
    found: BoolArray = client & ~answering & ~outer
    return found


def best_named(forest: Forest, peers: Peers, role: IntArray) -> IntArray:
    """For each row the CLIENT that names its peer best: itself, unless it tells no more
    than an address and is inside of a CLIENT that tells more."""
    peer = peers.number
    tells = np.append(peers.source, Source.NOTHING)[peer] < Source.ADDRESS
    around = nearest(forest, np.isin(forest.kind, _INNER))
    client = (around != NO_PARENT) & (forest.kind[around] == SpanKind.CLIENT)
    client &= role[around] == Role.NONE
    borrows = client & ~tells & (forest.service[around] == forest.service)
    lender = highest(around, borrows)
    return np.where(tells[lender], lender, np.arange(len(forest)))
