"""A segment store in a folder of the test's own, and what tests do with one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from traces.models import Segment
from traces.store.compaction import CompactionReport, CompactionSettings, compact
from traces.store.merging import MergeLimits
from traces.store.query_engine import Limits, QueryEngine
from traces.store.segment_files import SegmentFiles
from traces.store.segment_writer import SegmentWriter
from traces.store.segments import SegmentStore
from traces.store.uncatalogued import Uncatalogued

MIB = 1024 * 1024


def make_store(folder: Path, timeout_seconds: float = 60) -> SegmentStore:
    files = SegmentFiles(folder / "segments")
    limits = Limits(memory="512MB", timeout_seconds=timeout_seconds)
    engine = QueryEngine(files.root, folder / "scratch", limits)
    return SegmentStore(engine, SegmentWriter(files, Uncatalogued(files, 10, 10 * MIB)))


def compaction_settings(store: SegmentStore, **changes) -> CompactionSettings:
    chosen = CompactionSettings(
        min_segments=2,
        max_spans=1_000_000,
        grace=timedelta(seconds=60),
        limits=MergeLimits("384MB", store.files.root.parent / "scratch"),
        adopt_after_seconds=0,
    )
    return replace(chosen, **changes)


def compacted(store: SegmentStore, **changes) -> CompactionReport:
    return compact(store.files, compaction_settings(store, **changes))


def live_segments() -> list[Segment]:
    return list(Segment.objects.filter(state="live").order_by("id"))


def only_segment() -> Segment:
    (segment,) = live_segments()
    return segment


def damage(store: SegmentStore, segment: Segment, at: int = -100) -> None:
    """Flip one bit of the segment's file."""
    path = store.files.path(segment.name)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
