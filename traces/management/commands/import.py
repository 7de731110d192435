"""`manage.py import FILE…`: stores the traces of files, whatever their form."""
# ruff: noqa: N999 - a command's module is named as the command

import sys
from argparse import RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from django.conf import settings
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
)

from traces.addresses import trace_address
from traces.management.progress import ProgressBar
from traces.receivers.files import CountedInput, Piece, read_pieces
from traces.receivers.json_fields import UnreadableDocument
from traces.spans import SpanBatch
from traces.store.base import StoreError
from traces.store.current import current_store

STANDARD_INPUT: Final = "-"
SPANS_PER_WRITE: Final = 20_000
TRACES_SHOWN: Final = 10
REASONS_SHOWN: Final = 20

FORMS: Final = """\
Each file may be, gzipped or not; its content tells which:
  OTLP JSON             {"resourceSpans": …}
  OTLP JSON lines       one such object a line, as the Collector's file exporter writes
  OTLP protobuf         one message, or many after their length (varint or 32 bits)
  Jaeger JSON           {"data": […]} or one trace {"traceID": …, "spans": …}
  Zipkin v2 JSON        a list of spans, or of lists of spans
  Tempo's answer        {"batches": […]}
"""


@dataclass(slots=True)
class Tally:
    """What came of the files so far."""

    stored: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    trace_ids: dict[str, None] = field(default_factory=dict)


class Command(BaseCommand):
    """Reads piece by piece, writes many spans at a time, reports at the end."""

    requires_system_checks = ()  # they import every page
    help = "Store the traces of files."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = FORMS
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="a file; - is standard input"
        )

    def handle(self, *_arguments: object, **options: Any) -> None:
        """Exits with 1 when something could not be read; the rest is stored."""
        tally = Tally()
        for name in options["files"]:
            try:
                self._import(name, tally)
            except StoreError as error:
                self._report(tally)
                raise CommandError(_storing_failed(error)) from error
            except (OSError, UnreadableDocument) as error:
                tally.unreadable.append(f"{_shown(name)}: {_reason(error)}")
        self._report(tally)
        if tally.unreadable:
            raise CommandError("Not everything could be read.")

    def _import(self, name: str, tally: Tally) -> None:
        with opened(name) as source:
            bar = ProgressBar(self.stderr, _shown(name), source.size)
            writer = Writer(tally)
            try:
                for piece in read_pieces(source, settings.MAX_BODY_BYTES):
                    _note(name, piece, tally)
                    writer.add(piece.batch)
                    bar.show(source.bytes_read, f"{writer.seen:,} spans")
            finally:
                # What was read before a file broke off is worth keeping.
                writer.flush()
                bar.clear()

    def _report(self, tally: Tally) -> None:
        for reason in tally.unreadable[:REASONS_SHOWN]:
            self.stderr.write(f"Could not read {printable(reason)}")
        _tell_rest(self.stderr, len(tally.unreadable))
        self._report_counts("spans refused", tally.refused)
        self._report_counts("warnings", tally.warnings)
        self.stdout.write(f"{tally.stored:,} spans stored.")
        for trace_id in list(tally.trace_ids)[:TRACES_SHOWN]:
            self.stdout.write(f"  {trace_address(trace_id)}")
        if len(tally.trace_ids) > TRACES_SHOWN:
            self.stdout.write("  and more traces")

    def _report_counts(self, what: str, counts: Counter[str]) -> None:
        if not counts:
            return
        self.stderr.write(f"{counts.total():,} {what}:")
        for reason, count in counts.most_common(REASONS_SHOWN):
            self.stderr.write(f"  {count:,} times: {printable(reason)}")
        _tell_rest(self.stderr, len(counts))


class Writer:
    """Gathers batches, so that a file of small pieces makes few segments."""

    def __init__(self, tally: Tally) -> None:
        self.seen = 0
        self._tally = tally
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
        current_store().write(batch)
        self._tally.stored += batch.num_rows
        _remember_traces(batch, self._tally.trace_ids)


def _remember_traces(batch: SpanBatch, trace_ids: dict[str, None]) -> None:
    """One more than are shown, so that it can be said that there are more."""
    for trace_id in batch["trace_id"].unique()[: TRACES_SHOWN + 1].to_pylist():
        if len(trace_ids) <= TRACES_SHOWN:
            trace_ids[trace_id.hex()] = None


@contextmanager
def opened(name: str) -> Iterator[CountedInput]:
    """The named file, or standard input; a folder or a missing file is an OSError."""
    if name == STANDARD_INPUT:
        yield CountedInput(sys.stdin.buffer, None)
        return
    path = Path(name)
    with path.open("rb", buffering=0) as file:
        yield CountedInput(file, path.stat().st_size if path.is_file() else None)


def _note(name: str, piece: Piece, tally: Tally) -> None:
    where = f"{_shown(name)}, {piece.where}" if piece.where else _shown(name)
    if piece.unreadable:
        tally.unreadable.append(f"{where}: {piece.unreadable}")
    tally.refused.update({f"{where}: {r}": n for r, n in piece.refused.items()})
    tally.warnings.update(piece.warnings)


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else printable(name)


def printable(text: str) -> str:
    """Without what moves a terminal's cursor: names come from the file."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def _storing_failed(error: StoreError) -> str:
    return (
        f"The spans could not be stored: {error}. Run it again when that is mended:"
        " what is stored already will not be counted twice."
    )


def _tell_rest(output: OutputWrapper, count: int) -> None:
    if count > REASONS_SHOWN:
        output.write(f"  and {count - REASONS_SHOWN:,} more")
