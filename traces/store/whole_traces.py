"""Whole traces by id: their spans, and their summaries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from traces.spans import SPAN_SCHEMA, SpanBatch, StatusCode, empty_batch
from traces.store.base import ServiceShare, TraceSummary
from traces.store.distinct import distinct_spans
from traces.store.source import Source

END: Final = "start_time_unix_nano + greatest(duration_nano, 0)"
ERROR_COUNT: Final = f"count(*) FILTER (status_code = {StatusCode.ERROR.value})"
_OF_THESE_TRACES: Final = "trace_id IN (SELECT unnest($trace_ids::BLOB[]))"
# Of spans that share their start and id any might come first; the rest settles it.
_ORDER: Final = ", ".join(
    ["trace_id", "start_time_unix_nano", "span_id"]
    + [
        name
        for name in SPAN_SCHEMA.names
        if not pa.types.is_nested(SPAN_SCHEMA.field(name).type)
    ]
)


def get_traces(source: Source, trace_ids: Sequence[bytes]) -> SpanBatch:
    if not trace_ids:
        return empty_batch()
    with source.connection() as connection:
        spans = distinct_spans(source.of_traces(trace_ids), _OF_THESE_TRACES)
        found = connection.sql(
            f"SELECT * FROM {spans} ORDER BY {_ORDER}",
            params={"trace_ids": list(trace_ids)},
        )
        return _as_batch(found.to_arrow_table())


def _as_batch(table: pa.Table) -> SpanBatch:
    """DuckDB knows no fixed width and no field that is never null."""
    columns = [
        table.column(field.name).cast(field.type, safe=True) for field in SPAN_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SPAN_SCHEMA)


class _Part(NamedTuple):
    """What one service did in one trace."""

    trace_id: bytes
    service_name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    span_count: int
    error_count: int
    root: dict[str, Any] | None
    """Its earliest span without a parent id, if there is one."""


# The least of some structs is dear to find: of few spans only.
_FIRST: Final = """
    min({
        'start_time_unix_nano': start_time_unix_nano,
        'span_id': span_id,
        'service_name': service_name,
        'name': name
    })
"""


def _parts_of(spans: str) -> str:
    return f"""
        SELECT trace_id, service_name,
            min(start_time_unix_nano), max({END}), count(*), {ERROR_COUNT},
            {_FIRST} FILTER (parent_span_id IS NULL)
        FROM {spans} GROUP BY trace_id, service_name
    """


def summaries(
    source: Source,
    connection: duckdb.DuckDBPyConnection,
    trace_ids: Sequence[bytes],
) -> list[TraceSummary]:
    """The summaries of these traces, in this order; all must be stored."""
    if not trace_ids:
        return []
    spans = distinct_spans(source.of_traces(trace_ids), _OF_THESE_TRACES)
    rows = connection.execute(
        _parts_of(spans), {"trace_ids": list(trace_ids)}
    ).fetchall()
    parts: defaultdict[bytes, list[_Part]] = defaultdict(list)
    for row in rows:
        parts[row[0]].append(_Part(*row))
    roots = _roots(connection, spans, parts)
    return [_summary(parts[trace_id], roots[trace_id]) for trace_id in trace_ids]


def _roots(
    connection: duckdb.DuckDBPyConnection,
    spans: str,
    parts: Mapping[bytes, list[_Part]],
) -> dict[bytes, dict[str, Any]]:
    """The root of each trace: its earliest span, if all have a parent id."""
    found = {}
    for trace_id, all_of_one in parts.items():
        roots = [part.root for part in all_of_one if part.root is not None]
        if roots:
            found[trace_id] = min(roots, key=lambda root: tuple(root.values()))
    rest = [trace_id for trace_id in parts if trace_id not in found]
    if rest:
        sql = f"SELECT trace_id, {_FIRST} FROM {spans} GROUP BY trace_id"
        found |= dict(connection.execute(sql, {"trace_ids": rest}).fetchall())
    return found


def _summary(parts: list[_Part], root: Mapping[str, Any]) -> TraceSummary:
    start = min(part.start_time_unix_nano for part in parts)
    parts.sort(key=lambda part: (-part.span_count, part.service_name))
    return TraceSummary(
        trace_id=parts[0].trace_id,
        root_service_name=root["service_name"],
        root_name=root["name"],
        start_time_unix_nano=start,
        duration_nano=max(part.end_time_unix_nano for part in parts) - start,
        span_count=sum(part.span_count for part in parts),
        error_count=sum(part.error_count for part in parts),
        services=tuple(
            ServiceShare(part.service_name, part.span_count, part.error_count)
            for part in parts
        ),
    )
