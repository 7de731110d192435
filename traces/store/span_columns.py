"""Some spans with all their attributes as columns of text: what is compared of them.

Ids are chosen first, by light columns. Only the chosen spans' attributes are put
together, counted by key and taken apart into a column a key.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb
import pyarrow as pa

from traces.query import TraceQuery
from traces.spans import (
    ATTRIBUTE_PREFIXES,
    EXCERPT_COLUMNS,
    MOST_TEXT_CHARACTERS,
    SPAN_SCHEMA,
    SpanColumns,
    attribute_columns,
)
from traces.store.candidates import collect, of_matching
from traces.store.checking import check
from traces.store.distinct import distinct_spans
from traces.store.finding import rank_traces
from traces.store.source import Relation, Source
from traces.store.sql import Parameters, extract

_IDS: Final = "trace_id, span_id"
_SHOWN: Final = ", ".join((*EXCERPT_COLUMNS, *ATTRIBUTE_PREFIXES))
# What comes after the ids settles the place of spans that share them.
_ORDER: Final = ", ".join(dict.fromkeys(("trace_id", "span_id", *EXCERPT_COLUMNS)))
_KEYS_AT_ONCE: Final = 16
_TYPES: Final = "('VARCHAR', 'INT64', 'BOOL_TRUE', 'BOOL_FALSE', 'DOUBLE')"
# As `traces.store.sampling.is_sampled`.
_SAMPLED: Final = """
    CREATE OR REPLACE TEMP TABLE sampled AS SELECT {ids} FROM (
        SELECT {ids}, count(*) OVER () AS total,
            row_number() OVER (ORDER BY {ids}) - 1 AS place
        FROM {table}
    )
    WHERE total <= $most OR (place + 1) * $most // total > place * $most // total
"""
_ROOT_FIRST: Final = (
    "(parent_span_id IS NOT NULL), start_time_unix_nano, span_id, service_name, name"
)


def get_span_columns(source: Source, query: TraceQuery, most: int) -> SpanColumns:
    with source.connection() as connection:
        check(query, connection)
        window = source.in_window(query.window)
        collect(connection, window, query, table="matched", columns=_IDS)
        matched = _sample(connection, "matched", _IDS, most)

        def keep(spans: str, parameters: Parameters) -> None:
            distinct = distinct_spans(window._replace(sql=spans))
            _keep(connection, f"SELECT {_SHOWN} FROM {distinct}", parameters)

        of_matching(window, query, keep, joined=f"SEMI JOIN sampled USING ({_IDS})")
        return _columns(connection, matched, window)


def get_root_columns(
    source: Source, query: TraceQuery, most: int, without: TraceQuery | None
) -> SpanColumns:
    with source.connection() as connection:
        _rank_without(source, connection, query, without)
        matched = _sample(connection, "ranked", "trace_id", most)
        rows = connection.execute("SELECT trace_id FROM sampled").fetchall()
        whole = source.of_traces([trace_id for (trace_id,) in rows])
        spans = distinct_spans(whole, "trace_id IN (SELECT trace_id FROM sampled)")
        _keep(
            connection,
            f"""
            WITH spans AS NOT MATERIALIZED (SELECT * FROM {spans}),
            roots AS MATERIALIZED (
                SELECT {_IDS}, service_name, name, kind FROM spans
                QUALIFY {_first_of_trace()}
            )
            SELECT {_SHOWN} FROM spans
            SEMI JOIN roots USING ({_IDS}, service_name, name, kind)
            QUALIFY {_first_of_trace()}
            """,
            Parameters(),
        )
        return _columns(connection, matched, whole)


def _first_of_trace() -> str:
    return f"row_number() OVER (PARTITION BY trace_id ORDER BY {_ROOT_FIRST}) = 1"


def _rank_without(
    source: Source,
    connection: duckdb.DuckDBPyConnection,
    query: TraceQuery,
    without: TraceQuery | None,
) -> None:
    """Fill `ranked` with the traces of one query that the other does not find."""
    check(query, connection)
    if without is None:
        rank_traces(source, connection, query)
        return
    check(without, connection)
    rank_traces(source, connection, without)
    connection.execute("CREATE OR REPLACE TEMP TABLE others AS SELECT * FROM ranked")
    rank_traces(source, connection, query)
    connection.execute(
        "DELETE FROM ranked WHERE trace_id IN (SELECT trace_id FROM others)"
    )


def _sample(
    connection: duckdb.DuckDBPyConnection, table: str, ids: str, most: int
) -> int:
    """Fill `sampled` with at most so many ids of a table; how many it has."""
    connection.execute(_SAMPLED.format(ids=ids, table=table), {"most": most})
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _keep(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters
) -> None:
    """Fill `kept`, in which `place` is the order of the answer."""
    sql = f"""
        CREATE OR REPLACE TEMP TABLE kept AS
        SELECT *, row_number() OVER (ORDER BY {_ORDER}) AS place FROM ({sql})
    """
    connection.execute(sql, parameters.used_in(sql))


def _columns(
    connection: duckdb.DuckDBPyConnection, matched: int, relation: Relation
) -> SpanColumns:
    """Of the table `kept`."""
    fields = _read(connection, EXCERPT_COLUMNS, Parameters())
    columns = {
        name: column.cast(SPAN_SCHEMA.field(name).type)
        for name, column in zip(EXCERPT_COLUMNS, fields, strict=True)
    }
    left_out = list(relation.left_out)
    for column, prefix in ATTRIBUTE_PREFIXES.items():
        chosen = attribute_columns(_keys(connection, column), prefix)
        left_out += chosen.left_out
        texts = _texts(connection, column, chosen.keys)
        for key, text in zip(chosen.keys, texts, strict=True):
            columns[f"{prefix}{key}"] = text.combine_chunks().dictionary_encode()
    return SpanColumns(pa.table(columns), matched, tuple(left_out))


def _texts(
    connection: duckdb.DuckDBPyConnection, column: str, keys: Sequence[str]
) -> Iterator[pa.ChunkedArray]:
    # DuckDB needs megabytes for each VARIANT of a statement, however few the rows.
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        parameters = Parameters()
        some = keys[first : first + _KEYS_AT_ONCE]
        texts = [_text(column, parameters.add(key)) for key in some]
        yield from _read(connection, texts, parameters)


def _read(
    connection: duckdb.DuckDBPyConnection,
    expressions: Sequence[str],
    parameters: Parameters,
) -> list[pa.ChunkedArray]:
    sql = f"SELECT {', '.join(expressions)} FROM kept ORDER BY place"
    found: pa.Table = connection.sql(sql, params=parameters).to_arrow_table()
    return list(found.columns)


def _keys(connection: duckdb.DuckDBPyConnection, column: str) -> dict[str, int]:
    """How many spans have each key."""
    rows = connection.execute(
        f"SELECT key, count(*) FROM (SELECT unnest(variant_keys({column})) AS key"
        " FROM kept) GROUP BY key"
    ).fetchall()
    return dict(rows)


def _text(column: str, placeholder: str) -> str:
    item = extract(column, placeholder)
    text = f"left(TRY_CAST({item} AS VARCHAR), {MOST_TEXT_CHARACTERS})"
    return f"CASE WHEN variant_typeof({item}) IN {_TYPES} THEN {text} END"
