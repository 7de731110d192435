"""Everything that is measured of a minute."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from analysis.dependencies import edges
from analysis.dependency_totals import Totals, aggregate
from analysis.forest import Forest
from analysis.latency import OperationLatency, operation_latencies, starts_in
from analysis.limits import Folded, Limits, few_edges, folded
from analysis.measured import (
    EDGE,
    EDGE_CLIENT,
    EDGE_COUNT,
    EDGE_COUNTS,
    EDGE_GAP,
    EDGES,
    ENTRY,
    FAILED,
    NAMES,
    OPERATION,
    SERVICE_PATH,
    SERVICES,
    SLOWEST,
    Fields,
    Measured,
    left_out,
)
from analysis.paths import ServicePaths, service_paths
from analysis.request_findings import request_findings
from analysis.usual import NOTHING_USUAL, Usual
from analysis.verdict import DEFAULTS, Thresholds
from traces.query import Window
from traces.tree import NO_PARENT, BoolArray

# Longer service paths count for what they begin with.
MOST_SERVICES_IN_PATH: Final = 12
MOST_PATHS: Final = 1_000


class Findings(NamedTuple):
    """`span_count` spans start in the minute, not weighted."""

    measured: list[Measured]
    span_count: int


def findings(
    forest: Forest,
    window: Window,
    usual: Usual = NOTHING_USUAL,
    thresholds: Thresholds = DEFAULTS,
    limits: Limits = Limits(),  # noqa: B008 - it cannot change
    *,
    overlap_part: float = 0.0,
) -> Findings:
    """Of the spans that start in the window, in the light of their whole traces; and of
    the requests that are asked for in it, judged by what is usual."""
    fold = folded(forest, limits)
    named = fold.forest
    start, end = window.start_time_unix_nano, window.end_time_unix_nano
    chosen = starts_in(forest, start, end)
    # Calls of one name may be retries of each other; those of many under one are not.
    found = edges(replace(named, name=forest.name, names=forest.names))
    within = (found.start_time_unix_nano >= start) & (found.start_time_unix_nano < end)
    few, edges_left_out = few_edges(found.only(within), limits.edges)
    measured = [
        *_of_operations(OPERATION, named, chosen),
        *_of_operations(ENTRY, named, chosen & (forest.parent == NO_PARENT)),
        *_of_edges(aggregate(few)),
        *_of_paths(named, chosen),
        *request_findings(forest, named, window, usual, thresholds, overlap_part),
        *_left_out(fold),
        *left_out(EDGES, edges_left_out),
    ]
    return Findings(measured, int(chosen.sum()))


def _left_out(fold: Folded) -> Iterator[Measured]:
    yield from left_out(SERVICES, fold.services)
    for service, count in fold.names.items():
        yield from left_out(NAMES, count, service)


def _of_operations(kind: str, forest: Forest, rows: BoolArray) -> Iterator[Measured]:
    return (_of_operation(kind, each) for each in operation_latencies(forest, rows))


def _of_operation(kind: str, latency: OperationLatency) -> Measured:
    operation = latency.operation
    details = {SLOWEST: latency.slowest.hex()}
    if latency.failed_exemplar:
        details[FAILED] = latency.failed_exemplar.hex()
    return Measured(
        kind=kind,
        fields=(operation.service_name, operation.name, operation.kind),
        group=(operation.service_name,),
        count=latency.count,
        failed=latency.failed,
        histogram=latency.histogram,
        details=details,
    )


def _of_edges(totals: Totals) -> Iterator[Measured]:
    """Its callee's time, its caller's, the gap, and the counts that are not 0."""
    # A step of plain Python for each edge of the map, not for each call.
    for at in range(len(totals)):
        fields = _edge_fields(totals, at)
        calls, failed = float(totals.calls[at]), float(totals.failed[at])
        exemplars = _edge_exemplars(totals, at)
        yield Measured(EDGE, fields, (), calls, failed, totals.server[at], exemplars)
        for kind, histogram, details in (
            (EDGE_CLIENT, totals.client[at], exemplars),
            (EDGE_GAP, totals.gap[at], {}),
        ):
            if histogram.count:
                yield Measured(
                    kind, fields, (), histogram.count, 0.0, histogram, details
                )
        yield from _edge_counts(totals, at, fields, exemplars)


def _edge_counts(
    totals: Totals, at: int, fields: Fields, exemplars: dict[str, Any]
) -> Iterator[Measured]:
    """A count of failed calls tells of one, so that it is known whatever is merged."""
    for name in EDGE_COUNTS:
        count = float(getattr(totals, name)[at])
        if count:
            failed = FAILED in exemplars and name.startswith(FAILED)
            details = {FAILED: exemplars[FAILED]} if failed else {}
            yield Measured(
                EDGE_COUNT, (*fields, name), fields, count, 0.0, details=details
            )


def _edge_fields(totals: Totals, at: int) -> Fields:
    caller, callee = totals.nodes[totals.caller[at]], totals.nodes[totals.callee[at]]
    ends = (caller.name, int(caller.type), callee.name, int(callee.type))
    return (*ends, int(totals.type[at]))


def _edge_exemplars(totals: Totals, at: int) -> dict[str, Any]:
    ids = {SLOWEST: totals.slowest_trace_id, FAILED: totals.failed_trace_id}
    of_edge = {name: column[at].as_py() for name, column in ids.items()}
    return {name: each.hex() for name, each in of_edge.items() if each is not None}


def _of_paths(forest: Forest, chosen: BoolArray) -> Iterator[Measured]:
    found = service_paths(forest, chosen)
    depth = found.paths.depth
    whole = (found.calls > 0) & (depth > 1) & (depth <= MOST_SERVICES_IN_PATH)
    ranked = (-found.calls).argsort(kind="stable")
    ranked = ranked[whole[ranked]]
    yield from left_out(SERVICE_PATH, len(ranked) - MOST_PATHS)
    for path in ranked[:MOST_PATHS].tolist():
        calls, failed = float(found.calls[path]), float(found.failed[path])
        fields = tuple(_services(forest, found, path))
        yield Measured(SERVICE_PATH, fields, (fields[0],), calls, failed)


def _services(forest: Forest, found: ServicePaths, path: int) -> list[str]:
    return [forest.services[found.paths.service[at]] for at in found.paths.steps(path)]
