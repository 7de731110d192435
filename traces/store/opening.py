"""What the settings say of files and writing, for processes that read nothing.

Apart from the segment store, which brings DuckDB along: the receivers do without.
"""

from pathlib import Path

from django.conf import settings

from traces.store.segment_files import SegmentFiles
from traces.store.segment_writer import SegmentWriter
from traces.store.uncatalogued import Uncatalogued


def files_from_settings() -> SegmentFiles:
    return SegmentFiles(
        Path(settings.SEGMENT_DIR), min_free_bytes=settings.MIN_FREE_DISK_BYTES
    )


def writer_from_settings() -> SegmentWriter:
    files = files_from_settings()
    waiting = Uncatalogued(
        files, settings.UNCATALOGUED_MAX_SEGMENTS, settings.UNCATALOGUED_MAX_BYTES
    )
    return SegmentWriter(files, waiting)
