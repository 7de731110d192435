"""Who depends on whom: one edge for each call, message or link of a forest.

Both ends of a call tell of it where both sent spans. A SERVER span names its caller by its
ancestors; a CLIENT span that nobody answers names the callee by its attributes, which
makes a virtual node, unless the address is one at which a service has answered another
call of the forest. Messages go through their queue, and beside it in one step from the
service that sent to the one that received.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import PEER_NAMES, first_in
from analysis.calls import Pairs, best_named, entries, pairs, unanswered
from analysis.edges import ABSENT, Edges, EdgeType, Ends, measured
from analysis.forest import Forest
from analysis.histogram import IntArray
from analysis.messages import Messages, messages
from analysis.nodes import Numbering, number_nodes
from analysis.peers import NodeType, Peers, Role, Source, peers
from traces.spans import SpanKind
from traces.tree import BoolArray


def edges(forest: Forest) -> Edges:
    known = peers(forest)
    role = _by_row(known.role, known.number, Role.NONE)
    entered = entries(forest)
    told = _told_callers(forest, entered)
    numbering = number_nodes(forest, known, pc.drop_null(told))
    peer_node = _by_row(numbering.of_peer, known.number, ABSENT)
    sent = messages(forest, role, peer_node)
    called = pairs(forest, role)
    hop, via = _hops(forest, known, numbering, called)
    straight = called.only(~hop)
    parts = [
        _straight(forest, straight, via[~hop]),
        *_around_hops(forest, called.only(hop), peer_node),
        _unanswered(forest, known, numbering, role, sent, straight),
        *_messages(forest, sent, peer_node),
        _entries(forest, entered, told, numbering),
        _links(forest, sent),
    ]
    return measured(forest, numbering.nodes, known.name, parts)


def _by_row(of_peer: IntArray, number: IntArray, otherwise: int) -> IntArray:
    return np.append(of_peer, otherwise)[number]


def _straight(forest: Forest, called: Pairs, via: IntArray) -> Ends:
    return Ends(
        forest.service[called.caller],
        forest.service[called.callee],
        EdgeType.CALL,
        _client(forest, called),
        called.callee,
        called.inferred,
        via=via,
    )


def _client(forest: Forest, called: Pairs) -> IntArray:
    is_client = forest.kind[called.caller] == SpanKind.CLIENT
    return np.where(is_client, called.caller, ABSENT)


def _hops(
    forest: Forest, known: Peers, numbering: Numbering, called: Pairs
) -> tuple[BoolArray, IntArray]:
    """Whether a client named another service than the one that answered; and the peer
    that it named, where that is no service but the way to one."""
    client = _client(forest, called)
    peer = np.where(client == ABSENT, ABSENT, known.number[client])
    named = _by_row(known.source, peer, Source.NOTHING) == Source.PEER_NAME
    named &= _by_row(known.type, peer, NodeType.UNKNOWN) == NodeType.SERVICE
    node = _by_row(numbering.of_peer, peer, ABSENT)
    other = named & (node != forest.service[called.callee]) & ~called.inferred
    way = _by_row(is_way(known.name).astype(np.int64), peer, 0) == 1
    itself = node == forest.service[called.caller]
    return other & ~way & ~itself, np.where(other & (way | itself), peer, ABSENT)


_WAY: Final = (
    r"(?i)[.:]|^localhost$"
    r"|\b(istio|envoy|linkerd|nginx|haproxy|traefik|kong)|proxy|gateway|ingress|mesh"
)


def is_way(names: pa.Array) -> BoolArray:
    """Names of addresses and of proxies, which lead to services and are none."""
    found: BoolArray = pc.match_substring_regex(names, pattern=_WAY).to_numpy(
        zero_copy_only=False
    )
    return found


def _around_hops(forest: Forest, called: Pairs, peer_node: IntArray) -> list[Ends]:
    """Through a service that sent no span: one call to it and one from it."""
    hop = peer_node[called.caller]
    return [
        Ends(forest.service[called.caller], hop, EdgeType.CALL, client=called.caller),
        Ends(hop, forest.service[called.callee], EdgeType.CALL, server=called.callee),
    ]


def _unanswered(
    forest: Forest,
    known: Peers,
    numbering: Numbering,
    role: IntArray,
    sent: Messages,
    straight: Pairs,
) -> Ends:
    own_source = _by_row(known.source, known.number, Source.NOTHING)
    # Only how a message came and went.
    transport = sent.transports & (own_source >= Source.RPC)
    row = np.flatnonzero(unanswered(forest, role) & ~transport)
    named = known.number[best_named(forest, known, role)[row]]
    node, type_ = numbering.of_peer[named], known.type[named]
    learnt = _learnt(forest, known, straight)[known.number[row]]
    by_address = (learnt != ABSENT) & (known.source[named] >= Source.RPC)
    node = np.where(by_address, learnt, node)
    missing = node < len(forest.services)
    # That a service calls itself takes both ends to prove.
    kept = node != forest.service[row]
    edge_type = np.where(missing, EdgeType.CALL, np.array(_EDGE_TYPES)[type_])
    return Ends(
        forest.service[row[kept]],
        node[kept],
        edge_type[kept],
        client=row[kept],
        span_missing=missing[kept],
    )


# By type of the node.
_EDGE_TYPES: Final = (
    EdgeType.CALL,
    EdgeType.DATABASE,
    EdgeType.CACHE,
    EdgeType.QUEUE,
    EdgeType.CALL,
    EdgeType.CALL,
    EdgeType.CALL,
)
_OWN_HOST: Final = r"^(localhost|127\.[0-9.]+|\[?::1\]?|0\.0\.0\.0)(:[0-9]*)?$"


def _learnt(forest: Forest, known: Peers, straight: Pairs) -> IntArray:
    """By peer the one service that answers at its address, -1 if none or several do."""
    loopback = pc.match_substring_regex(known.address, pattern=_OWN_HOST)
    address = pc.if_else(loopback, None, known.address).dictionary_encode().indices
    code = pc.fill_null(address, ABSENT).to_numpy().astype(np.int64)
    client = _client(forest, straight)
    at = np.where(client == ABSENT, ABSENT, _by_row(code, known.number[client], ABSENT))
    answered = at != ABSENT
    at, service = at[answered], forest.service[straight.callee[answered]]
    count = int(code.max(initial=-1)) + 1
    lowest, highest = np.full(count + 1, len(forest.services)), np.full(count + 1, -1)
    np.minimum.at(lowest, at, service)
    np.maximum.at(highest, at, service)
    only = np.where(lowest == highest, lowest, ABSENT)
    found: IntArray = only[code]
    return found


def _messages(forest: Forest, sent: Messages, peer_node: IntArray) -> list[Ends]:
    tied = sent.sender != ABSENT
    receiver, sender = sent.receiver[tied], sent.sender[tied]
    return [
        Ends(
            forest.service[sent.senders],
            peer_node[sent.senders],
            EdgeType.QUEUE,
            client=sent.senders,
        ),
        Ends(
            peer_node[sent.receiver],
            forest.service[sent.receiver],
            EdgeType.QUEUE,
            server=sent.receiver,
        ),
        Ends(
            forest.service[sender],
            forest.service[receiver],
            EdgeType.MESSAGING,
            sender,
            receiver,
            sent.guessed[tied],
        ),
    ]


def _told_callers(forest: Forest, rows: IntArray) -> pa.Array:
    """By entry the caller that an orphan names itself; null for all other spans."""
    told = first_in(forest.spans.take(pa.array(rows)), *PEER_NAMES)
    return pc.if_else(pa.array(forest.orphan[rows]), told, None)


def _entries(
    forest: Forest, rows: IntArray, told: pa.Array, numbering: Numbering
) -> Ends:
    caller = np.full(len(rows), numbering.user)
    caller[pc.is_valid(told).to_numpy(zero_copy_only=False)] = numbering.of_name
    return Ends(
        caller,
        forest.service[rows],
        EdgeType.CALL,
        server=rows,
        caller_missing=forest.orphan[rows],
    )


def _links(forest: Forest, sent: Messages) -> Ends:
    links = sent.others
    links = links.only(forest.service[links.row] != forest.service[links.target])
    return Ends(
        forest.service[links.target],
        forest.service[links.row],
        EdgeType.LINK,
        links.target,
        links.row,
    )
