"""Writing a batch: a durable file, then its catalogue row, then the answer."""

from traces.spans import SpanBatch
from traces.store import catalogue
from traces.store.base import StoreUnavailable
from traces.store.catalogue import StoredFile
from traces.store.crash_points import reach
from traces.store.segment_facts import facts_of
from traces.store.segment_files import FRESH, SegmentFiles, checksum_of
from traces.store.segment_parquet import encode
from traces.store.uncatalogued import Uncatalogued, adopt


class SegmentWriter:
    """While the catalogue is away a batch is taken all the same, up to a bound; it is
    visible as soon as the catalogue is back."""

    def __init__(self, files: SegmentFiles, uncatalogued: Uncatalogued) -> None:
        self.files = files
        self.uncatalogued = uncatalogued

    def write(self, batch: SpanBatch) -> None:
        """Raises StoreUnavailable, having stored nothing."""
        if not len(batch):
            return
        content = encode(batch)
        self.uncatalogued.require_room(content.size)
        file = StoredFile(
            name=self.files.new_name(FRESH),
            level=0,
            variant=False,
            byte_count=content.size,
            checksum=checksum_of(content),
            facts=facts_of(batch),
        )
        self.files.write(file.name, memoryview(content))
        self._catalogue(file)

    def _catalogue(self, file: StoredFile) -> None:
        try:
            if self.uncatalogued.hand_over():
                catalogue.add(file)
            else:
                self.uncatalogued.keep(file)
        except StoreUnavailable:
            self.uncatalogued.pause()
            self.uncatalogued.keep(file)
        except Exception:
            self.files.discard(file.name)
            raise
        reach("write:catalogued")

    def recover(self) -> int:
        """Catalogue what a killed process left behind; how many segments that were.

        For the start of the only process that writes here: age does not matter.
        Raises StoreUnavailable.
        """
        return adopt(self.files, min_age_seconds=0)
