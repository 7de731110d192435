"""The attributes that analyses look at, as text columns beside those of the forest.

A table that a forest is built from may have more columns of an excerpt (see
`traces.spans.excerpt_schema`): attributes as text, ids of links, the exception of a failed
span. What is missing counts as null.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from analysis.forest import Forest
from traces.spans import excerpt_column

PEER_NAMES: Final = ("service.peer.name", "peer.service")
ADDRESSES: Final = ("server.address", "network.peer.address", "net.peer.name")
PORTS: Final = ("server.port", "network.peer.port", "net.peer.port")
URLS: Final = ("url.full", "http.url")
RPC: Final = ("rpc.service", "rpc.method", "rpc.system.name", "rpc.system")
DATABASES: Final = ("db.system.name", "db.system")
DATABASE_NAMES: Final = ("db.namespace", "db.name")
STATEMENTS: Final = ("db.query.summary", "db.query.text", "db.statement")
MESSAGING: Final = (
    "messaging.system",
    "messaging.destination.name",
    "messaging.destination",
    "messaging.operation.type",
    "messaging.operation",
)
HTTP: Final = (
    "http.request.method",
    "http.method",
    "http.route",
    "url.template",
    "http.response.status_code",
    "http.status_code",
)
ERRORS: Final = (
    "error.type",
    "error",
    "rpc.response.status_code",
    "rpc.grpc.status_code",
)

KEYS: Final = (
    *PEER_NAMES,
    *ADDRESSES,
    *PORTS,
    *URLS,
    *RPC,
    *DATABASES,
    *DATABASE_NAMES,
    *STATEMENTS,
    *MESSAGING,
    *HTTP,
    *ERRORS,
)


def texts(forest: Forest, column: str) -> pa.Array:
    """A text column by row, null where there is none."""
    if column not in forest.spans.column_names:
        return pa.nulls(len(forest), pa.string())
    return forest.spans[column].combine_chunks()


def first_of(forest: Forest, *keys: str) -> pa.Array:
    """The first of these attributes that a span has, and that is not empty."""
    return first_in(forest.spans, *keys)


def first_in(spans: pa.Table, *keys: str) -> pa.Array:
    """As `first_of`, of any table with such columns."""
    found = pa.nulls(len(spans), pa.string())
    for column in map(excerpt_column, keys):
        if column in spans.column_names:
            value = spans[column].combine_chunks()
            value = pc.if_else(pc.equal(value, ""), None, value)
            found = pc.coalesce(found, value)
    return found
