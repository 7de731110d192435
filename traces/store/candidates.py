"""What matches a query, by columns: each question is asked with hints, then without."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import duckdb

from traces.query import TraceQuery
from traces.store.checking import starts_within
from traces.store.pieces import Piece, attributes_of, pieces
from traces.store.source import Relation
from traces.store.sql import Parameters, compile_filter, compile_hints

Answer = TypeVar("Answer")


def collect(
    connection: duckdb.DuckDBPyConnection,
    window: Relation,
    query: TraceQuery,
    *,
    table: str,
    columns: str,
) -> None:
    """Fill `table` with the different `columns` of the spans that match."""

    def fill(spans: str, parameters: Parameters) -> None:
        sql = f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT DISTINCT * FROM {spans}"
        connection.execute(sql, parameters.used_in(sql))

    of_matching(window, query, fill, columns=columns)


def of_matching(
    window: Relation,
    query: TraceQuery,
    ask: Callable[[str, Parameters], Answer],
    *,
    columns: str = "*",
    joined: str = "",
) -> Answer:
    """`ask` gets the spans that match as a table expression, with its parameters.

    `joined` is a further join of each row.
    """
    every = pieces(window, attributes_of(query.where))
    try:
        return ask(*_union(every, query, columns, joined, hints=True))
    except duckdb.NotImplementedException:
        # See `compile_hints`.
        whole = [Piece(window.sql)]
        return ask(*_union(whole, query, columns, joined, hints=False))


def _union(
    chosen: Sequence[Piece],
    query: TraceQuery,
    columns: str,
    joined: str,
    *,
    hints: bool,
) -> tuple[str, Parameters]:
    parameters = Parameters()
    selects = " UNION ALL ".join(
        f"SELECT {columns} FROM {piece.sql} AS spans {joined}"
        f" WHERE {_condition(piece, query, parameters, hints=hints)}"
        for piece in chosen
    )
    return f"({selects})", parameters


def _condition(
    piece: Piece, query: TraceQuery, parameters: Parameters, *, hints: bool
) -> str:
    conditions = [
        starts_within(query.window, parameters),
        compile_hints(query.where, parameters, piece.kinds) if hints else "true",
        compile_filter(query.where, parameters, piece.kinds),
    ]
    return " AND ".join(conditions)
