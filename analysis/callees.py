"""Who a span says it called: names of peers, which need send no spans themselves."""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import (
    ADDRESSES,
    DATABASES,
    PEER_NAMES,
    URLS,
    texts,
)
from analysis.forest import Forest
from analysis.histogram import IntArray
from analysis.peers import NodeType, Peers, Source, peers
from analysis.stable_names import stable_address
from traces.spans import SpanKind, excerpt_column
from traces.tree import NO_PARENT

_HOST: Final = re.compile(r"^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]+)", re.I)


def first_at(forest: Forest, rows: IntArray, *keys: str) -> pa.Array:
    """The first of these attributes that is there and not empty, at these rows only."""
    found, where = pa.nulls(len(rows), pa.string()), pa.array(rows)
    for key in keys:
        value = texts(forest, excerpt_column(key))
        if value.null_count < len(value):
            value = value.take(where)
            found = pc.coalesce(found, pc.if_else(pc.equal(value, ""), None, value))
    return found


def peer_names(forest: Forest, rows: IntArray) -> list[str]:
    """By row asked for: the peer's name, else its database, address or URL's host, else
    nothing."""
    named = first_at(forest, rows, *PEER_NAMES, *ADDRESSES, *DATABASES).to_pylist()
    urls = first_at(forest, rows, *URLS).to_pylist()
    return [name or host_of(url or "") for name, url in zip(named, urls, strict=True)]


def host_of(url: str) -> str:
    found = _HOST.match(url)
    return found.group(1) if found else ""


def callees(forest: Forest) -> tuple[IntArray, tuple[str, ...]]:
    """By row the number of whom it called, and their names: the service of its server
    span, else what the service map calls its peer, but addresses without what changes
    with a restart; -1 for what calls nobody."""
    known = peers(forest)
    of_peer, names = _numbered(forest.services, known)
    is_call = np.isin(forest.kind, (SpanKind.CLIENT, SpanKind.PRODUCER))
    called: IntArray = np.where(is_call, np.append(of_peer, -1)[known.number], -1)
    child = np.flatnonzero(forest.parent != NO_PARENT)
    above = forest.parent[child]
    other = forest.service[child] != forest.service[above]
    called[above[other]] = forest.service[child[other]]
    return called, names


def _numbered(
    services: tuple[str, ...], known: Peers
) -> tuple[IntArray, tuple[str, ...]]:
    """By peer a number, -1 for one that is not known, and the names of all numbers. A
    peer that is called as a service is that service; a database never is."""
    # Plain Python: peers are distinct combinations of attributes.
    number = {(NodeType.SERVICE, name): at for at, name in enumerate(services)}
    found = []
    for name, type_, source in zip(
        known.name.to_pylist(), known.type.tolist(), known.source.tolist(), strict=True
    ):
        if source == Source.ADDRESS:
            name = stable_address(name)
        key = (NodeType(type_), name)
        is_known = source != Source.NOTHING
        found.append(number.setdefault(key, len(number)) if is_known else -1)
    return np.array(found, np.int64), tuple(name for _, name in number)
