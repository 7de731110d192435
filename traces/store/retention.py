"""Retention: drop whole segments that are too old, or more than the disk may hold.

Only rows change here; files go after the grace period, with those of compaction. A
clock that jumped must not delete everything, so a run that comes far from the last one
and would delete much refuses, and says so until it is overridden.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from traces.store import catalogue, lease
from traces.store.catalogue import SegmentRow
from traces.store.compaction import remove_old
from traces.store.crash_points import reach
from traces.store.segment_files import SegmentFiles

logger = logging.getLogger(__name__)

LEASE: Final = "retain"
# A run this far from the last one was not made by a clock that ticks on.
JUMP: Final = timedelta(days=1)
# After a jump, at most this share of all spans goes without being told to.
SHARE_AFTER_JUMP: Final = 0.2


class ClockJumped(Exception):
    """The clock is not to be believed; the text says what would have been deleted."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """`max_bytes` of segments on disk; 0 is no limit."""

    keep: timedelta
    max_bytes: int
    grace: timedelta


@dataclass(frozen=True, slots=True)
class RetentionReport:
    retired_segments: int
    retired_spans: int
    removed_files: int


def settings_for_retention() -> RetentionSettings:
    return RetentionSettings(
        keep=timedelta(hours=settings.RETENTION_HOURS),
        max_bytes=settings.MAX_DISK_BYTES,
        grace=timedelta(seconds=settings.SEGMENT_GRACE_SECONDS),
    )


def retain(
    files: SegmentFiles,
    chosen: RetentionSettings,
    moment: datetime | None = None,
    *,
    believe_clock: bool = False,
) -> RetentionReport:
    """Raises ClockJumped, lease.HeldElsewhere, StoreUnavailable."""
    with lease.held(LEASE) as held:
        rows = catalogue.live()
        due = expired(rows, chosen, moment or catalogue.now())
        if not believe_clock:
            try:
                _require_believable(rows, due, moment or catalogue.now())
            except ClockJumped as error:
                held.finish(trouble=str(error))
                raise
        retired = catalogue.retire(due, "past retention") if due else 0
        reach("retain:retired")
        removed = remove_old(files, chosen.grace)
        held.finish()
    return RetentionReport(retired, sum(row.span_count for row in due), removed)


def expired(
    rows: Sequence[SegmentRow], chosen: RetentionSettings, moment: datetime
) -> list[SegmentRow]:
    """Those past their time, and the oldest beyond the size, oldest first.

    Age counts from the latest start, but no later than the receipt: a span of next
    year does not keep its segment for a year.
    """
    horizon = int((moment - chosen.keep).timestamp() * 1e9)
    newest_first = sorted(
        rows, key=lambda row: (row.expires_from_unix_nano, row.id), reverse=True
    )
    due, byte_count = [], 0
    for row in newest_first:
        byte_count += row.byte_count
        too_much = 0 < chosen.max_bytes < byte_count
        if too_much or row.expires_from_unix_nano < horizon:
            due.append(row)
    return due[::-1]


def _require_believable(
    rows: Sequence[SegmentRow], due: Sequence[SegmentRow], moment: datetime
) -> None:
    last = _last_known_time(rows)
    if last is None or abs(moment - last) <= JUMP:
        return
    share = _span_count(due) / max(1, _span_count(rows))
    if share <= SHARE_AFTER_JUMP:
        return
    text = (
        f"The clock says {moment:%Y-%m-%d %H:%M}, the last run was at"
        f" {last:%Y-%m-%d %H:%M}: not deleting {share:.0%} of all spans."
        " If the clock is right, run `manage.py retain --believe-clock`."
    )
    logger.error(text)
    raise ClockJumped(text)


def _last_known_time(rows: Sequence[SegmentRow]) -> datetime | None:
    """Of the last run; before the first one, of the last segment."""
    finished = lease.last_finished(LEASE)
    received = max((row.received_at for row in rows), default=None)
    return finished or received


def _span_count(rows: Sequence[SegmentRow]) -> int:
    return sum(row.span_count for row in rows)
