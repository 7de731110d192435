"""Whether a segment's file is the one that was written.

DuckDB answers with wrong sums from a flipped bit, so a process checks the whole file
against the catalogue before it first reads it, and again whenever the file changed.
"""

from traces.store.catalogue import SegmentRow
from traces.store.segment_files import SegmentFiles

Fingerprint = tuple[int, int]


class Soundness:
    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._sound: dict[str, Fingerprint] = {}

    def fault(self, row: SegmentRow) -> str | None:
        """What is wrong with the file, in words; None when nothing is."""
        fingerprint = self._files.fingerprint(row.name)
        if fingerprint is None:
            return "its file is missing"
        if self._sound.get(row.name) == fingerprint:
            return None
        fault = self._examine(row, fingerprint)
        if fault is None:
            self._sound[row.name] = fingerprint
        return fault

    def _examine(self, row: SegmentRow, fingerprint: Fingerprint) -> str | None:
        if fingerprint[0] != row.byte_count:
            return f"its file has {fingerprint[0]} bytes, not {row.byte_count}"
        if self._files.checksum(row.name) != row.checksum:
            return "its file differs from its checksum"
        return None

    def forget(self, keep: set[str] | None = None) -> None:
        """Examine all files anew; or, with `keep`, drop what is not live any more."""
        kept = keep or set()
        self._sound = {n: f for n, f in list(self._sound.items()) if n in kept}
