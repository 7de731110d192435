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
    """Of services, peers, and services known by these names alone."""
    own = len(forest.services)
    names = [pa.array(forest.services, pa.string()), pa.array([USER_NAME])]
    types = np.concatenate(
        (
            np.full(own, NodeType.SERVICE),
            [NodeType.USER],
            peers.type,
            np.full(len(services_told), NodeType.SERVICE),
        )
    )
    every = pa.concat_arrays([*names, peers.name, services_told])
    # One digit of type, then the name: no name can look like another type's.
    digits = pa.array(types).cast(pa.string())
    encoded = pc.binary_join_element_wise(digits, every, "").dictionary_encode()
    number = encoded.indices.to_numpy().astype(np.int64)
    # A loop over nodes, of which there are few.
    nodes = tuple(
        Node(text[1:], NodeType(int(text[0])), virtual=at >= own)
        for at, text in enumerate(encoded.dictionary.to_pylist())
    )
    of_peer = number[own + 1 : own + 1 + len(peers)]
    return Numbering(nodes, own, of_peer, number[own + 1 + len(peers) :])
