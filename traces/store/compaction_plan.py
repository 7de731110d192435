"""Which segments to merge: pure, from catalogue rows and the time.

Segments of one place (below) merge when there are enough of about the same size, so
that a span is rewritten once for every several-fold growth of its segment: under load
once, in a trickle a few times.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from traces.store.catalogue import SegmentRow
from traces.store.merging import usual_times

# After this long, what is still small merges by the day instead of by the hour.
HOURLY_FOR: Final = timedelta(hours=2)
# Fresh segments wait this long for company of their size.
SETTLE: Final = timedelta(minutes=1)


def plan(
    rows: Iterable[SegmentRow], moment: datetime, *, min_segments: int, max_spans: int
) -> list[list[SegmentRow]]:
    """Groups to merge, each of at least two segments, at most about `max_spans`."""
    places: dict[Hashable, list[SegmentRow]] = defaultdict(list)
    for row in rows:
        if row.mergeable and row.span_count < max_spans:
            places[place(row, moment)].append(row)
    groups = [
        _group(segments, min_segments, max_spans)
        or _settled(segments, moment, max_spans)
        for segments in places.values()
    ]
    return [group for group in groups if group]


def _settled(
    rows: Sequence[SegmentRow], moment: datetime, max_spans: int
) -> list[SegmentRow]:
    """The few fresh ones that nothing followed: what the end of a burst leaves."""
    waiting = [
        row for row in rows if row.level == 0 and moment - row.received_at > SETTLE
    ]
    fits = sum(row.span_count for row in waiting) <= max_spans
    return waiting if len(waiting) > 1 and fits else []


def place(row: SegmentRow, moment: datetime) -> Hashable:
    """Only segments of one place merge: the same hour or day of arrival.

    Compacted segments that are plain, or of odd times, keep to their own kind; there
    the day of arrival does not matter, lest an odd day leave a segment each.
    """
    if row.level > 0 and not row.variant:
        return "plain"
    if row.level > 0 and not usual_times(row.received_at).contain(row):
        return "odd times"
    if moment - row.received_at < HOURLY_FOR:
        return row.received_at.strftime("%Y%m%d/%H")
    return row.received_at.strftime("%Y%m%d")


def _group(
    rows: Sequence[SegmentRow], min_segments: int, max_spans: int
) -> list[SegmentRow]:
    """The most small ones whose largest is small beside their total."""
    ascending = sorted(rows, key=lambda row: (row.span_count, row.id))
    total, best = 0, 0
    for count, row in enumerate(ascending, start=1):
        total += row.span_count
        if total > max_spans:
            break
        # So that no large segment is rewritten for the sake of a few small ones.
        if count >= min_segments and row.span_count * (min_segments - 2) <= total:
            best = count
    return ascending[:best]
