"""The segments as a `Source`: which files a question needs, whole ones only."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import duckdb

from traces.query import Window
from traces.store import catalogue, trace_filter
from traces.store.base import StoreUnavailable
from traces.store.catalogue import QUARANTINED, SegmentRow
from traces.store.disjoint_traces import DisjointTraces
from traces.store.query_engine import QueryEngine
from traces.store.segment_files import SegmentFiles
from traces.store.segment_parquet import union_sql
from traces.store.shredded_keys import ShreddedKeysCache
from traces.store.soundness import Soundness
from traces.store.source import Part, Relation

MAX_CACHED_FILTER_BYTES: Final = 64 * 1024 * 1024


class SegmentsChanged(StoreUnavailable):
    """A segment went missing or bad under a query; asking again will do."""


class SegmentSource:
    def __init__(self, files: SegmentFiles, engine: QueryEngine) -> None:
        self.files = files
        self.engine = engine
        self.soundness = Soundness(files)
        self._filters = FilterCache()
        self._keys = ShreddedKeysCache()
        self._disjoint = DisjointTraces(files)

    def in_window(self, window: Window) -> Relation:
        return self._relation(catalogue.readable_in(window))

    def everything(self) -> Relation:
        return self._relation(catalogue.readable_in(None))

    def of_traces(self, trace_ids: Sequence[bytes]) -> Relation:
        if not trace_ids:
            return self._relation([])
        rows = catalogue.readable_in(None)
        hashes = trace_filter.hashes_of_ids(trace_ids)
        filters = self._filters.of([row.id for row in rows])
        return self._relation(
            [
                row
                for row in rows
                if row.id in filters
                and trace_filter.may_contain(filters[row.id], hashes)
            ]
        )

    def _relation(self, rows: Sequence[SegmentRow]) -> Relation:
        sound, left_out = [], []
        for row in rows:
            reason = self._reason_to_leave_out(row)
            if reason is None:
                sound.append(row)
            else:
                left_out.append(f"{row.span_count} spans of {row.name}: {reason}")
        return Relation(
            sql=self._sql(sound),
            span_count=sum(row.span_count for row in sound),
            segment_count=len(sound),
            may_hold_duplicates=self._may_hold_duplicates(sound),
            left_out=tuple(left_out),
            parts=tuple(map(self._part, sound)),
        )

    def _reason_to_leave_out(self, row: SegmentRow) -> str | None:
        if row.state == QUARANTINED:
            return row.state_reason
        fault = self.soundness.fault(row)
        if fault and not catalogue.quarantine(row, fault):
            raise SegmentsChanged(f"{row.name} was replaced meanwhile")
        return fault

    def _may_hold_duplicates(self, rows: Sequence[SegmentRow]) -> bool:
        """A merge keeps a span once, so only a trace in two segments is of concern."""
        if any(row.level == 0 for row in rows):
            return True
        return len(rows) > 1 and not self._disjoint.hold(rows)

    def _sql(self, rows: Sequence[SegmentRow]) -> str:
        plain = [self.files.path(row.name) for row in rows if not row.variant]
        variant = [self.files.path(row.name) for row in rows if row.variant]
        return union_sql(plain, variant)

    def _part(self, row: SegmentRow) -> Part:
        path = self.files.path(row.name)
        return Part(
            path,
            row.variant,
            row.min_start_unix_nano,
            row.max_start_unix_nano,
            functools.partial(self._keys.of, path) if row.variant else dict,
        )

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with self.engine.cursor() as cursor:
                yield cursor
        except duckdb.Error as error:
            raise SegmentsChanged("a segment could not be read") from error


class FilterCache:
    """Trace filters by row id, least recently used dropped first; rows never change."""

    def __init__(self, max_bytes: int = MAX_CACHED_FILTER_BYTES) -> None:
        self.max_bytes = max_bytes
        self._held: OrderedDict[int, bytes] = OrderedDict()
        self._byte_count = 0
        self._lock = threading.Lock()

    def of(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Those rows that still exist."""
        with self._lock:
            found = {
                row_id: self._held[row_id] for row_id in ids if row_id in self._held
            }
            missing = [row_id for row_id in ids if row_id not in found]
        added = catalogue.trace_filters(missing) if missing else {}
        with self._lock:
            self._hold(found | added)
        return found | added

    def _hold(self, used: dict[int, bytes]) -> None:
        for row_id, content in used.items():
            if row_id not in self._held:
                self._byte_count += len(content)
            self._held[row_id] = content
            self._held.move_to_end(row_id)
        while self._byte_count > self.max_bytes:
            self._byte_count -= len(self._held.popitem(last=False)[1])
