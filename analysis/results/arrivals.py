"""Marking the minutes that spans came for, from the segments that were not seen yet.

A segment as it was written is seen once. One that compaction made holds nothing new if
the newest of its spans came no later than the newest that was seen; otherwise it was
made while nobody looked, and all its minutes are marked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from analysis.models import SeenSegment
from analysis.results.changes import mark
from analysis.results.measures import MINUTE
from traces.store.catalogue import (
    LIVE,
    QUARANTINED,
    REPLACED,
    SegmentRow,
    every_row,
    guarded,
)
from traces.store.segments import SegmentStore

# Spans of a trace that start further apart are not seen together.
REACH_NANO: Final = 15 * 60 * 10**9
_AT_ONCE: Final = 20
_MOST_FORGOTTEN: Final = 500


def mark_arrivals(store: SegmentStore) -> int:
    """How many segments were new. Raises StoreUnavailable, QueryTooExpensive."""
    rows = [row for row in every_row() if row.state in (LIVE, REPLACED, QUARANTINED)]
    seen = _seen()
    newest = max(seen.values(), default=None)
    unseen = [row for row in rows if row.id not in seen]
    changed = [row for row in unseen if _brings_spans(row, newest)]
    for begin in range(0, len(changed), _AT_ONCE):
        _mark(store, changed[begin : begin + _AT_ONCE])
    _remember(unseen)
    if newest is not None:
        _forget(seen.keys() - {row.id for row in rows}, newest)
    return len(changed)


def _brings_spans(row: SegmentRow, newest: datetime | None) -> bool:
    if row.state == QUARANTINED:
        return False
    return row.level == 0 or newest is None or row.received_at > newest


def _mark(store: SegmentStore, rows: Sequence[SegmentRow]) -> None:
    there = [row for row in rows if store.files.fingerprint(row.name)]
    if there:
        mark(MINUTE, store.minutes_touched(there, REACH_NANO))
    _remember(rows)


@guarded
def _seen() -> dict[int, datetime]:
    return dict(SeenSegment.objects.values_list("segment_id", "received_at"))


@guarded
def _remember(rows: Sequence[SegmentRow]) -> None:
    SeenSegment.objects.bulk_create(
        [SeenSegment(segment_id=row.id, received_at=row.received_at) for row in rows],
        ignore_conflicts=True,
    )


@guarded
def _forget(gone: set[int], newest: datetime) -> None:
    """Rows of segments that are no more, but not the newest: it is what was seen."""
    chosen = SeenSegment.objects.filter(segment_id__in=list(gone)[:_MOST_FORGOTTEN])
    chosen.exclude(received_at=newest).delete()
