"""Everything that is measured of a minute."""

from typing import NamedTuple

from analysis.forest import Forest
from analysis.latency import OperationLatency, operation_latencies, starts_in
from analysis.measured import OPERATION, Measured
from traces.query import Window


class Findings(NamedTuple):
    """`span_count` spans start in the minute, not weighted."""

    measured: list[Measured]
    span_count: int


def findings(forest: Forest, window: Window) -> Findings:
    """Of the spans that start in the window, in the light of their whole traces."""
    chosen = starts_in(forest, window.start_time_unix_nano, window.end_time_unix_nano)
    latencies = operation_latencies(forest, chosen)
    return Findings([*map(_of_operation, latencies)], int(chosen.sum()))


def _of_operation(latency: OperationLatency) -> Measured:
    operation = latency.operation
    details = {"slowest": latency.slowest.hex()}
    if latency.failed_exemplar:
        details["failed"] = latency.failed_exemplar.hex()
    return Measured(
        kind=OPERATION,
        fields=(operation.service_name, operation.name, operation.kind),
        group=(operation.service_name,),
        count=latency.count,
        failed=latency.failed,
        histogram=latency.histogram,
        details=details,
    )
