"""Compaction: merge, swap in one transaction, remove old files after a grace period.

It may be killed at any point and run again, or twice at once: only the swap changes
what a reader sees, and one of two swaps of the same segments fails.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
from django.conf import settings

from traces.store import catalogue, lease
from traces.store.catalogue import SegmentRow, SegmentsGone, StoredFile
from traces.store.compaction_plan import plan
from traces.store.crash_points import reach
from traces.store.merging import MergeLimits, SpansLost, merge
from traces.store.segment_files import COMPACTED, SegmentFiles
from traces.store.soundness import Soundness
from traces.store.uncatalogued import ADOPT_AFTER_SECONDS, adopt

logger = logging.getLogger(__name__)

LEASE: Final = "compact"
# Longer than any merge or write takes: whoever made the file is dead.
ORPHAN_AFTER_SECONDS: Final = 3600
RUN_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class CompactionSettings:
    min_segments: int
    max_spans: int
    grace: timedelta
    limits: MergeLimits
    orphan_after_seconds: float = ORPHAN_AFTER_SECONDS
    adopt_after_seconds: float = ADOPT_AFTER_SECONDS


@dataclass(slots=True)
class CompactionReport:
    adopted: int = 0
    merges: int = 0
    merged_segments: int = 0
    written_segments: int = 0
    removed_files: int = 0


def settings_for_compaction() -> CompactionSettings:
    return CompactionSettings(
        min_segments=settings.COMPACTION_MIN_SEGMENTS,
        max_spans=settings.COMPACTION_MAX_SPANS,
        grace=timedelta(seconds=settings.SEGMENT_GRACE_SECONDS),
        limits=MergeLimits(
            settings.COMPACTION_MEMORY_LIMIT, Path(settings.SCRATCH_DIR) / "merge"
        ),
    )


def compact(files: SegmentFiles, chosen: CompactionSettings) -> CompactionReport:
    """Do all that is due. Raises lease.HeldElsewhere, StoreUnavailable."""
    report = CompactionReport()
    with lease.held(LEASE) as held:
        report.adopted = adopt(files, chosen.adopt_after_seconds)
        report.removed_files += remove_orphans(files, chosen.orphan_after_seconds)
        deadline = time.monotonic() + RUN_SECONDS
        # What arrives meanwhile waits for company until the next run; a run that
        # took it along would merge by the handful, and not end under load.
        started = catalogue.now()
        while time.monotonic() < deadline and (groups := due(chosen, started)):
            for group in groups:
                held.renew()
                merge_group(group, files, chosen, report)
        report.removed_files += remove_old(files, chosen.grace)
        held.finish()
    return report


def due(chosen: CompactionSettings, received_by: datetime) -> list[list[SegmentRow]]:
    rows = [row for row in catalogue.live() if row.received_at <= received_by]
    return plan(
        rows,
        received_by,
        min_segments=chosen.min_segments,
        max_spans=chosen.max_spans,
    )


def merge_group(
    rows: Sequence[SegmentRow],
    files: SegmentFiles,
    chosen: CompactionSettings,
    report: CompactionReport,
) -> None:
    """Merge and swap; what cannot be merged is set aside, so that a run ends."""
    sound = _sound(rows, files)
    if len(sound) < 2:
        return
    try:
        written = merge(sound, files, chosen.limits)
    except (duckdb.Error, SpansLost) as error:
        _give_way(sound, files, chosen, report, error)
        return
    if _swap(sound, written, files):
        report.merges += 1
        report.merged_segments += len(sound)
        report.written_segments += len(written)


def _sound(rows: Sequence[SegmentRow], files: SegmentFiles) -> list[SegmentRow]:
    """The rows whose files are whole; a merge would make damage look sound."""
    soundness = Soundness(files)
    sound = []
    for row in rows:
        fault = soundness.fault(row)
        if fault is None:
            sound.append(row)
        else:
            catalogue.quarantine(row, fault)
    return sound


def _give_way(
    rows: Sequence[SegmentRow],
    files: SegmentFiles,
    chosen: CompactionSettings,
    report: CompactionReport,
    error: Exception,
) -> None:
    """Try the halves; two that do not merge are left as they are for good."""
    logger.warning("merging %d segments failed: %s", len(rows), error)
    if len(rows) <= 2:
        catalogue.leave_unmerged(rows)
        return
    middle = len(rows) // 2
    for half in (rows[:middle], rows[middle:]):
        if len(half) > 1:
            merge_group(half, files, chosen, report)
        else:
            catalogue.leave_unmerged(half)


def _swap(
    old: Sequence[SegmentRow], new: Sequence[StoredFile], files: SegmentFiles
) -> bool:
    try:
        catalogue.replace(old, new)
    except SegmentsGone:
        for file in new:
            files.discard(file.name)
        logger.info("%d segments were replaced or retired meanwhile", len(old))
        return False
    return True


def remove_old(files: SegmentFiles, grace: timedelta) -> int:
    """Delete replaced and retired files after the grace period, then their rows."""
    rows = catalogue.removable(grace)
    for row in rows:
        files.discard(row.name)
        reach("remove:file-deleted")
        catalogue.forget(row)
    if rows:
        files.remove_empty_folders()
    return len(rows)


def remove_orphans(files: SegmentFiles, min_age_seconds: float) -> int:
    """Delete what killed writers and merges left: temporary and unswapped files."""
    removed = 0
    for name in list(files.temporary_names()):
        if (files.age_seconds(name) or 0) > min_age_seconds:
            files.discard_temporary(name)
            removed += 1
    for name in unknown_compacted(files):
        if (files.age_seconds(name) or 0) > min_age_seconds:
            files.discard(name)
            removed += 1
    return removed


def unknown_compacted(files: SegmentFiles) -> list[str]:
    names = [name for name in files.names() if f"/{COMPACTED}-" in name]
    return catalogue.unknown_names(names)
