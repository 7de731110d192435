"""Edges of a service map added up: one record per minute, caller, callee and type."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.edges import Edges
from analysis.grouping import Groups, group_histograms, groups, last_of_groups, sums
from analysis.histogram import FloatArray, Histogram, IntArray
from analysis.nodes import Node
from traces.tree import BoolArray

MINUTE_NANO: Final = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Totals:
    """By record; all counts are weighted.

    `caller` and `callee` are places in `nodes`. `failed` counts calls of which either end
    failed. `weight_squares` tells, with `calls`, how sure the counts are. Calls without
    that duration are in no histogram. Trace ids are of the slowest call, and of the slowest failed
    one or null.
    """

    nodes: tuple[Node, ...]
    minute_unix_nano: IntArray
    caller: IntArray
    callee: IntArray
    type: IntArray
    calls: FloatArray
    weight_squares: FloatArray
    failed: FloatArray
    failed_client: FloatArray
    failed_server: FloatArray
    retries: FloatArray
    inferred: FloatArray
    caller_missing: FloatArray
    span_missing: FloatArray
    client: list[Histogram]
    server: list[Histogram]
    gap: list[Histogram]
    slowest_trace_id: pa.Array
    failed_trace_id: pa.Array

    def __len__(self) -> int:
        return len(self.calls)


def aggregate(edges: Edges) -> Totals:
    minute = edges.start_time_unix_nano // MINUTE_NANO * MINUTE_NANO
    record = groups(minute, edges.caller, edges.callee, edges.type)
    weight, first = edges.weight, record.first

    def weighed(values: BoolArray | FloatArray) -> FloatArray:
        return sums(record.number, weight * values, len(record))

    return Totals(
        nodes=edges.nodes,
        minute_unix_nano=minute[first],
        caller=edges.caller[first],
        callee=edges.callee[first],
        type=edges.type[first],
        calls=weighed(np.ones(len(edges))),
        weight_squares=weighed(weight),
        failed=weighed(edges.failed),
        failed_client=weighed(edges.failed_client),
        failed_server=weighed(edges.failed_server),
        retries=weighed(edges.retry),
        inferred=weighed(edges.inferred),
        caller_missing=weighed(edges.caller_missing),
        span_missing=weighed(edges.span_missing),
        client=group_histograms(record, edges.client_nano, weight),
        server=group_histograms(record, edges.server_nano, weight),
        gap=group_histograms(record, edges.gap_nano, weight),
        slowest_trace_id=_exemplars(edges, record, np.ones(len(edges), bool)),
        failed_trace_id=_exemplars(edges, record, edges.failed),
    )


def _exemplars(edges: Edges, record: Groups, among: BoolArray) -> pa.Array:
    """By record the trace of its slowest edge among these, null if it has none."""
    nano = np.maximum(edges.client_nano, edges.server_nano)
    slowest = last_of_groups(record, np.where(among, nano, -1))
    return edges.trace_id.take(pa.array(slowest, mask=~among[slowest]))
