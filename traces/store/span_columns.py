"""Some spans with all their attributes as columns of text: what is compared of them.

Of more than are wanted, ids are chosen first, by light columns.
"""

from dataclasses import replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.query import Filter, TraceQuery
from traces.spans import MOST_TEXTS, TEXTS, SpanColumns
from traces.store.candidates import collect, of_matching
from traces.store.checking import check
from traces.store.finding import rank_traces
from traces.store.source import Relation, Source
from traces.store.sql import Parameters
from traces.store.text_columns import IDS, Choice, Texts, most_keys, read_texts, varied

# Of spans that footers tell too little of.
MOST_VARIED: Final = 50_000
# As `traces.store.sampling.is_sampled`.
_SAMPLED: Final = """
    CREATE OR REPLACE TEMP TABLE sampled AS SELECT {ids} FROM (
        SELECT {ids}, count(*) OVER () AS total,
            row_number() OVER (ORDER BY {ids}) - 1 AS place
        FROM {table}
    )
    WHERE total <= $most OR (place + 1) * $most // total > place * $most // total
"""
_SEMI_JOIN_SAMPLED: Final = f"SEMI JOIN sampled USING ({IDS})"
_ROOT: Final = f"{IDS}, service_name, name, kind"
_ROOT_FIRST: Final = "start_time_unix_nano, span_id, service_name, name"


def get_span_columns(source: Source, query: TraceQuery, most: int) -> SpanColumns:
    with source.connection() as connection:
        check(query, connection)
        window = source.in_window(query.window)
        count, most = _fitting(connection, window, query, most)
        if count <= most:
            texts = _read(connection, window, Choice(query))
            return _span_columns(texts, len(texts.table), window)
        collect(connection, window, query, table="matched", columns=IDS)
        matched = _sample(connection, "matched", IDS, most)
        texts = _read(connection, window, Choice(query, _SEMI_JOIN_SAMPLED))
        # Copies made them seem more than are wanted, or some share their ids.
        matched = max(matched, len(texts.table))
        return _span_columns(texts, matched, window)


def get_marked_columns(
    source: Source, query: TraceQuery, mark: Filter, most: int
) -> SpanColumns | None:
    with source.connection() as connection:
        check(query, connection)
        check(replace(query, where=mark), connection)
        window = source.in_window(query.window)
        count, most = _fitting(connection, window, query, most)
        if count > most:
            return None
        texts = _read(connection, window, Choice(query, mark=mark))
        return _span_columns(texts, len(texts.table), window)


def _span_columns(texts: Texts, matched: int, relation: Relation) -> SpanColumns:
    left_out = relation.left_out + texts.left_out
    return SpanColumns(texts.table, matched, left_out)


def _read(
    connection: duckdb.DuckDBPyConnection, relation: Relation, choice: Choice
) -> Texts:
    try:
        return read_texts(connection, relation, choice)
    except duckdb.NotImplementedException:
        # See `compile_hints`.
        return read_texts(connection, relation, choice._replace(hints=False))


def _fitting(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    query: TraceQuery,
    most: int,
) -> tuple[int, int]:
    """How many match, copies included, and how many of them are read: fewer when there
    are many keys, or many that must be put together as VARIANTs."""
    most = min(most, MOST_TEXTS // most_keys(relation))
    count = _count_matching(connection, relation, query)
    rest = varied(relation)
    dear = _count_matching(connection, rest, query) if rest else 0
    if dear > MOST_VARIED:
        most = min(most, count * MOST_VARIED // dear)
    return count, most


def _count_matching(
    connection: duckdb.DuckDBPyConnection, relation: Relation, query: TraceQuery
) -> int:
    def count(spans: str, parameters: Parameters) -> int:
        sql = f"SELECT count(*) FROM {spans}"
        ((found,),) = connection.execute(sql, parameters.used_in(sql)).fetchall()
        return int(found)

    return of_matching(relation, query, count, columns="1")


def get_root_columns(
    source: Source, query: TraceQuery, most: int, without: TraceQuery | None
) -> SpanColumns:
    with source.connection() as connection:
        _rank_without(source, connection, query, without)
        window = source.in_window(query.window)
        most = min(most, MOST_TEXTS // most_keys(window))
        if varied(window):
            most = min(most, MOST_VARIED)
        matched = _sample(connection, "ranked", "trace_id", most)
        rows = connection.execute("SELECT trace_id FROM sampled").fetchall()
        whole = source.of_traces([trace_id for (trace_id,) in rows])
        _find_roots(connection, whole)
        choice = Choice(None, f"SEMI JOIN roots USING ({_ROOT})")
        texts = _read(connection, whole, choice)
        texts = texts._replace(table=_one_a_trace(texts.table))
        return _span_columns(texts, matched, whole)


def _find_roots(connection: duckdb.DuckDBPyConnection, whole: Relation) -> None:
    """Fill `roots` from the spans without a parent; of traces that have none, from all."""
    first = f"row_number() OVER (PARTITION BY trace_id ORDER BY {_ROOT_FIRST}) = 1"
    select = f"SELECT {_ROOT} FROM {whole.sql} AS spans SEMI JOIN"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE roots AS {select} sampled USING (trace_id)
        WHERE parent_span_id IS NULL QUALIFY {first}
        """
    )
    connection.execute(
        "DELETE FROM sampled WHERE trace_id IN (SELECT trace_id FROM roots)"
    )
    connection.execute(
        f"INSERT INTO roots {select} sampled USING (trace_id) QUALIFY {first}"
    )


def _one_a_trace(spans: pa.Table) -> pa.Table:
    """Spans that differ in little but attributes may all be what a root is called."""
    trace = spans["trace_id"].combine_chunks().dictionary_encode()
    if len(trace.dictionary) == len(spans):
        return spans
    plain = pa.table(
        {
            name: spans[name].cast(pa.string()) if field.type == TEXTS else spans[name]
            for name, field in zip(spans.column_names, spans.schema, strict=True)
        }
    )
    order = [(name, "ascending") for name in plain.column_names]
    spans = spans.unify_dictionaries().take(pc.sort_indices(plain, sort_keys=order))
    trace = spans["trace_id"].combine_chunks().dictionary_encode()
    return spans.take(np.flatnonzero(np.diff(trace.indices.to_numpy(), prepend=-1)))


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
    ((found,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(found)
