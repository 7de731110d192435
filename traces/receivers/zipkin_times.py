"""When Zipkin's spans begin and end, within what a store can hold."""

from typing import Final, NamedTuple

import numpy as np

from traces.receivers.wire import Fault
from traces.receivers.zipkin_columns import Annotations, ZipkinColumns
from traces.variant import INT64_MAX
from traces.variant_columns import Ints, Mask

NANO_PER_MICRO: Final = 1_000
LAST_MICRO: Final = INT64_MAX // NANO_PER_MICRO
NO_TIMESTAMP: Final = "no timestamp, and none to be had from its trace"
BAD_TIMESTAMP: Final = "timestamp is not between 1970 and 2262"
BAD_END: Final = "the end is not between 1970 and 2262"
BAD_ANNOTATION: Final = "an annotation is not between 1970 and 2262"


class Times(NamedTuple):
    """Microseconds, safe to multiply; `events` are those of the annotations.

    `stood_in` are spans that came without a start.
    """

    start: Ints
    end: Ints
    events: Ints
    stood_in: Mask
    faults: list[Fault]


def find_times(columns: ZipkinColumns) -> Times:
    """A start that is left out is that of the first annotation, or else of the other
    half of a shared span, or else of the trace."""
    absent = columns.timestamp == 0
    start = columns.timestamp
    if absent.any():
        start = np.where(absent, _first_annotations(columns.annotations, start), start)
        start = _stand_ins(columns, start)
    nowhere = start == 0
    late_start = _outside(start)
    start = _within(start)
    # Neither overflows: a start is small now, and so is what it can take.
    end = start + np.clip(columns.duration, -LAST_MICRO, LAST_MICRO + 1)
    events = columns.annotations.timestamp
    late_events = np.zeros(len(start), np.bool_)
    late_events[columns.annotations.row[_outside(events)]] = True
    faults = [
        Fault(NO_TIMESTAMP, nowhere),
        Fault(BAD_TIMESTAMP, late_start),
        Fault(BAD_END, _outside(end)),
        Fault(BAD_ANNOTATION, late_events),
    ]
    return Times(start, _within(end), _within(events), absent, faults)


def _outside(micro: Ints) -> Mask:
    return (micro < 0) | (micro > LAST_MICRO)


def _within(micro: Ints) -> Ints:
    return np.where(_outside(micro), 0, micro)


def _first_annotations(annotations: Annotations, start: Ints) -> Ints:
    first = np.full(len(start), INT64_MAX)
    given = annotations.timestamp != 0
    np.minimum.at(first, annotations.row[given], annotations.timestamp[given])
    return np.where(first == INT64_MAX, 0, first)


def _stand_ins(columns: ZipkinColumns, start: Ints) -> Ints:
    """Span by span, as few lack a start and any span of the request may have it."""
    requests = columns.request.tolist()
    traces = list(zip(requests, map(bytes, columns.trace_id), strict=True))
    spans = list(zip(traces, map(bytes, columns.span_id), strict=True))
    least: dict[object, int] = {}
    for trace, span, begin in zip(traces, spans, start.tolist(), strict=True):
        if begin:
            least[trace] = min(begin, least.get(trace, begin))
            least[span] = min(begin, least.get(span, begin))
    return np.array(
        [
            begin or least.get(span, 0) or least.get(trace, 0)
            for trace, span, begin in zip(traces, spans, start.tolist(), strict=True)
        ],
        np.int64,
    )
