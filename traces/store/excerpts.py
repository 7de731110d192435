"""Excerpts: of many whole traces what analyses need, and no more of a span than that."""

from collections.abc import Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa

from traces.query import Window
from traces.spans import excerpt_schema
from traces.store.base import TraceSample
from traces.store.checking import starts_within
from traces.store.excerpt_columns import Keys, read_columns
from traces.store.sampling import first_traces, one_in_to_fit
from traces.store.source import Relation, Source
from traces.store.sql import Parameters

_OF_THESE: Final = "trace_id IN (SELECT unnest($ids::BLOB[]))"
# The lower half of MD5, as `sampling.trace_hash` has it.
_HASH: Final = "md5_number_lower(trace_id)"


def get_excerpt(
    source: Source, window: Window, reach_nano: int, keys: Sequence[str]
) -> pa.Table:
    """See `TraceStore.get_excerpt`."""
    question = _Question(window, reach_nano, keys)
    with source.connection() as connection:
        return _read(connection, source.in_window(question.reach), question)


def get_sample(
    source: Source,
    window: Window,
    reach_nano: int,
    keys: Sequence[str],
    operation: tuple[str, str],
    most_spans: int,
) -> TraceSample:
    """See `TraceStore.get_sample`."""
    question = _Question(window, reach_nano, keys)
    service_name, name = map(question.parameters.add, operation)
    question.traces = f"service_name = {service_name} AND name = {name}"
    with source.connection() as connection:
        relation = source.in_window(question.reach)
        hashes, counts = _sizes(connection, relation, question)
        one_in = one_in_to_fit(hashes, counts, most_spans)
        divisor = question.parameters.add(one_in)
        question.traces += f" AND {_HASH} % {divisor} = 0"
        spans = _read(connection, relation, question)
    return TraceSample(spans, one_in, len(hashes))


def get_excerpt_of(
    source: Source,
    trace_ids: Sequence[bytes],
    keys: Sequence[str],
    resource_keys: Sequence[str],
    most: int,
) -> pa.Table:
    """See `TraceStore.get_excerpt_of`."""
    wanted = Keys(keys, resource_keys)
    if not trace_ids:
        return excerpt_schema(*wanted).empty_table()
    parameters = Parameters(ids=list(trace_ids))
    with source.connection() as connection:
        relation = source.of_traces(trace_ids)
        counts = _counts(connection, relation, parameters)
        parameters["ids"] = first_traces(trace_ids, counts, most)
        return read_columns(connection, relation, wanted, _OF_THESE, parameters)


class _Question:
    """Which spans of which traces; `traces` is what one span in the window must be."""

    def __init__(self, window: Window, reach_nano: int, keys: Sequence[str]) -> None:
        self.keys = keys
        self.parameters = Parameters()
        self.reach = Window(
            window.start_time_unix_nano - reach_nano,
            window.end_time_unix_nano + reach_nano,
        )
        self.inside = starts_within(window, self.parameters)
        self.within_reach = starts_within(self.reach, self.parameters)
        self.traces = "true"

    def condition(self, relation: Relation) -> str:
        return f"""
            {self.within_reach} AND trace_id IN (
                SELECT trace_id FROM {relation.sql} AS inside
                WHERE {self.inside} AND {self.traces}
            )
        """


def _read(
    connection: duckdb.DuckDBPyConnection, relation: Relation, question: _Question
) -> pa.Table:
    condition = question.condition(relation)
    keys = Keys(question.keys)
    return read_columns(connection, relation, keys, condition, question.parameters)


def _sizes(
    connection: duckdb.DuckDBPyConnection, relation: Relation, question: _Question
) -> tuple[Any, Any]:
    """The hash and the number of spans of every trace, copies of spans included."""
    sql = f"""
        SELECT {_HASH} AS hash, count(*) AS spans FROM {relation.sql} AS spans
        WHERE {question.condition(relation)} GROUP BY trace_id
    """
    parameters = question.parameters.used_in(sql)
    found = connection.sql(sql, params=parameters).to_arrow_table()
    return found["hash"].to_numpy(), found["spans"].to_numpy()


def _counts(
    connection: duckdb.DuckDBPyConnection, relation: Relation, parameters: Parameters
) -> dict[bytes, int]:
    """How many spans each trace has, copies of spans included."""
    sql = f"""
        SELECT trace_id, count(*) FROM {relation.sql} AS spans
        WHERE {_OF_THESE} GROUP BY trace_id
    """
    return dict(connection.execute(sql, parameters).fetchall())
