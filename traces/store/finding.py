"""Search: which traces match, by columns; their place in the order, by whole traces.

Two steps. First the ids of the traces of which one span matches, from the segments of
the window. Then, of these traces alone, what the order and the bounds need of all their
spans, wherever they are; summaries are made for the page only.
"""

from typing import Final, NamedTuple

import duckdb

from traces.query import Cursor, Sort, TraceQuery
from traces.store.base import PointsResult, Scanned, SearchResult
from traces.store.candidates import collect
from traces.store.checking import check
from traces.store.distinct import distinct_spans
from traces.store.source import Relation, Source
from traces.store.sql import Parameters
from traces.store.summaries import DESCENDING, point_of
from traces.store.whole_traces import END, ERROR_COUNT, summaries

# With more traces than this, asking for their segments costs more than it saves.
MAX_TRACES_TO_LOCATE: Final = 10_000

DURATION: Final = f"max({END}) - min(start_time_unix_nano)"
_SORT_VALUES: Final = {
    Sort.NEWEST: "min(start_time_unix_nano)",
    Sort.OLDEST: "min(start_time_unix_nano)",
    Sort.LONGEST: DURATION,
    Sort.SHORTEST: DURATION,
    Sort.MOST_SPANS: "count(*)",
    Sort.MOST_ERRORS: ERROR_COUNT,
}
_COUNTING: Final = (Sort.MOST_SPANS, Sort.MOST_ERRORS)


def find_traces(source: Source, query: TraceQuery) -> SearchResult:
    with source.connection() as connection:
        check(query, connection)
        window = source.in_window(query.window)
        collect(connection, window, query, table="candidates", columns="trace_id")
        whole = _whole(source, connection)
        _rank(connection, whole, query)
        page = _page(connection, query)
        shown = page.cursors[: query.limit]
        return SearchResult(
            traces=tuple(
                summaries(source, connection, [one.trace_id for one in shown])
            ),
            matched=page.matched,
            scanned=_scanned(window, whole),
            next=shown[-1] if len(page.cursors) > query.limit else None,
        )


def find_points(source: Source, query: TraceQuery, limit: int) -> PointsResult:
    with source.connection() as connection:
        check(query, connection)
        rank_traces(source, connection, query)
        ids = connection.execute(_SAMPLE, {"limit": limit}).fetchall()
        points = summaries(source, connection, [trace_id for (trace_id,) in ids])
        return PointsResult(
            points=tuple(map(point_of, points)), matched=_count(connection, "ranked")
        )


# `traces.store.sampling.is_sampled`, in SQL.
_SAMPLE: Final = """
    SELECT trace_id FROM (
        SELECT trace_id, count(*) OVER () AS total,
            row_number() OVER (ORDER BY trace_id) - 1 AS place
        FROM ranked
    )
    WHERE total <= $limit
        OR (place + 1) * $limit // total > place * $limit // total
    ORDER BY trace_id
"""


def rank_traces(
    source: Source, connection: duckdb.DuckDBPyConnection, query: TraceQuery
) -> None:
    """Fill the table `ranked` with the traces that the query finds."""
    window = source.in_window(query.window)
    collect(connection, window, query, table="candidates", columns="trace_id")
    _rank(connection, _whole(source, connection), query)


def _whole(source: Source, connection: duckdb.DuckDBPyConnection) -> Relation:
    """Where all spans of the candidates are."""
    if _count(connection, "candidates") > MAX_TRACES_TO_LOCATE:
        return source.everything()
    rows = connection.execute("SELECT trace_id FROM candidates").fetchall()
    return source.of_traces([trace_id for (trace_id,) in rows])


def _rank(
    connection: duckdb.DuckDBPyConnection, whole: Relation, query: TraceQuery
) -> None:
    """Fill the table `ranked` with the matching traces and their sort values."""
    spans = whole.sql
    if query.sort in _COUNTING:
        # First and last moments are the same however often a span is stored.
        spans = distinct_spans(whole, "trace_id IN (SELECT trace_id FROM candidates)")
    parameters = Parameters()
    bounds = _bounds(query, parameters)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE ranked AS
        SELECT trace_id, {_SORT_VALUES[query.sort]} AS sort_value
        FROM {spans} AS spans SEMI JOIN candidates USING (trace_id)
        GROUP BY trace_id HAVING {bounds}
        """,
        parameters,
    )


def _bounds(query: TraceQuery, parameters: Parameters) -> str:
    bounds = [
        f"{DURATION} {comparison} {parameters.add(bound)}"
        for comparison, bound in (
            (">=", query.min_trace_duration_nano),
            ("<=", query.max_trace_duration_nano),
        )
        if bound is not None
    ]
    return " AND ".join(bounds) or "true"


class _Page(NamedTuple):
    cursors: list[Cursor]
    """Of the traces of the page and, if there is a next page, of its first trace."""
    matched: int


def _page(connection: duckdb.DuckDBPyConnection, query: TraceQuery) -> _Page:
    parameters = Parameters()
    descending = query.sort in DESCENDING
    after = _after(query.after, "<" if descending else ">", parameters)
    rows = connection.execute(
        f"""
        SELECT sort_value, trace_id FROM ranked WHERE {after}
        ORDER BY sort_value {"DESC" if descending else "ASC"}, trace_id
        LIMIT {parameters.add(query.limit + 1)}
        """,
        parameters,
    ).fetchall()
    return _Page([Cursor(*row) for row in rows], _count(connection, "ranked"))


def _after(cursor: Cursor | None, beyond: str, parameters: Parameters) -> str:
    if cursor is None:
        return "true"
    value = parameters.add(cursor.sort_value)
    trace_id = parameters.add(cursor.trace_id)
    return (
        f"(sort_value {beyond} {value}"
        f" OR (sort_value = {value} AND trace_id > {trace_id}))"
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _scanned(window: Relation, whole: Relation) -> Scanned:
    return Scanned(
        spans=window.span_count,
        segments=window.segment_count,
        left_out=tuple(dict.fromkeys(window.left_out + whole.left_out)),
    )
