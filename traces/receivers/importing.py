"""Storing what files hold, for the command and the page: read piece by piece, written
many spans at a time, and a tally of what came of it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from traces.receivers.files import CountedInput, Piece, read_pieces
from traces.receivers.json_fields import UnreadableDocument
from traces.spans import SpanBatch

SPANS_PER_WRITE: Final = 20_000
TRACES_KEPT: Final = 20
REASONS_KEPT: Final = 1_000

Write = Callable[[SpanBatch], None]
Progress = Callable[[int, int], None]
"""Called with the bytes read and the spans seen so far."""


@dataclass(slots=True)
class Reasons:
    """How often each thing was said; of a great many different ones, the first."""

    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, count: int = 1) -> None:
        self.total += count
        if reason in self.counts or len(self.counts) < REASONS_KEPT:
            self.counts[reason] += count

    def most_common(self, most: int) -> tuple[list[tuple[str, int]], int]:
        """The most frequent, and how often something else was said."""
        shown = self.counts.most_common(most)
        return shown, self.total - sum(count for _, count in shown)


@dataclass(slots=True)
class ImportedTrace:
    """What a file held of a trace; service and name are its root's."""

    trace_id: bytes
    span_count: int = 0
    start_time_unix_nano: int = 0
    service_name: str = ""
    name: str = ""
    _root_key: tuple[bool, int] | None = None

    def add(self, spans: SpanBatch) -> None:
        """More spans of it, at least one."""
        earliest = pc.min(spans["start_time_unix_nano"]).as_py()
        known = self.start_time_unix_nano if self.span_count else earliest
        self.start_time_unix_nano = min(known, earliest)
        self.span_count += spans.num_rows
        self._look_for_root(spans)

    def _look_for_root(self, spans: SpanBatch) -> None:
        """The earliest of the spans without a parent, else the earliest of all."""
        parentless = spans.filter(spans["parent_span_id"].is_null())
        chosen = parentless if parentless.num_rows else spans
        order = pc.select_k_unstable(
            chosen, 1, sort_keys=[("start_time_unix_nano", "ascending")]
        )
        [root] = chosen.take(order).to_pylist()
        key = (root["parent_span_id"] is not None, root["start_time_unix_nano"])
        if self._root_key is None or key < self._root_key:
            self._root_key = key
            self.service_name, self.name = root["service_name"], root["name"]


_OF_A_TRACE: Final = [
    "trace_id",
    "parent_span_id",
    "start_time_unix_nano",
    "service_name",
    "name",
]


@dataclass(slots=True)
class Tally:
    """What came of the files so far. Start times are None before the first span."""

    stored: int = 0
    refused: Reasons = field(default_factory=Reasons)
    warnings: Reasons = field(default_factory=Reasons)
    unreadable: Reasons = field(default_factory=Reasons)
    first_start_unix_nano: int | None = None
    last_start_unix_nano: int | None = None
    traces: dict[bytes, ImportedTrace] = field(default_factory=dict)
    more_traces: bool = False

    def note(self, label: str, piece: Piece) -> None:
        where = f"{label}, {piece.where}" if piece.where else label
        if piece.unreadable:
            self.unreadable.add(f"{where}: {piece.unreadable}")
        for reason, count in piece.refused.items():
            self.refused.add(f"{where}: {reason}", count)
        for warning, count in piece.warnings.items():
            self.warnings.add(warning, count)

    def add_stored(self, batch: SpanBatch) -> None:
        self.stored += batch.num_rows
        self._note_times(batch)
        spans = batch.select(_OF_A_TRACE)
        self._keep_first(spans["trace_id"].unique())
        for trace_id, trace in self.traces.items():
            its = spans.filter(pc.equal(spans["trace_id"], pa.scalar(trace_id)))
            if its.num_rows:
                trace.add(its)

    def _note_times(self, batch: SpanBatch) -> None:
        times = pc.min_max(batch["start_time_unix_nano"])
        first, last = times["min"].as_py(), times["max"].as_py()
        self.first_start_unix_nano = min(_known(self.first_start_unix_nano, first))
        self.last_start_unix_nano = max(_known(self.last_start_unix_nano, last))

    def _keep_first(self, trace_ids: pa.Array) -> None:
        # One more than fit, so that it is known that there are more.
        for trace_id in trace_ids[: TRACES_KEPT + 1].to_pylist():
            if trace_id in self.traces:
                continue
            if len(self.traces) == TRACES_KEPT:
                self.more_traces = True
                return
            self.traces[trace_id] = ImportedTrace(trace_id)


def _known(*times: int | None) -> Iterable[int]:
    return [time for time in times if time is not None]


class Writer:
    """Gathers batches, so that a file of small pieces makes few segments."""

    def __init__(self, tally: Tally, write: Write) -> None:
        self.seen = 0
        self._tally = tally
        self._write = write
        self._batches: list[SpanBatch] = []
        self._waiting = 0

    def add(self, batch: SpanBatch | None) -> None:
        if batch is None or not batch.num_rows:
            return
        self._batches.append(batch)
        self._waiting += batch.num_rows
        self.seen += batch.num_rows
        if self._waiting >= SPANS_PER_WRITE:
            self.flush()

    def flush(self) -> None:
        if not self._batches:
            return
        batch = pa.concat_tables(self._batches)
        self._batches, self._waiting = [], 0
        self._write(batch)
        self._tally.add_stored(batch)


def import_file(
    label: str,
    source: CountedInput,
    tally: Tally,
    write: Write,
    *,
    progress: Progress = lambda _read, _seen: None,
    max_unpacked_bytes: int | None = None,
) -> None:
    """Store the spans of a file; `label` is what the tally calls it.

    What cannot be read is noted in the tally, and what came before it is stored.
    Raises what `write` raises, which is StoreError.
    """
    writer = Writer(tally, write)
    pieces = read_pieces(source, settings.MAX_BODY_BYTES, max_unpacked_bytes)
    try:
        for piece in pieces:
            tally.note(label, piece)
            writer.add(piece.batch)
            progress(source.bytes_read, writer.seen)
    except (OSError, UnreadableDocument) as error:
        tally.unreadable.add(f"{label}: {reason_of(error)}")
    finally:
        # What was read before a file broke off is worth keeping.
        writer.flush()


def reason_of(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def printable(text: str) -> str:
    """Without what moves a terminal's cursor: names come from the file."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
