"""What the other tabs of a trace list: statistics, slow spans, events."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from traces.trace import Trace
from traces.variant import AttributeValue, decode_attributes

MAX_GROUPS: Final = 500
MAX_SLOW_SPANS: Final = 500
MAX_EVENTS: Final = 500


@dataclass(frozen=True, slots=True)
class Group:
    """All spans of one service and name; times in nanoseconds, p50 by nearest rank."""

    service_name: str
    name: str
    count: int
    error_count: int
    total_nano: int
    self_nano: int
    p50_nano: int
    max_nano: int


@dataclass(frozen=True, slots=True)
class SpanLine:
    """A span as one line of a list."""

    row: int
    span_id: str
    service_name: str
    name: str
    start_nano: int
    duration_nano: int
    self_nano: int
    error: bool


@dataclass(frozen=True, slots=True)
class EventLine:
    span: SpanLine
    name: str
    at_nano: int
    attributes: dict[str, AttributeValue]


SORTS: Final[dict[str, tuple[str, Callable[[Group], Any]]]] = {
    "service": ("Service and span", attrgetter("service_name", "name")),
    "count": ("Count", attrgetter("count")),
    "errors": ("Errors", attrgetter("error_count")),
    "total": ("Total", attrgetter("total_nano")),
    "self": ("Self", attrgetter("self_nano")),
    "p50": ("p50", attrgetter("p50_nano")),
    "max": ("Max", attrgetter("max_nano")),
}
DEFAULT_SORT: Final = "-self"


def statistics(trace: Trace, sort: str = DEFAULT_SORT) -> list[Group]:
    """Sorted by a key of SORTS, descending with a minus; ties by service and name."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    groups = sorted(_groups(trace), key=SORTS["service"][1])
    return sorted(groups, key=SORTS[name][1], reverse=descending)


def _groups(trace: Trace) -> list[Group]:
    columns = trace.columns
    duration = columns.end - columns.start
    key = columns.service * len(columns.names) + columns.name
    order = np.lexsort((duration, key))
    firsts = np.flatnonzero(np.diff(key[order], prepend=-1))
    counts = np.diff(firsts, append=len(order))
    sums = [
        np.add.reduceat(values[order], firsts).tolist()
        for values in (columns.error.astype(np.int64), duration, trace.self_nano)
    ]
    p50 = duration[order[firsts + (counts - 1) // 2]].tolist()
    longest = duration[order[firsts + counts - 1]].tolist()
    rows = order[firsts].tolist()
    lines = zip(rows, counts.tolist(), *sums, p50, longest, strict=True)
    return [
        Group(
            columns.services[columns.service[row]],
            columns.names[columns.name[row]],
            *numbers,
        )
        for row, *numbers in lines
    ]


def slow_spans(trace: Trace, threshold_nano: int) -> list[int]:
    """Rows of the spans that took longer, the longest first."""
    columns = trace.columns
    duration = columns.end - columns.start
    rows = np.flatnonzero(duration > threshold_nano)
    longest_first: list[int] = rows[
        np.lexsort((columns.rank[rows], -duration[rows]))
    ].tolist()
    return longest_first


def span_line(trace: Trace, row: int) -> SpanLine:
    columns = trace.columns
    return SpanLine(
        row,
        f"{int(columns.span_id[row]):016x}",
        columns.services[columns.service[row]],
        columns.names[columns.name[row]],
        int(columns.start[row]) - trace.start_time_unix_nano,
        int(columns.end[row] - columns.start[row]),
        int(trace.self_nano[row]),
        bool(columns.error[row]),
    )


def events(trace: Trace, limit: int = MAX_EVENTS) -> list[EventLine]:
    """The first `limit` events of all spans, in order of time."""
    rows = np.flatnonzero(trace.columns.event_count > 0)
    if len(rows) == 0:
        return []
    lists = trace.spans["events"].take(rows).combine_chunks()
    flat = pc.list_flatten(lists)
    of_row = rows[pc.list_parent_indices(lists).to_numpy()]
    sent = pc.struct_field(flat, "time_unix_nano").to_numpy()
    time = sent + trace.columns.shift[of_row]
    first = np.argsort(time, kind="stable")[:limit]
    chosen = flat.take(first).to_pylist()
    return [
        EventLine(
            span_line(trace, int(of_row[at])),
            event["name"],
            int(time[at]) - trace.start_time_unix_nano,
            decode_attributes(event["attributes"]),
        )
        for at, event in zip(first.tolist(), chosen, strict=True)
    ]
