"""What is refused before a query runs, and the window as a condition."""

from collections.abc import Iterator

import duckdb

from traces.query import (
    Condition,
    Filter,
    QueryError,
    TraceQuery,
    Window,
    children,
    validate,
)
from traces.store.patterns import PATTERN_OPS, check_patterns
from traces.store.sql import Parameters


def check(query: TraceQuery, connection: duckdb.DuckDBPyConnection) -> None:
    """Raise QueryError for a query that is too large or has an invalid pattern."""
    validate(query)
    check_patterns(query.where)
    # DuckDB has an RE2 of its own, of another version.
    for pattern in _patterns(query.where):
        try:
            connection.execute("SELECT regexp_full_match('', $1, 's')", [pattern])
        except duckdb.InvalidInputException as error:
            raise QueryError(f"not a pattern: {error}") from error


def starts_within(window: Window, parameters: Parameters) -> str:
    start = parameters.add(window.start_time_unix_nano)
    end = parameters.add(window.end_time_unix_nano)
    return f"start_time_unix_nano >= {start} AND start_time_unix_nano < {end}"


def _patterns(node: Filter) -> Iterator[str]:
    if isinstance(node, Condition):
        if node.op in PATTERN_OPS:
            yield str(node.value)
        return
    for part in children(node):
        yield from _patterns(part)
