"""The segment store: Parquet files, a catalogue, DuckDB to read them."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
from django.conf import settings

from traces.query import Attribute, Filter, TraceQuery, Window
from traces.spans import SpanBatch, SpanColumns
from traces.store import catalogue, reading
from traces.store.base import (
    PointsResult,
    SearchResult,
    ServiceStatistics,
    TraceSample,
)
from traces.store.catalogue import SegmentRow
from traces.store.opening import writer_from_settings
from traces.store.query_engine import Limits, QueryEngine
from traces.store.segment_source import SegmentsChanged, SegmentSource
from traces.store.segment_writer import SegmentWriter
from traces.store.touched import minutes_touched

logger = logging.getLogger(__name__)

R = TypeVar("R")


class SegmentStore(SegmentSource):
    """A `TraceStore` over one segment folder and the catalogue of this process."""

    def __init__(self, engine: QueryEngine, writer: SegmentWriter) -> None:
        super().__init__(writer.files, engine)
        self.writer = writer

    @classmethod
    def from_settings(cls) -> "SegmentStore":
        return cls(engine_from_settings(), writer_from_settings())

    def write(self, batch: SpanBatch) -> None:
        self.writer.write(batch)

    def recover(self) -> int:
        """See `SegmentWriter.recover`."""
        return self.writer.recover()

    def get_traces(self, trace_ids: list[bytes]) -> SpanBatch:
        return self._answer(lambda: reading.get_traces(self, trace_ids))

    def find_traces(self, query: TraceQuery) -> SearchResult:
        return self._answer(lambda: reading.find_traces(self, query))

    def find_points(self, query: TraceQuery, limit: int) -> PointsResult:
        return self._answer(lambda: reading.find_points(self, query, limit))

    def get_services(self, window: Window) -> list[str]:
        return self._answer(lambda: reading.get_services(self, window))

    def get_span_names(self, service_name: str | None, window: Window) -> list[str]:
        return self._answer(lambda: reading.get_span_names(self, service_name, window))

    def get_attribute_keys(
        self, window: Window, prefix: str = "", limit: int = 100
    ) -> list[Attribute]:
        return self._answer(
            lambda: reading.get_attribute_keys(self, window, prefix, limit)
        )

    def get_attribute_values(
        self, attribute: Attribute, window: Window, prefix: str = "", limit: int = 100
    ) -> list[str | bool | int | float]:
        return self._answer(
            lambda: reading.get_attribute_values(self, attribute, window, prefix, limit)
        )

    def get_service_statistics(self, window: Window) -> list[ServiceStatistics]:
        return self._answer(lambda: reading.get_service_statistics(self, window))

    def get_excerpt(
        self, window: Window, reach_nano: int, keys: Sequence[str]
    ) -> pa.Table:
        return self._answer(lambda: reading.get_excerpt(self, window, reach_nano, keys))

    def get_sample(
        self,
        window: Window,
        reach_nano: int,
        keys: Sequence[str],
        operation: tuple[str, str],
        most_spans: int,
    ) -> TraceSample:
        return self._answer(
            lambda: reading.get_sample(
                self, window, reach_nano, keys, operation, most_spans
            )
        )

    def get_excerpt_of(
        self,
        trace_ids: list[bytes],
        keys: Sequence[str],
        resource_keys: Sequence[str],
        most: int,
    ) -> pa.Table:
        return self._answer(
            lambda: reading.get_excerpt_of(self, trace_ids, keys, resource_keys, most)
        )

    def get_span_columns(self, query: TraceQuery, most: int) -> SpanColumns:
        return self._answer(lambda: reading.get_span_columns(self, query, most))

    def get_marked_columns(
        self, query: TraceQuery, mark: Filter, most: int
    ) -> SpanColumns | None:
        return self._answer(lambda: reading.get_marked_columns(self, query, mark, most))

    def get_root_columns(
        self, query: TraceQuery, most: int, without: TraceQuery | None = None
    ) -> SpanColumns:
        return self._answer(
            lambda: reading.get_root_columns(self, query, most, without)
        )

    def minutes_touched(self, rows: Sequence[SegmentRow], reach_nano: int) -> list[int]:
        """See `traces.store.touched`."""
        return self._answer(lambda: minutes_touched(self, self.files, rows, reach_nano))

    def is_empty(self) -> bool:
        return not catalogue.has_spans()

    def _answer(self, question: Callable[[], R]) -> R:
        """Ask once more when a segment was lost under the question."""
        try:
            return question()
        except SegmentsChanged as error:
            logger.warning("asking again: %s (%s)", error, error.__cause__)
            # So that the second time looks at every byte before it reads.
            self.soundness.forget()
            return question()


def engine_from_settings() -> QueryEngine:
    limits = Limits(settings.QUERY_MEMORY_LIMIT, settings.QUERY_TIMEOUT_SECONDS)
    return QueryEngine(settings.SEGMENT_DIR, settings.SCRATCH_DIR / "query", limits)
