"""`manage.py import FILE…`: stores the traces of files, whatever their form."""
# ruff: noqa: N999 - a command's module is named as the command

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from traces.addresses import trace_address
from traces.management.progress import ProgressBar
from traces.receivers.files import CountedInput
from traces.receivers.importing import (
    Reasons,
    Tally,
    import_file,
    printable,
    reason_of,
)
from traces.store.base import StoreError
from traces.store.current import current_store

STANDARD_INPUT: Final = "-"
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
            except OSError as error:
                tally.unreadable.add(f"{_shown(name)}: {reason_of(error)}")
        self._report(tally)
        if tally.unreadable.total:
            raise CommandError("Not everything could be read.")

    def _import(self, name: str, tally: Tally) -> None:
        with opened(name) as source:
            bar = ProgressBar(self.stderr, _shown(name), source.size)

            def show(bytes_read: int, spans: int) -> None:
                bar.show(bytes_read, f"{spans:,} spans")

            write = current_store().write
            try:
                import_file(_shown(name), source, tally, write, progress=show)
            finally:
                bar.clear()

    def _report(self, tally: Tally) -> None:
        shown, rest = tally.unreadable.most_common(REASONS_SHOWN)
        for reason, _ in shown:
            self.stderr.write(f"Could not read {printable(reason)}")
        self._tell_rest(rest)
        self._report_counts("spans refused", tally.refused)
        self._report_counts("warnings", tally.warnings)
        self.stdout.write(f"{tally.stored:,} spans stored.")
        for trace_id in list(tally.traces)[:TRACES_SHOWN]:
            self.stdout.write(f"  {trace_address(trace_id.hex())}")
        if len(tally.traces) > TRACES_SHOWN:
            self.stdout.write("  and more traces")

    def _report_counts(self, what: str, reasons: Reasons) -> None:
        if not reasons.total:
            return
        self.stderr.write(f"{reasons.total:,} {what}:")
        shown, rest = reasons.most_common(REASONS_SHOWN)
        for reason, count in shown:
            self.stderr.write(f"  {count:,} times: {printable(reason)}")
        self._tell_rest(rest)

    def _tell_rest(self, count: int) -> None:
        if count:
            self.stderr.write(f"  and {count:,} more")


@contextmanager
def opened(name: str) -> Iterator[CountedInput]:
    """The named file, or standard input; a folder or a missing file is an OSError."""
    if name == STANDARD_INPUT:
        yield CountedInput(sys.stdin.buffer, None)
        return
    path = Path(name)
    with path.open("rb", buffering=0) as file:
        yield CountedInput(file, path.stat().st_size if path.is_file() else None)


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else printable(name)


def _storing_failed(error: StoreError) -> str:
    return (
        f"The spans could not be stored: {error}. Run it again when that is mended:"
        " what is stored already will not be counted twice."
    )
