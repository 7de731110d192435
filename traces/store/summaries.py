"""What is said of one whole trace, in plain Python: its summary and its sort values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from traces.query import Cursor, Sort, TraceQuery
from traces.spans import StatusCode
from traces.store.base import ServiceShare, TracePoint, TraceSummary

Span = Mapping[str, Any]

DESCENDING: Final = frozenset(
    {Sort.NEWEST, Sort.LONGEST, Sort.MOST_SPANS, Sort.MOST_ERRORS}
)


def summarise(spans: Sequence[Span]) -> TraceSummary:
    """The summary of one trace, of which these are all the spans, at least one."""
    start = min(span["start_time_unix_nano"] for span in spans)
    root = _root(spans)
    return TraceSummary(
        trace_id=root["trace_id"],
        root_service_name=root["service_name"],
        root_name=root["name"],
        start_time_unix_nano=start,
        duration_nano=max(_end(span) for span in spans) - start,
        span_count=len(spans),
        error_count=sum(_failed(span) for span in spans),
        services=_shares(spans),
    )


def point_of(summary: TraceSummary) -> TracePoint:
    return TracePoint(
        trace_id=summary.trace_id,
        start_time_unix_nano=summary.start_time_unix_nano,
        duration_nano=summary.duration_nano,
        span_count=summary.span_count,
        error_count=summary.error_count,
        root_service_name=summary.root_service_name,
        root_name=summary.root_name,
    )


def within_duration_bounds(summary: TraceSummary, query: TraceQuery) -> bool:
    least, most = query.min_trace_duration_nano, query.max_trace_duration_nano
    duration = summary.duration_nano
    return (least is None or duration >= least) and (most is None or duration <= most)


def cursor_of(summary: TraceSummary, sort: Sort) -> Cursor:
    return Cursor(_sort_value(summary, sort), summary.trace_id)


def rank(cursor: Cursor, sort: Sort) -> tuple[int, bytes]:
    """What orders a trace among others; the smallest comes first."""
    sign = -1 if sort in DESCENDING else 1
    return sign * cursor.sort_value, cursor.trace_id


def _sort_value(summary: TraceSummary, sort: Sort) -> int:
    match sort:
        case Sort.NEWEST | Sort.OLDEST:
            return summary.start_time_unix_nano
        case Sort.LONGEST | Sort.SHORTEST:
            return summary.duration_nano
        case Sort.MOST_SPANS:
            return summary.span_count
        case Sort.MOST_ERRORS:
            return summary.error_count


def _root(spans: Sequence[Span]) -> Span:
    parentless = [span for span in spans if span["parent_span_id"] is None]
    return min(parentless or spans, key=_earliest)


def _earliest(span: Span) -> tuple[Any, ...]:
    # Spans may share start and id; names settle those, so that every store agrees.
    return (
        span["start_time_unix_nano"],
        span["span_id"],
        span["service_name"],
        span["name"],
    )


def _end(span: Span) -> int:
    end: int = span["start_time_unix_nano"] + max(span["duration_nano"], 0)
    return end


def _failed(span: Span) -> bool:
    return bool(span["status_code"] == StatusCode.ERROR)


def _shares(spans: Sequence[Span]) -> tuple[ServiceShare, ...]:
    counts = Counter(span["service_name"] for span in spans)
    errors = Counter(span["service_name"] for span in spans if _failed(span))
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(ServiceShare(name, counts[name], errors[name]) for name in names)
