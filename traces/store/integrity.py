"""Does the disk hold what the catalogue says, and the catalogue what is on disk?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from traces.store import catalogue, lease
from traces.store.catalogue import LIVE, QUARANTINED, SegmentRow
from traces.store.compaction import ORPHAN_AFTER_SECONDS, unknown_compacted
from traces.store.segment_files import FRESH, SegmentFiles
from traces.store.soundness import Soundness

SCRUB_EVERY: Final = timedelta(hours=24)
SCRUB_BYTES_A_RUN: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be; `name` is a segment's, or a lease's."""

    name: str
    fault: str


def verify(
    files: SegmentFiles, orphan_after_seconds: float = ORPHAN_AFTER_SECONDS
) -> list[Finding]:
    """Look at every row and every file; change nothing but the quarantine.

    A damaged live segment is quarantined, one that is whole again is released.
    """
    findings = [
        Finding(row.name, fault)
        for row in catalogue.every_row()
        if row.state in (LIVE, QUARANTINED)
        and (fault := check(row, files, deep=True)) is not None
    ]
    findings += orphans(files, orphan_after_seconds)
    findings += [Finding(name, text) for name, text in lease.troubles().items()]
    return findings


def scrub(files: SegmentFiles, max_bytes: int = SCRUB_BYTES_A_RUN) -> int:
    """Check the checksums longest unchecked, and all in quarantine; how many."""
    due = catalogue.unverified_for(SCRUB_EVERY)
    count, byte_count = 0, 0
    for row in due:
        byte_count += row.byte_count
        if count and byte_count > max_bytes:
            break
        check(row, files, deep=False)
        count += 1
    return count


def check(row: SegmentRow, files: SegmentFiles, *, deep: bool) -> str | None:
    """The segment's fault, or None; quarantines and releases. Deep looks inside."""
    fault = Soundness(files).fault(row)
    if fault is None and deep:
        fault = _fault_inside(row, files)
    if fault is None:
        if row.state == QUARANTINED:
            catalogue.release(row)
        catalogue.mark_verified(row)
    elif row.state == LIVE:
        catalogue.quarantine(row, fault)
    return fault


def _fault_inside(row: SegmentRow, files: SegmentFiles) -> str | None:
    try:
        with pq.ParquetFile(files.path(row.name)) as file:
            starts = file.read(columns=["start_time_unix_nano"]).column(0)
    except (OSError, pa.ArrowException) as error:
        return f"it cannot be read: {error}"
    if len(starts) != row.span_count:
        return f"it holds {len(starts)} spans, not {row.span_count}"
    limits = pc.min_max(starts)
    found = (limits["min"].as_py(), limits["max"].as_py())
    if found != (row.min_start_unix_nano, row.max_start_unix_nano):
        return "its spans start at other times than its row says"
    return None


def orphans(files: SegmentFiles, min_age_seconds: float) -> list[Finding]:
    """Files no row speaks of, past the age at which they should be gone."""
    return [
        Finding(name, fault)
        for name, fault in _unknown_files(files)
        if (files.age_seconds(name) or 0) >= min_age_seconds
    ]


def _unknown_files(files: SegmentFiles) -> Iterator[tuple[str, str]]:
    for name in files.temporary_names():
        yield name, "a temporary file was left behind"
    for name in unknown_compacted(files):
        yield name, "a compacted file has no row"
    fresh = [name for name in files.names() if f"/{FRESH}-" in name]
    for name in catalogue.unknown_names(fresh):
        yield name, "a fresh segment has no row and could not be adopted"
