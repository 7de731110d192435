"""A store in memory: the readable reference that the other stores are held to."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from traces.query import (
    EVERY_SPAN,
    Attribute,
    Cursor,
    Filter,
    Scope,
    Sort,
    TraceQuery,
    Value,
    Window,
    validate,
)
from traces.spans import (
    COMPARED_COLUMNS,
    MARKED,
    SPAN_SCHEMA,
    SpanBatch,
    SpanColumns,
    SpanKind,
    StatusCode,
    empty_batch,
)
from traces.store.base import (
    PointsResult,
    Scanned,
    SearchResult,
    ServiceStatistics,
    TraceSample,
    TraceSummary,
)
from traces.store.matching import satisfies
from traces.store.patterns import check_patterns
from traces.store.plain_columns import columns_of_roots, columns_of_spans
from traces.store.plain_excerpts import excerpt_of
from traces.store.sampling import (
    first_traces,
    is_sampled,
    one_in_to_fit,
    trace_hash,
)
from traces.store.summaries import (
    cursor_of,
    point_of,
    rank,
    summarise,
    within_duration_bounds,
)
from traces.store.values import text_of, value_of
from traces.variant import decode_attributes, encode

MAX_SPAN_NAMES: Final = 1_000
PERCENTS: Final = (50, 95, 99)
REQUEST_KINDS: Final = (SpanKind.SERVER, SpanKind.CONSUMER)
ATTRIBUTE_COLUMNS: Final = {
    Scope.SPAN: "attributes",
    Scope.RESOURCE: "resource_attributes",
    Scope.INSTRUMENTATION: "scope_attributes",
}

Row = dict[str, Any]


class MemoryStore:
    """Every span as a row of decoded values; equal rows are kept once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._table = empty_batch()
        self._fingerprints: set[tuple[Any, ...]] = set()

    def write(self, batch: SpanBatch) -> None:
        rows = [_decoded(row) for row in batch.to_pylist()]
        with self._lock:
            fresh = [i for i, row in enumerate(rows) if self._is_new(row)]
            added = pa.Table.from_arrays(
                batch.take(_indices(fresh)).columns, schema=SPAN_SCHEMA
            )
            self._table = pa.concat_tables([self._table, added])
            self._rows = self._rows + [rows[i] for i in fresh]

    def _is_new(self, row: Row) -> bool:
        fingerprint = _fingerprint(row)
        known = fingerprint in self._fingerprints
        self._fingerprints.add(fingerprint)
        return not known

    def get_traces(self, trace_ids: list[bytes]) -> SpanBatch:
        with self._lock:
            rows, table = self._rows, self._table
        wanted = set(trace_ids)
        found = [i for i, row in enumerate(rows) if row["trace_id"] in wanted]
        found.sort(key=lambda i: _place(rows[i]))
        return table.take(_indices(found)).combine_chunks()

    def find_traces(self, query: TraceQuery) -> SearchResult:
        matched = self._matched(query)
        matched.sort(
            key=lambda summary: rank(cursor_of(summary, query.sort), query.sort)
        )
        rest = [summary for summary in matched if _is_after(summary, query)]
        page = tuple(rest[: query.limit])
        more = len(rest) > len(page)
        return SearchResult(
            traces=page,
            matched=len(matched),
            scanned=Scanned(spans=len(self._rows)),
            next=cursor_of(page[-1], query.sort) if more else None,
        )

    def find_points(self, query: TraceQuery, limit: int) -> PointsResult:
        matched = sorted(self._matched(query), key=lambda summary: summary.trace_id)
        sampled = (
            point_of(summary)
            for place, summary in enumerate(matched)
            if is_sampled(place, len(matched), limit)
        )
        return PointsResult(points=tuple(sampled), matched=len(matched))

    def _matched(self, query: TraceQuery) -> list[TraceSummary]:
        validate(query)
        check_patterns(query.where)
        rows = self._rows
        ids = {row["trace_id"] for row in self._in_window(query.window, query.where)}
        traces: defaultdict[bytes, list[Row]] = defaultdict(list)
        for row in rows:
            if row["trace_id"] in ids:
                traces[row["trace_id"]].append(row)
        summaries = map(summarise, traces.values())
        return [one for one in summaries if within_duration_bounds(one, query)]

    def _in_window(self, window: Window, where: Filter = EVERY_SPAN) -> Iterator[Row]:
        for row in self._rows:
            start = row["start_time_unix_nano"]
            if window.start_time_unix_nano <= start < window.end_time_unix_nano and (
                satisfies(row, where)
            ):
                yield row

    def get_services(self, window: Window) -> list[str]:
        return sorted({row["service_name"] for row in self._in_window(window)})

    def get_span_names(self, service_name: str | None, window: Window) -> list[str]:
        names = {
            row["name"]
            for row in self._in_window(window)
            if service_name in (None, row["service_name"])
        }
        return sorted(names)[:MAX_SPAN_NAMES]

    def get_attribute_keys(
        self, window: Window, prefix: str = "", limit: int = 100
    ) -> list[Attribute]:
        found = {
            (key, scope)
            for row in self._in_window(window)
            for scope in Scope
            for attributes in _maps(row, scope)
            for key in attributes
            if key.startswith(prefix)
        }
        return [Attribute(key, scope) for key, scope in sorted(found)[:limit]]

    def get_attribute_values(
        self, attribute: Attribute, window: Window, prefix: str = "", limit: int = 100
    ) -> list[Value]:
        counts = Counter(
            (text_of(value), type(value).__name__)
            for row in self._in_window(window)
            for value in _values(row, attribute)
            if text_of(value).startswith(prefix)
        )
        ordered = sorted(counts, key=lambda item: (-counts[item], item))
        return [value_of(text, kind) for text, kind in ordered[:limit]]

    def get_service_statistics(self, window: Window) -> list[ServiceStatistics]:
        services: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._in_window(window):
            services[row["service_name"]].append(row)
        return [_statistics(name, services[name]) for name in sorted(services)]

    def get_excerpt(
        self, window: Window, reach_nano: int, keys: Sequence[str]
    ) -> pa.Table:
        chosen = {row["trace_id"] for row in self._in_window(window)}
        return excerpt_of(self._within_reach(window, reach_nano, chosen), keys)

    def get_sample(
        self,
        window: Window,
        reach_nano: int,
        keys: Sequence[str],
        operation: tuple[str, str],
        most_spans: int,
    ) -> TraceSample:
        named = {
            row["trace_id"]
            for row in self._in_window(window)
            if (row["service_name"], row["name"]) == operation
        }
        rows = self._within_reach(window, reach_nano, named)
        counts = Counter(row["trace_id"] for row in rows)
        hashes = {trace_id: trace_hash(trace_id) for trace_id in counts}
        one_in = one_in_to_fit(
            np.array([*hashes.values()], np.uint64),
            np.array([*counts.values()], np.int64),
            most_spans,
        )
        chosen = [row for row in rows if hashes[row["trace_id"]] % one_in == 0]
        return TraceSample(excerpt_of(chosen, keys), one_in, len(counts))

    def _within_reach(
        self, window: Window, reach_nano: int, trace_ids: set[bytes]
    ) -> list[Row]:
        reach = Window(
            window.start_time_unix_nano - reach_nano,
            window.end_time_unix_nano + reach_nano,
        )
        return [row for row in self._in_window(reach) if row["trace_id"] in trace_ids]

    def get_excerpt_of(
        self,
        trace_ids: list[bytes],
        keys: Sequence[str],
        resource_keys: Sequence[str],
        most: int,
    ) -> pa.Table:
        counts = Counter(row["trace_id"] for row in self._rows)
        wanted = set(first_traces(trace_ids, counts, most))
        rows = [row for row in self._rows if row["trace_id"] in wanted]
        return excerpt_of(rows, keys, resource_keys)

    def get_span_columns(self, query: TraceQuery, most: int) -> SpanColumns:
        validate(query)
        check_patterns(query.where)
        return columns_of_spans(self._in_window(query.window, query.where), most)

    def get_marked_columns(
        self, query: TraceQuery, mark: Filter, most: int
    ) -> SpanColumns | None:
        for where in (query.where, mark):
            validate(replace(query, where=where))
            check_patterns(where)
        rows = list(self._in_window(query.window, query.where))
        if len(rows) > most:
            return None
        marked = pa.array([satisfies(row, mark) for row in rows], pa.bool_())
        found = columns_of_spans(rows, most)
        at = len(COMPARED_COLUMNS)
        return replace(found, table=found.table.add_column(at, MARKED, marked))

    def get_root_columns(
        self, query: TraceQuery, most: int, without: TraceQuery | None = None
    ) -> SpanColumns:
        found = {summary.trace_id for summary in self._matched(query)}
        if without is not None:
            found -= {summary.trace_id for summary in self._matched(without)}
        traces: dict[bytes, list[Row]] = {trace_id: [] for trace_id in sorted(found)}
        for row in self._rows:
            if row["trace_id"] in traces:
                traces[row["trace_id"]].append(row)
        return columns_of_roots(list(traces.values()), most)

    def is_empty(self) -> bool:
        return not self._rows


