"""Requests as call-path profiles, read from a store to be compared."""

from typing import Final

import numpy as np

from analysis.compare import Profile, profile
from analysis.entries import entry_rows, operation
from analysis.forest import Forest, build_forest
from analysis.latency import Operation
from analysis.results.thresholds import overlap_part
from analysis.subtrees import subtrees
from traces.query import And, Condition, Field, Op, TraceQuery, Window
from traces.store.base import TraceStore

# Requests of an operation, of more an even part.
MOST_REQUESTS: Final = 500
MOST_SPANS: Final = 400_000
MOST_SPANS_OF_ONE: Final = 1_000_000
HOUR_NANO: Final = 3600 * 10**9


def read_trace(store: TraceStore, trace_id: bytes) -> Forest | None:
    """None of an unknown one, or one that is too large."""
    forest = build_forest(store.get_excerpt_of([trace_id], [], [], MOST_SPANS_OF_ONE))
    return forest if len(forest) else None


def profile_of_trace(forest: Forest) -> Profile:
    return profile(forest, request_per_root=False, overlap_part=overlap_part())


def entry_of(forest: Forest) -> tuple[Operation, Forest]:
    """The operation that a trace was entered by, and the spans below that span."""
    row = int(entry_rows(forest)[0])
    entry = operation(forest, row)
    below = subtrees(forest, np.array([row])).forest
    return Operation(*entry, int(forest.kind[row])), below


def read_operation(
    store: TraceStore, of: Operation, window: Window, without: bytes = b""
) -> Profile:
    """Of spans of an operation that start in the window, with what is below them, but
    for those of one trace."""
    where = And(
        (
            Condition(Field.SERVICE_NAME, Op.EQ, of.service_name),
            Condition(Field.NAME, Op.EQ, of.name),
            Condition(Field.KIND, Op.EQ, of.kind),
        )
    )
    found = store.get_span_columns(TraceQuery(window, where), MOST_REQUESTS).table
    ids = [each for each in found["trace_id"].to_pylist() if each != without]
    forest = build_forest(store.get_excerpt_of(ids, [], [], MOST_SPANS))
    below = _below(forest, of, window)
    return profile(below, request_per_root=True, overlap_part=overlap_part())


def _below(forest: Forest, of: Operation, window: Window) -> Forest:
    alike = np.array([each == of.service_name for each in forest.services], bool)
    named = np.array([each == of.name for each in forest.names], bool)
    start = forest.start_time_unix_nano
    chosen = (
        alike[forest.service]
        & named[forest.name]
        & (forest.kind == of.kind)
        & (start >= window.start_time_unix_nano)
        & (start < window.end_time_unix_nano)
    )
    return subtrees(forest, np.flatnonzero(chosen)).forest


def around(forest: Forest) -> Window:
    """The two hours around the start of a trace."""
    start = int(forest.trace_start_unix_nano[0])
    return Window(max(start - HOUR_NANO, 0), start + HOUR_NANO)
