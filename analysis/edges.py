"""Edges of a service map as columns: their ends, and what is measured of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import FloatArray, IntArray
from analysis.nodes import Node
from traces.tree import NO_PARENT, BoolArray

ABSENT: Final = -1


class EdgeType(IntEnum):
    """`MESSAGING` is the shortcut past a queue; `LINK` is no call at all."""

    CALL = 0
    DATABASE = 1
    CACHE = 2
    QUEUE = 3
    MESSAGING = 4
    LINK = 5


@dataclass(frozen=True, slots=True)
class Edges:
    """Arrays of one entry an edge; `caller` and `callee` are places in `nodes`.

    `client` and `server` are rows of the forest, -1 where that end sent no span, and so
    are their durations. `gap_nano`, at least 0, is what of the client's time the server's
    does not explain; of a message it is the wait. Weights are those of the rarer end.
    `via` is a place in `proxies`: who a client said that it called, where that was an
    address or a proxy.
    """

    nodes: tuple[Node, ...]
    caller: IntArray
    callee: IntArray
    type: IntArray
    client: IntArray
    server: IntArray
    start_time_unix_nano: IntArray
    client_nano: IntArray
    server_nano: IntArray
    gap_nano: IntArray
    failed_client: BoolArray
    failed_server: BoolArray
    weight: FloatArray
    inferred: BoolArray
    caller_missing: BoolArray
    span_missing: BoolArray
    retry: BoolArray
    via: IntArray
    proxies: tuple[str, ...]
    trace_id: pa.Array

    def __len__(self) -> int:
        return len(self.caller)

    def only(self, which: BoolArray) -> "Edges":
        """These edges, between the same nodes."""
        chosen = {
            each.name: getattr(self, each.name)[which]
            for each in fields(self)
            if each.name not in ("nodes", "proxies", "trace_id")
        }
        ids = self.trace_id.filter(pa.array(which))
        return replace(self, **chosen, trace_id=ids)

    @property
    def failed(self) -> BoolArray:
        return self.failed_client | self.failed_server


class Ends(NamedTuple):
    """Edges of one rule, as of `Edges`; what is one value is every edge's.

    `via` is a place among names that `measured` is given.
    """

    caller: IntArray
    callee: IntArray
    type: IntArray | int
    client: IntArray | int = ABSENT
    server: IntArray | int = ABSENT
    inferred: BoolArray | bool = False
    caller_missing: BoolArray | bool = False
    span_missing: BoolArray | bool = False
    via: IntArray | int = ABSENT


class _Every(NamedTuple):
    """As Ends, with all columns of one length."""

    caller: IntArray
    callee: IntArray
    type: IntArray
    client: IntArray
    server: IntArray
    inferred: BoolArray
    caller_missing: BoolArray
    span_missing: BoolArray
    via: IntArray


def measured(
    forest: Forest, nodes: Sequence[Node], names: pa.Array, parts: Sequence[Ends]
) -> Edges:
    """The edges of all rules; of `nodes` only services and ends of edges stay."""
    every = _joined(parts)
    client, server = every.client, every.server
    has_client, has_server = client != ABSENT, server != ABSENT
    duration = forest.end - forest.start
    row = np.where(has_server, server, client)
    weight = np.maximum(
        np.where(has_client, forest.weight[client], 0),
        np.where(has_server, forest.weight[server], 0),
    )
    kept, place = _used(nodes, every)
    proxies, via = _proxies(names, every.via)
    return Edges(
        nodes=kept,
        caller=place[every.caller],
        callee=place[every.callee],
        type=every.type,
        client=client,
        server=server,
        start_time_unix_nano=forest.start_time_unix_nano[row],
        client_nano=np.where(has_client, duration[client], ABSENT),
        server_nano=np.where(has_server, duration[server], ABSENT),
        gap_nano=_gaps(forest, every),
        failed_client=has_client & forest.failed[client],
        failed_server=has_server & forest.failed[server],
        weight=weight,
        inferred=every.inferred,
        caller_missing=every.caller_missing,
        span_missing=every.span_missing,
        retry=_retries(forest, every),
        via=via,
        proxies=proxies,
        trace_id=forest.spans["trace_id"].combine_chunks().take(pa.array(row)),
    )


def _joined(parts: Sequence[Ends]) -> _Every:
    columns = zip(*(np.broadcast_arrays(*part) for part in parts), strict=True)
    return _Every(*(np.concatenate(column) for column in columns))


def _used(nodes: Sequence[Node], every: _Every) -> tuple[tuple[Node, ...], IntArray]:
    used = np.array([not node.virtual for node in nodes], bool)
    used[every.caller] = used[every.callee] = True
    kept = tuple(nodes[at] for at in np.flatnonzero(used).tolist())
    return kept, np.cumsum(used) - 1


def _proxies(names: pa.Array, via: IntArray) -> tuple[tuple[str, ...], IntArray]:
    some = np.flatnonzero(via != ABSENT)
    named = names.take(pa.array(via[some])).dictionary_encode()
    place = np.full(len(via), ABSENT)
    place[some] = named.indices.to_numpy()
    return tuple(named.dictionary.to_pylist()), place


def _gaps(forest: Forest, every: _Every) -> IntArray:
    client, server = every.client, every.server
    duration, start = forest.end - forest.start, forest.start_time_unix_nano
    message = every.type == EdgeType.MESSAGING
    gap = np.where(
        message,
        start[server] - start[client] - duration[client],
        duration[client] - duration[server],
    )
    told = (client != ABSENT) & (server != ABSENT) & (every.type != EdgeType.LINK)
    return np.where(told & ~(message & every.inferred), np.maximum(gap, 0), ABSENT)


def _retries(forest: Forest, every: _Every) -> BoolArray:
    """Calls that follow a failed one of the same name, parent and callee."""
    retry = np.zeros(len(every.caller), bool)
    asks = (every.client != ABSENT) & (every.type < EdgeType.MESSAGING)
    calls = np.flatnonzero(asks & (forest.parent[every.client] != NO_PARENT))
    client = every.client[calls]
    parent, name = forest.parent[client], forest.name[client]
    group = groups(parent, every.callee[calls], name).number
    order = np.lexsort((client, forest.start[client], group))
    calls, client, group = calls[order], client[order], group[order]
    server = every.server[calls]
    failed = forest.failed[client] | ((server != ABSENT) & forest.failed[server])
    after = forest.end[client[:-1]] <= forest.start[client[1:]]
    retry[calls[1:]] = failed[:-1] & after & (group[1:] == group[:-1])
    return retry