def _indices(places: list[int]) -> pa.Array:
    return pa.array(places, pa.int64())


def _decoded(row: Row) -> Row:
    decoded = row | {
        name: decode_attributes(row[name]) for name in ATTRIBUTE_COLUMNS.values()
    }
    for name in ("events", "links"):
        decoded[name] = [
            item | {"attributes": decode_attributes(item["attributes"])}
            for item in row[name] or []
        ]
    return decoded


def _fingerprint(row: Row) -> tuple[Any, ...]:
    # Encoded, because to Python 1 == 1.0 == True and NaN differs from itself.
    return tuple(
        encode(value) if isinstance(value, list | dict) else value
        for value in row.values()
    )


def _place(row: Row) -> tuple[Any, ...]:
    return row["trace_id"], row["start_time_unix_nano"], row["span_id"]


def _is_after(summary: TraceSummary, query: TraceQuery) -> bool:
    after: Cursor | None = query.after
    sort: Sort = query.sort
    return after is None or rank(cursor_of(summary, sort), sort) > rank(after, sort)


def _maps(row: Row, scope: Scope) -> list[Row]:
    if scope is Scope.EVENT:
        return [event["attributes"] for event in row["events"]]
    return [row[ATTRIBUTE_COLUMNS[scope]]]


def _values(row: Row, attribute: Attribute) -> Iterator[Value]:
    scopes = [attribute.scope] if attribute.scope else [Scope.SPAN, Scope.RESOURCE]
    for scope in scopes:
        for attributes in _maps(row, scope):
            value = attributes.get(attribute.key)
            if isinstance(value, str | bool | int | float):
                yield value


def _statistics(service_name: str, rows: list[Row]) -> ServiceStatistics:
    requests = [row for row in rows if row["kind"] in REQUEST_KINDS] or rows
    durations = sorted(
        row["duration_nano"] for row in requests if row["duration_nano"] >= 0
    )
    p50, p95, p99 = (_nearest_rank(durations, percent) for percent in PERCENTS)
    return ServiceStatistics(
        service_name=service_name,
        span_count=len(rows),
        request_count=len(requests),
        error_count=sum(row["status_code"] == StatusCode.ERROR for row in requests),
        p50_nano=p50,
        p95_nano=p95,
        p99_nano=p99,
        last_seen_unix_nano=max(row["start_time_unix_nano"] for row in rows),
    )


def _nearest_rank(ordered: list[int], percent: int) -> int | None:
    """The smallest value that at least `percent` % of all do not exceed."""
    if not ordered:
        return None
    return ordered[-(-len(ordered) * percent // 100) - 1]
