"""What matches a query, by columns: each question is asked with hints, then without."""

from collections.abc import Callable
from typing import TypeVar

import duckdb

from traces.query import And, Filter, TraceQuery
from traces.spans import MARKED
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
) -> Answer:
    """`ask` gets the spans that match as a table expression, with its parameters."""

    def asked(*, hints: bool) -> Answer:
        parameters = Parameters()
        spans = matching_sql(window, query, parameters, columns=columns, hints=hints)
        return ask(spans, parameters)

    try:
        return asked(hints=True)
    except duckdb.NotImplementedException:
        # See `compile_hints`.
        return asked(hints=False)


def matching_sql(
    relation: Relation,
    query: TraceQuery,
    parameters: Parameters,
    *,
    columns: str = "*",
    joined: str = "",
    mark: Filter | None = None,
    hints: bool = True,
) -> str:
    """The spans that match as a table expression; `joined` is a further join of each.

    With `mark` there is a column MARKED: whether they satisfy that filter too.
    """
    every = [Piece(relation.sql)]
    if hints:
        where = query.where if mark is None else And((query.where, mark))
        every = pieces(relation, attributes_of(where))

    def select(piece: Piece) -> str:
        more = ""
        if mark is not None:
            more = f", {compile_filter(mark, parameters, piece.kinds)} AS {MARKED}"
        return (
            f"SELECT {columns}{more} FROM {piece.sql} AS spans {joined}"
            f" WHERE {_condition(piece, query, parameters, hints=hints)}"
        )

    return f"({' UNION ALL '.join(map(select, every))})"


def _condition(
    piece: Piece, query: TraceQuery, parameters: Parameters, *, hints: bool
) -> str:
    conditions = [
        starts_within(query.window, parameters),
        compile_hints(query.where, parameters, piece.kinds) if hints else "true",
        compile_filter(query.where, parameters, piece.kinds),
    ]
    return " AND ".join(conditions)
