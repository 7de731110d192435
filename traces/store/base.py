"""The contract of a trace store, and the values it answers with.

Every store passes the whole contract kit in `tests/store/contract.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from traces.query import Attribute, Cursor, Filter, TraceQuery, Window
from traces.spans import SpanBatch, SpanColumns


class StoreError(Exception):
    """The store cannot do this now; the text says why. Receivers answer 503."""


class StoreUnavailable(StoreError):
    """A disk or database is away; the same call may succeed later."""


class QueryTooExpensive(StoreError):
    """The query ran into its time or memory limit."""


@dataclass(frozen=True, slots=True)
class ServiceShare:
    """What one service did in one trace."""

    service_name: str
    span_count: int
    error_count: int


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace, whole: all its stored spans, not only those that matched.

    The root is the span without a parent id; of several the earliest, of none the
    earliest span; ties by span id. `duration_nano` runs from the first start to the
    latest end; a span that ends before it starts counts as ending at its start.
    Services are ordered by span count, most first, ties by name.
    """

    trace_id: bytes
    root_service_name: str
    root_name: str
    start_time_unix_nano: int
    duration_nano: int
    span_count: int
    error_count: int
    services: tuple[ServiceShare, ...]


@dataclass(frozen=True, slots=True)
class TraceSample:
    """An excerpt of one in `one_in` of `trace_count` traces."""

    spans: pa.Table
    one_in: int
    trace_count: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What an answer cost and what it could not see."""

    spans: int
    segments: int = 0
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of summaries in the query's order.

    `matched` counts the traces that satisfy the query whatever its limit and cursor;
    `next` is None on the last page.
    """

    traces: tuple[TraceSummary, ...]
    matched: int
    scanned: Scanned
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class TracePoint:
    """A trace as a dot of the duration-over-time plot."""

    trace_id: bytes
    start_time_unix_nano: int
    duration_nano: int
    span_count: int
    error_count: int
    root_service_name: str
    root_name: str


@dataclass(frozen=True, slots=True)
class PointsResult:
    """Up to `limit` of the matching traces, spread evenly over the trace ids."""

    points: tuple[TracePoint, ...]
    matched: int


@dataclass(frozen=True, slots=True)
class ServiceStatistics:
    """One service over a window, from its spans of kind SERVER and CONSUMER.

    A service that has neither is measured by all its spans. Percentiles are nearest
    rank on durations in nanoseconds, negative durations left out; None when nothing
    is left.
    """

    service_name: str
    span_count: int
    request_count: int
    error_count: int
    p50_nano: int | None
    p95_nano: int | None
    p99_nano: int | None
    last_seen_unix_nano: int


class SpanSink(Protocol):
    """The writing half of a store, which is all that receivers need."""

    def write(self, batch: SpanBatch) -> None:
        """See `TraceStore`."""
        ...


class TraceStore(SpanSink, Protocol):
    """Where spans live.

    - `write` MUST return only when the batch is durable and visible to every later
      read, of any process. It MUST store all of the batch or raise StoreError and
      show none of it.
    - A span written twice with equal content MUST be returned and counted once, by
      every method. Spans that share an id and differ MUST all be kept.
    - Every value MUST come back with its type and exact content.
    - Reads of what is unknown answer empty, never raise. The same question on the
      same content MUST get the same answer, in the same order.
    - Reads MUST raise QueryTooExpensive rather than exceed their limits, and
      QueryError for a query that `traces.query.validate` refuses or whose pattern is
      not RE2.
    """

    def get_traces(self, trace_ids: list[bytes]) -> SpanBatch:
        """All spans of these traces, ordered by trace id, start time, span id."""
        ...

    def find_traces(self, query: TraceQuery) -> SearchResult: ...

    def find_points(self, query: TraceQuery, limit: int) -> PointsResult:
        """The query's sort, limit and cursor are ignored."""
        ...

    def get_services(self, window: Window) -> list[str]:
        """Service names of spans that start in the window, sorted."""
        ...

    def get_span_names(self, service_name: str | None, window: Window) -> list[str]:
        """Sorted span names, of one service or of all; at most 1,000."""
        ...

    def get_attribute_keys(
        self, window: Window, prefix: str = "", limit: int = 100
    ) -> list[Attribute]:
        """Keys in use that start with `prefix`, ordered by key, then scope."""
        ...

    def get_attribute_values(
        self, attribute: Attribute, window: Window, prefix: str = "", limit: int = 100
    ) -> list[str | bool | int | float]:
        """Scalar values in use, most frequent first, ties by their text.

        `prefix` is of the value written as text (true, 42, 1.5, POST).
        """
        ...

    def get_service_statistics(self, window: Window) -> list[ServiceStatistics]:
        """Ordered by service name."""
        ...

    def get_excerpt(
        self, window: Window, reach_nano: int, keys: Sequence[str]
    ) -> pa.Table:
        """A little of many spans, for analyses: rows of `traces.spans.excerpt_schema`.

        Of each trace with a span that starts in the window, the spans that start in
        it, or up to `reach_nano` before or after it; in any order. An attribute's text
        is null when its value is no text, integer or boolean. The exception is that
        of the last exception event of a failed span.
        """
        ...

    def get_sample(
        self,
        window: Window,
        reach_nano: int,
        keys: Sequence[str],
        operation: tuple[str, str],
        most_spans: int,
    ) -> "TraceSample":
        """An excerpt of traces in which an operation (service, span name) starts in the
        window: of all of them, or of one in 2, 4, 8 …, the least that has at most so
        many spans. The same traces are chosen each time, by a hash of their ids."""
        ...

    def get_excerpt_of(
        self,
        trace_ids: list[bytes],
        keys: Sequence[str],
        resource_keys: Sequence[str],
        most: int,
    ) -> pa.Table:
        """The same of all spans of these traces, with attributes of their resources:
        rows of `excerpt_schema(keys, resource_keys)`. Of the traces in this order as
        many as have at most `most` spans together; spans that are stored twice may
        count twice."""
        ...

    def get_span_columns(self, query: TraceQuery, most: int) -> SpanColumns:
        """At most `most` of the spans that start in the query's window and satisfy its
        filter, with all their attributes, in any order; the rest of the query is
        ignored. Of more, or of so many attributes that there are more than MOST_TEXTS
        texts, some that are spread evenly over the ids."""
        ...

    def get_marked_columns(
        self, query: TraceQuery, mark: Filter, most: int
    ) -> SpanColumns | None:
        """The same, with a column MARKED: whether a span satisfies this filter too. Of
        more than that nothing is read, and the answer is None."""
        ...

    def get_root_columns(
        self, query: TraceQuery, most: int, without: TraceQuery | None = None
    ) -> SpanColumns:
        """As `get_span_columns` of the root of each trace that the query finds and `without` does
        not; sort, limit and cursor are ignored. See TraceSummary for what a root is."""
        ...

    def is_empty(self) -> bool:
        """Whether no span was ever stored (or all have been retired)."""
        ...
