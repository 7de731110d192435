"""Whether compacted segments have no trace in common, so that no span is there twice.

Exact but for collisions of 64-bit hashes, which only say "perhaps not".
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from traces.store import trace_filter
from traces.store.catalogue import SegmentRow
from traces.store.segment_files import SegmentFiles
from traces.store.trace_filter import TraceHashes

# Of all segments asked about together; above, the answer is not worth its memory.
MAX_SPANS: Final = 20_000_000
MAX_SEGMENTS: Final = 64
MAX_CACHED_ANSWERS: Final = 256


class DisjointTraces:
    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._hashes: OrderedDict[str, TraceHashes] = OrderedDict()
        self._answers: OrderedDict[frozenset[str], bool] = OrderedDict()

    def hold(self, rows: Sequence[SegmentRow]) -> bool:
        """True when each trace is certainly in one of the segments only."""
        if len(rows) > MAX_SEGMENTS or sum(row.span_count for row in rows) > MAX_SPANS:
            return False
        names = frozenset(row.name for row in rows)
        with self._lock:
            if names not in self._answers:
                self._answers[names] = self._compare(sorted(names))
                _shorten(self._answers, MAX_CACHED_ANSWERS)
            return self._answers[names]

    def _compare(self, names: Sequence[str]) -> bool:
        try:
            hashes = np.concatenate([self._hashes_of(name) for name in names])
        except (OSError, pa.ArrowException):
            return False  # the query itself will meet the trouble, and tell
        return len(np.unique(hashes)) == len(hashes)

    def _hashes_of(self, name: str) -> TraceHashes:
        if name not in self._hashes:
            with pq.ParquetFile(self._files.path(name)) as file:
                column = file.read(columns=["trace_id"]).column(0)
            self._hashes[name] = trace_filter.hashes_of_column(column)
            _shorten(self._hashes, MAX_SEGMENTS)
        return self._hashes[name]


def _shorten(
    cache: "OrderedDict[frozenset[str], bool] | OrderedDict[str, TraceHashes]",
    most: int,
) -> None:
    while len(cache) > most:
        cache.popitem(last=False)
