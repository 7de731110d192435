"""The traces that pages were last asked for, built and kept for the next rows."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from traces.adjust.standard import STANDARD, STRUCTURE, adjust
from traces.store.base import TraceStore
from traces.store.current import current_store
from traces.trace import Trace
from traces.tree import IntArray

MAX_CACHED_SPANS: Final = 300_000
# A page that is opened shows spans at most this late; its rows then stay as they were.
FRESH_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class TraceView:
    """A trace and what its rows need besides; `revision` changes with its content."""

    trace: Trace
    revision: str
    sibling_number: IntArray
    sibling_count: IntArray


@dataclass(frozen=True, slots=True)
class _Entry:
    # Held, so that no later store can have the same `id`.
    store: TraceStore
    view: TraceView
    loaded_at: float


_Key = tuple[int, bytes, bool]


class TraceCache:
    """Least recently used first out, bounded by spans; the newest always stays."""

    def __init__(self, max_spans: int = MAX_CACHED_SPANS) -> None:
        self._max_spans = max_spans
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()

    def get(
        self, store: TraceStore, trace_id: bytes, *, adjusted: bool, revision: str
    ) -> TraceView | None:
        """None when the store has no span of it.

        With the `revision` of a page the same content is answered however old it is;
        otherwise what the store holds now, give or take FRESH_SECONDS.
        """
        key = (id(store), trace_id, adjusted)
        with self._lock:
            entry = self._entries.get(key)
            if entry and _still_good(entry, revision):
                self._entries.move_to_end(key)
                return entry.view
        view = _load(store, trace_id, adjusted=adjusted)
        if view is not None:
            self._keep(key, store, view)
        return view

    def _keep(self, key: _Key, store: TraceStore, view: TraceView) -> None:
        with self._lock:
            self._entries[key] = _Entry(store, view, time.monotonic())
            self._entries.move_to_end(key)
            spans = sum(len(entry.view.trace) for entry in self._entries.values())
            while spans > self._max_spans and len(self._entries) > 1:
                _, oldest = self._entries.popitem(last=False)
                spans -= len(oldest.view.trace)


_cache = TraceCache()


def get_view(
    trace_id: bytes, *, adjusted: bool = True, revision: str = ""
) -> TraceView | None:
    """Raises StoreError."""
    return _cache.get(current_store(), trace_id, adjusted=adjusted, revision=revision)


def view_of(trace: Trace) -> TraceView:
    parent = trace.tree.parent
    by_parent = np.lexsort((trace.tree.position, parent))
    ordered = parent[by_parent]
    first = np.searchsorted(ordered, ordered)
    number = np.empty(len(parent), np.int64)
    number[by_parent] = np.arange(len(parent)) - first
    last = np.searchsorted(ordered, parent, side="right")
    count = last - np.searchsorted(ordered, parent)
    return TraceView(trace, _revision(trace), number, count)


def _still_good(entry: _Entry, revision: str) -> bool:
    if revision:
        return entry.view.revision == revision
    return time.monotonic() - entry.loaded_at < FRESH_SECONDS


def _load(store: TraceStore, trace_id: bytes, *, adjusted: bool) -> TraceView | None:
    batch = store.get_traces([trace_id])
    if batch.num_rows == 0:
        return None
    return view_of(adjust(batch, STANDARD if adjusted else STRUCTURE))


def _revision(trace: Trace) -> str:
    """Sums over what a waterfall shows: cheap, and no two spans arrive unseen."""
    columns = trace.columns
    times = columns.start.astype(np.uint64) * np.uint64(31) + columns.end.astype(
        np.uint64
    )
    mixed = (columns.span_id ^ times) * np.uint64(0x9E3779B97F4A7C15)
    return f"{len(trace):x}-{int(mixed.sum(dtype=np.uint64)):x}"
