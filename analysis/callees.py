"""Who a span says it called: names of peers, which need send no spans themselves."""

import re
from typing import Final

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
from traces.spans import excerpt_column

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
