"""What the services of a trace did, as shares of a bar: by self time where affordable.

Self time is a span's duration less the union of its children's times within it. Traces
that are too large to read for a row are shared out by span count instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traces.spans import SpanBatch
from traces.store.base import TraceStore, TraceSummary

MAX_SPANS_READ: Final = 10_000
MAX_SPANS_OF_A_TRACE: Final = 2_000
NAMED_PARTS: Final = 6

ShareTimes = dict[bytes, dict[str, int]]
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Share:
    """A service's part of the bar: `start` and `width` are fractions of one."""

    service_name: str
    start: float
    width: float

    @property
    def x(self) -> str:
        return f"{self.start * 100:.3f}"

    @property
    def percent(self) -> str:
        return f"{self.width * 100:.3f}"


@dataclass(frozen=True, slots=True)
class TraceShares:
    """`by_self_time` is False when the parts count spans."""

    parts: tuple[Share, ...]
    by_self_time: bool

    @property
    def more(self) -> int:
        """How many services have no room for their name."""
        return max(0, len(self.parts) - NAMED_PARTS)


def shares_of(
    store: TraceStore, traces: Sequence[TraceSummary]
) -> dict[bytes, TraceShares]:
    """The shares of each trace by trace id, largest first."""
    chosen = affordable(traces)
    times = self_times(store.get_traces(chosen)) if chosen else {}
    return {trace.trace_id: _shares(trace, times) for trace in traces}


def affordable(traces: Sequence[TraceSummary]) -> list[bytes]:
    """The traces that may be read whole within the limits, in their order."""
    chosen, total = [], 0
    for trace in traces:
        fits = total + trace.span_count <= MAX_SPANS_READ
        if trace.span_count <= MAX_SPANS_OF_A_TRACE and fits:
            chosen.append(trace.trace_id)
            total += trace.span_count
    return chosen


def _shares(trace: TraceSummary, times: ShareTimes) -> TraceShares:
    by_time = {name: t for name, t in times.get(trace.trace_id, {}).items() if t > 0}
    counts = {part.service_name: part.span_count for part in trace.services}
    amounts = by_time or counts
    total = sum(amounts.values()) or 1
    parts, start = [], 0.0
    for name, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0])):
        parts.append(Share(name, start, amount / total))
        start += amount / total
    return TraceShares(tuple(parts), bool(by_time))


def self_times(batch: SpanBatch) -> ShareTimes:
    """Nanoseconds of self time by trace id and service name."""
    # Row-wise: a union of intervals has no columnar form, and there are few rows.
    rows = _rows(batch)
    children: dict[tuple[bytes, bytes], list[Interval]] = defaultdict(list)
    for trace_id, _, parent_span_id, start, end, _ in rows:
        if parent_span_id:
            children[trace_id, parent_span_id].append((start, end))
    times: ShareTimes = defaultdict(lambda: defaultdict(int))
    for trace_id, span_id, _, start, end, service_name in rows:
        covered = covered_nano(children[trace_id, span_id], (start, end))
        times[trace_id][service_name] += end - start - covered
    return times


def _rows(batch: SpanBatch) -> list[tuple[Any, ...]]:
    names = ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano")
    columns = [batch.column(name).to_pylist() for name in names]
    durations = batch.column("duration_nano").to_pylist()
    ends = [
        start + max(duration, 0)
        for start, duration in zip(columns[3], durations, strict=True)
    ]
    services = batch.column("service_name").to_pylist()
    return list(zip(*columns, ends, services, strict=True))


def covered_nano(intervals: Iterable[Interval], within: Interval) -> int:
    """How much of `within` the union of the intervals covers."""
    covered, reached = 0, within[0]
    for start, end in sorted(intervals):
        start, end = max(start, reached), min(end, within[1])
        if end > start:
            covered += end - start
            reached = end
    return covered
