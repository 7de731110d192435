"""The nodes of a service map: services that sent spans, and what others tell of."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.forest import Forest
from analysis.histogram import IntArray
from analysis.peers import NodeType, Peers

USER_NAME: Final = "user"
# Each client may call an address of its own; nobody reads a map of 100,000.
PEER_LIMIT: Final = 1000
OTHERS: Final = "others"


class Node(NamedTuple):
    """A virtual node sent no span itself."""

    name: str
    type: NodeType
    virtual: bool


@dataclass(frozen=True, slots=True)
class Numbering:
    """Numbers of nodes: those of services are the forest's; then comes the user.

    Equal names are one node only if their types are equal: a database is never a service.
    """

    nodes: tuple[Node, ...]
    user: int
    of_peer: IntArray
    of_name: IntArray


def number_nodes(forest: Forest, peers: Peers, services_told: pa.Array) -> Numbering:
    """Of services, peers, and services known by these names alone.

    Beyond PEER_LIMIT the rarest nodes that sent no span are one node of their type.
    """
    own = len(forest.services)
    told = len(services_told)
    types = [NodeType.SERVICE] * own + [NodeType.USER]
    every_type = np.concatenate(
        (types, peers.type, np.full(told, NodeType.SERVICE))
    ).astype(np.int64)
    own_names = [pa.array(forest.services, pa.string()), pa.array([USER_NAME])]
    names = pa.concat_arrays([*own_names, peers.name, services_told])
    encoded = _keys(every_type, names).dictionary_encode()
    number = encoded.indices.to_numpy().astype(np.int64)[own + 1 :]
    used = np.bincount(peers.number[peers.number >= 0], minlength=len(peers))
    often = np.bincount(
        number, np.append(used, np.ones(told)), minlength=len(encoded.dictionary)
    )
    keys = _with_others(encoded.dictionary, often, own + 1)
    keys = keys.dictionary_encode()
    number = keys.indices.to_numpy().astype(np.int64)[number]
    # A loop over nodes, of which there are few.
    nodes = tuple(
        Node(text[1:], NodeType(int(text[0])), virtual=at >= own)
        for at, text in enumerate(keys.dictionary.to_pylist())
    )
    return Numbering(nodes, own, number[: len(peers)], number[len(peers) :])


def _keys(types: IntArray, names: pa.Array) -> pa.Array:
    """One digit of type, then the name: no name can look like another type's."""
    return pc.binary_join_element_wise(pa.array(types).cast(pa.string()), names, "")


def _with_others(keys: pa.Array, often: IntArray, own: int) -> pa.Array:
    """The keys, of which the rarest beyond the limit become that of the others."""
    if len(keys) <= own + PEER_LIMIT:
        return keys
    order = own + np.argsort(-often[own:], kind="stable")
    rare = np.zeros(len(keys), bool)
    rare[order[PEER_LIMIT:]] = True
    digits = pc.utf8_slice_codeunits(keys, 0, 1)
    others = pc.binary_join_element_wise(digits, OTHERS, "")
    return pc.if_else(pa.array(rare), others, keys)
