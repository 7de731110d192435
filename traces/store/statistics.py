"""Each service over a window: how often it was asked, how it failed, how long it took."""

from typing import Any, Final

from traces.query import Window
from traces.spans import SpanKind, StatusCode
from traces.store.base import ServiceStatistics
from traces.store.checking import starts_within
from traces.store.distinct import distinct_spans
from traces.store.source import Source
from traces.store.sql import Parameters

# Decimal literals, with which DuckDB computes the rank exactly.
_PERCENTILES: Final = "[0.50, 0.95, 0.99]"
_IS_REQUEST: Final = f"kind IN ({SpanKind.SERVER.value}, {SpanKind.CONSUMER.value})"


def _measures(spans: str) -> str:
    """Count, errors and percentiles of the spans of which a condition holds."""
    return f"""
        count(*) FILTER ({spans}),
        count(*) FILTER ({spans} AND status_code = {StatusCode.ERROR.value}),
        quantile_disc(duration_nano, {_PERCENTILES})
            FILTER ({spans} AND duration_nano >= 0)
    """


def get_service_statistics(source: Source, window: Window) -> list[ServiceStatistics]:
    parameters = Parameters()
    in_window = starts_within(window, parameters)
    with source.connection() as connection:
        spans = distinct_spans(source.in_window(window), in_window)
        rows = connection.execute(
            f"""
            SELECT service_name, max(start_time_unix_nano),
                {_measures(_IS_REQUEST)}, {_measures("true")}
            FROM {spans} AS spans GROUP BY service_name ORDER BY service_name
            """,
            parameters,
        ).fetchall()
    return [_statistics(row) for row in rows]


def _statistics(row: tuple[Any, ...]) -> ServiceStatistics:
    service_name, last_seen, requests, every = row[0], row[1], row[2:5], row[5:8]
    count, errors, percentiles = requests if requests[0] else every
    p50, p95, p99 = percentiles or (None, None, None)
    return ServiceStatistics(
        service_name=service_name,
        span_count=every[0],
        request_count=count,
        error_count=errors,
        p50_nano=p50,
        p95_nano=p95,
        p99_nano=p99,
        last_seen_unix_nano=last_seen,
    )
