"""Fresh segments on disk that the catalogue does not know: the log while it is away.

A batch is acknowledged once its file is durable, even when the database is away, up to
a bound. Adopting writes the missing rows; it is also how a process that was killed
between the two is completed. Adopting twice changes nothing.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connections

from traces.spans import SPAN_SCHEMA
from traces.store import catalogue
from traces.store.base import StoreUnavailable
from traces.store.catalogue import StoredFile
from traces.store.segment_facts import COLUMNS, facts_of
from traces.store.segment_files import FRESH, SegmentFiles

logger = logging.getLogger(__name__)

# A younger file may be on its way into the catalogue by the process that wrote it.
ADOPT_AFTER_SECONDS: Final = 30
# Asking a database that is away takes a while, and clients wait for their answer.
ASK_AGAIN_SECONDS: Final = 2


class Uncatalogued:
    """What this process acknowledged while the catalogue was away."""

    def __init__(self, files: SegmentFiles, max_segments: int, max_bytes: int) -> None:
        self.files = files
        self.max_segments = max_segments
        self.max_bytes = max_bytes
        self._waiting: list[StoredFile] = []
        self._ask_again_at = 0.0
        self._handing_over = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def require_room(self, byte_count: int) -> None:
        """Raises StoreUnavailable at the bound."""
        if not self._waiting or self.hand_over():
            return
        held = sum(file.byte_count for file in self._waiting)
        full = len(self._waiting) >= self.max_segments
        if full or held + byte_count > self.max_bytes:
            raise StoreUnavailable(
                "the catalogue does not answer, and as much as may wait for it waits"
            )

    def keep(self, file: StoredFile) -> None:
        self._waiting.append(file)

    def pause(self) -> None:
        """The catalogue was asked in vain: leave it alone for a while."""
        self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS

    def hand_over(self) -> bool:
        """Catalogue what waits, oldest first; False, quickly, when it is away."""
        if not self._handing_over.acquire(blocking=False):
            return False
        try:
            return time.monotonic() >= self._ask_again_at and self._hand_over()
        finally:
            self._handing_over.release()

    def _hand_over(self) -> bool:
        try:
            while self._waiting:
                # Adopted long ago, then merged, its file may be gone by now.
                if self.files.fingerprint(self._waiting[0].name):
                    catalogue.add(self._waiting[0])
                del self._waiting[0]
        except StoreUnavailable:
            self.pause()
            return False
        return True


@contextmanager
def handing_over(uncatalogued: Uncatalogued) -> Iterator[None]:
    """Within the block what waits is handed over though nothing more is written."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(ASK_AGAIN_SECONDS):
            uncatalogued.hand_over()
        connections.close_all()

    thread = threading.Thread(target=work, name="hand-over")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def adopt(files: SegmentFiles, min_age_seconds: float = ADOPT_AFTER_SECONDS) -> int:
    """Catalogue whole fresh files that have no row; how many there were.

    Raises StoreUnavailable when the catalogue is away.
    """
    fresh = [name for name in files.names() if f"/{FRESH}-" in name]
    unknown = catalogue.unknown_names(fresh)
    return sum(_adopt_one(files, name, min_age_seconds) for name in sorted(unknown))


def _adopt_one(files: SegmentFiles, name: str, min_age_seconds: float) -> bool:
    # The file is looked at after its row was found missing: a row goes last.
    age = files.age_seconds(name)
    if age is None or age < min_age_seconds:
        return False
    file = describe(files, name)
    if file is None:
        logger.error("%s has no row and is no whole segment; it is left alone", name)
        return False
    catalogue.add(file)
    logger.warning("adopted %s with %d spans", name, file.facts.span_count)
    return True


def describe(files: SegmentFiles, name: str) -> StoredFile | None:
    """What the row of a plain segment says, read from the file; None if it is torn."""
    table, checksum = _read(files, name), files.checksum(name)
    fingerprint = files.fingerprint(name)
    if table is None or checksum is None or fingerprint is None:
        return None
    return StoredFile(
        name=name,
        level=0,
        variant=False,
        byte_count=fingerprint[0],
        checksum=checksum,
        facts=facts_of(table),
    )


def _read(files: SegmentFiles, name: str) -> pa.Table | None:
    try:
        with pq.ParquetFile(files.path(name)) as file:
            whole = file.schema_arrow.names == SPAN_SCHEMA.names
            table = file.read(columns=list(COLUMNS)) if whole else None
    except (OSError, pa.ArrowException):
        return None
    return table if table is not None and len(table) else None
