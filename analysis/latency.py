"""Latency of every operation: a histogram, what failed, and traces to look at."""

from dataclasses import dataclass

import numpy as np

from analysis.forest import Forest
from analysis.grouping import group_histograms, groups, last_of_groups
from analysis.histogram import Histogram, IntArray
from traces.tree import BoolArray


@dataclass(frozen=True, slots=True)
class Operation:
    service_name: str
    name: str
    kind: int


@dataclass(frozen=True, slots=True)
class OperationLatency:
    """Of the spans of one operation: weighted counts, durations in nanoseconds.

    Spans that end before they start are counted and have no duration. `slowest` and
    `failed_exemplar` are trace ids; the latter is empty when nothing failed.
    """

    operation: Operation
    count: float
    failed: float
    histogram: Histogram
    slowest: bytes
    failed_exemplar: bytes


def operation_latencies(forest: Forest, chosen: BoolArray) -> list[OperationLatency]:
    """Of the chosen rows, by service, name and kind."""
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return []
    group = groups(forest.service[rows], forest.name[rows], forest.kind[rows])
    weight, failed = forest.weight[rows], forest.failed[rows]
    duration = forest.duration_nano[rows]
    counts = np.bincount(group.number, weights=weight)
    failures = np.bincount(group.number, weights=weight * failed)
    histograms = group_histograms(group, duration, weight)
    slowest = last_of_groups(group, duration)
    failing = last_of_groups(group, np.where(failed, duration, -(2**63)))
    # A step of plain Python for each operation, not for each span.
    return [
        OperationLatency(
            _operation(forest, rows[group.first[at]]),
            float(counts[at]),
            float(failures[at]),
            histograms[at],
            _trace_id(forest, rows[slowest[at]]),
            _trace_id(forest, rows[failing[at]]) if failures[at] else b"",
        )
        for at in range(len(group))
    ]


def _operation(forest: Forest, row: int) -> Operation:
    return Operation(
        forest.services[forest.service[row]],
        forest.names[forest.name[row]],
        int(forest.kind[row]),
    )


def _trace_id(forest: Forest, row: int) -> bytes:
    found: bytes = forest.spans["trace_id"][int(row)].as_py()
    return found


def starts_in(forest: Forest, start_unix_nano: int, end_unix_nano: int) -> BoolArray:
    """Which spans start in [start, end)."""
    start: IntArray = forest.start_time_unix_nano
    chosen: BoolArray = (start >= start_unix_nano) & (start < end_unix_nano)
    return chosen
