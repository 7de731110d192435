"""Who is on the other side of a CLIENT, PRODUCER or CONSUMER span, as it tells itself.

Old and new names of attributes are read alike. Spans that tell the same are one peer, so
that names are made once for each distinct combination of attributes, by columns.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import (
    DATABASE_NAMES,
    DATABASES,
    MESSAGING,
    PEER_NAMES,
    URLS,
    first_in,
)
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from traces.spans import SpanKind, excerpt_column
from traces.tree import BoolArray


class NodeType(IntEnum):
    SERVICE = 0
    DATABASE = 1
    CACHE = 2
    QUEUE = 3
    EXTERNAL = 4
    USER = 5
    UNKNOWN = 6


class Source(IntEnum):
    """Which attributes a peer's name is from, the most telling first."""

    PEER_NAME = 0
    DATABASE = 1
    QUEUE = 2
    RPC = 3
    ADDRESS = 4
    NOTHING = 5


class Role(IntEnum):
    """What a span does with a message."""

    NONE = 0
    SENDS = 1
    RECEIVES = 2
    # Acknowledges: talks to a queue, but moves no message.
    SETTLES = 3


UNKNOWN: Final = "unknown"
# Longer names are cut: a name is for reading.
NAME_LIMIT: Final = 200
CACHES: Final = ("redis", "memcached", "valkey")
RECEIVING: Final = ("receive", "process", "deliver", "poll")
SETTLING: Final = ("settle",)
SERVERS: Final = ("server.address", "net.peer.name")
SERVER_PORTS: Final = ("server.port", "net.peer.port")
NETWORK: Final = "network.peer.address"
RPC_SERVICE: Final = "rpc.service"
OPERATIONS: Final = ("messaging.operation.type", "messaging.operation")
DESTINATIONS: Final = ("messaging.destination.name", "messaging.destination")
TOLD: Final = (
    *PEER_NAMES,
    *DATABASES,
    *DATABASE_NAMES,
    *MESSAGING,
    RPC_SERVICE,
    *SERVERS,
    *SERVER_PORTS,
    NETWORK,
    *URLS,
)
KINDS: Final = (SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
_HOST: Final = (
    r"^[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]+)"
)


@dataclass(frozen=True, slots=True)
class Peers:
    """`number` by row of the forest, -1 for spans of other kinds; the rest by number.

    `address` is null where a peer has none; it may be known besides a better name.
    """

    number: IntArray
    name: pa.Array
    type: IntArray
    source: IntArray
    role: IntArray
    address: pa.Array

    def __len__(self) -> int:
        return len(self.type)


def peers(forest: Forest) -> Peers:
    rows = np.flatnonzero(np.isin(forest.kind, KINDS))
    told = _told(forest, rows)
    found = groups(*(_codes(told[name]) for name in told.column_names))
    number = np.full(len(forest), -1)
    number[rows] = found.number
    return _named(number, told.take(pa.array(found.first)))


def _told(forest: Forest, rows: IntArray) -> pa.Table:
    """The kind of these spans and what they tell of their peers, of URLs the host."""
    spans = forest.spans
    names = [name for name in map(excerpt_column, TOLD) if name in spans.column_names]
    names = [name for name in names if spans[name].null_count < len(spans)]
    told = spans.select(["kind", *names]).take(pa.array(rows)).combine_chunks()
    for name in map(excerpt_column, URLS):
        if name in names:
            at = told.column_names.index(name)
            told = told.set_column(at, name, _hosts(told[name]))
    return told


def _hosts(urls: pa.ChunkedArray) -> pa.Array:
    encoded = urls.combine_chunks().dictionary_encode()
    found = pc.extract_regex(encoded.dictionary, pattern=_HOST)
    return pc.utf8_lower(found.field("host")).take(encoded.indices)


def _codes(column: pa.ChunkedArray) -> IntArray:
    indices = column.combine_chunks().dictionary_encode().indices
    found: IntArray = pc.fill_null(indices, -1).to_numpy().astype(np.int64)
    return found


def _named(number: IntArray, told: pa.Table) -> Peers:
    kind = told["kind"].to_numpy()
    system = first_in(told, "messaging.system")
    has_system = _valid(system)
    messaging = (kind != SpanKind.CLIENT) | has_system
    databases = pc.if_else(pa.array(messaging), None, _database(told))
    database_system = pc.utf8_lower(first_in(told, *DATABASES))
    queue = _either(system, first_in(told, *DESTINATIONS))
    address = _address(told)
    names = {
        Source.PEER_NAME: first_in(told, *PEER_NAMES),
        Source.DATABASE: databases,
        Source.RPC: first_in(told, RPC_SERVICE),
        Source.ADDRESS: address,
    }
    source = np.full(len(told), int(Source.NOTHING))
    for each, name in reversed(names.items()):
        source[_valid(name)] = each
    source[messaging] = Source.QUEUE
    type_ = np.array(_TYPES)[source]
    cache = pc.is_in(database_system, value_set=pa.array(CACHES))
    stored = _valid(databases)
    type_[stored] = NodeType.DATABASE
    type_[stored & cache.to_numpy(zero_copy_only=False)] = NodeType.CACHE
    name = pc.coalesce(*names.values(), UNKNOWN)
    name = pc.if_else(pa.array(messaging), pc.coalesce(queue, name), name)
    return Peers(
        number,
        pc.utf8_slice_codeunits(name, 0, NAME_LIMIT),
        type_,
        source,
        _roles(kind, has_system, first_in(told, *OPERATIONS)),
        pc.utf8_slice_codeunits(address, 0, NAME_LIMIT),
    )


# By source.
_TYPES: Final = (
    NodeType.SERVICE,
    NodeType.DATABASE,
    NodeType.QUEUE,
    NodeType.SERVICE,
    NodeType.EXTERNAL,
    NodeType.UNKNOWN,
)


def _database(told: pa.Table) -> pa.Array:
    """<system>:<namespace, or address>, null without a system."""
    system = first_in(told, *DATABASES)
    held = first_in(told, *DATABASE_NAMES, *SERVERS, NETWORK)
    return pc.if_else(pc.is_valid(system), _either(system, held), None)


def _address(told: pa.Table) -> pa.Array:
    server = first_in(told, *SERVERS)
    with_port = pc.binary_join_element_wise(server, first_in(told, *SERVER_PORTS), ":")
    return pc.coalesce(
        with_port, server, first_in(told, NETWORK), first_in(told, *URLS)
    )


def _either(first: pa.Array, second: pa.Array) -> pa.Array:
    """first:second, or the one that there is."""
    return pc.coalesce(pc.binary_join_element_wise(first, second, ":"), first, second)


def _roles(kind: IntArray, has_system: BoolArray, operation: pa.Array) -> IntArray:
    """A CLIENT's is told by its operation; kinds speak for the rest."""
    operation = pc.utf8_lower(operation)
    receiving = _is_in(operation, RECEIVING)
    asks = (kind == SpanKind.CLIENT) & has_system
    role = np.select(
        [
            (kind == SpanKind.PRODUCER),
            (kind == SpanKind.CONSUMER),
            asks & receiving,
            asks & _is_in(operation, SETTLING),
            asks,
        ],
        [Role.SENDS, Role.RECEIVES, Role.RECEIVES, Role.SETTLES, Role.SENDS],
        Role.NONE,
    )
    return role.astype(np.int64)


def _is_in(texts: pa.Array, values: tuple[str, ...]) -> BoolArray:
    found: BoolArray = pc.is_in(texts, value_set=pa.array(values)).to_numpy(
        zero_copy_only=False
    )
    return found


def _valid(texts: pa.Array) -> BoolArray:
    found: BoolArray = pc.is_valid(texts).to_numpy(zero_copy_only=False)
    return found
