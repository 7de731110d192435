"""`python -m tests.benchmarks [--spans N] [--seed N] [--only PART,…]`:
measures, prints the table, and writes docs/performance.md after a whole run."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.encodings import encoding_figures
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.ingest import (
    ingest_figures,
    memory_figures,
    run_ingest,
    send,
)
from tests.benchmarks.questions import api_figures, question_figures
from tests.benchmarks.report import PAGE, performance_page, tell
from tests.benchmarks.server import Server
from tests.benchmarks.workload import Workload, cached_requests, recent_workload

PARTS = ("ingest", "search", "paint", "analysis", "encodings")


def main(arguments: Sequence[str]) -> None:
    # Stopped in any way, it must stop the server too; a shell's `&` ignores Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    options = parse(arguments)
    workload = recent_workload(options.spans, options.seed)
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="tracing-ui-benchmark-"))
    try:
        figures = measure(workload, options.only, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(figures))
    if set(options.only) == set(PARTS):
        options.output.parent.mkdir(exist_ok=True)
        options.output.write_text(performance_page(figures, workload, arguments, load))
        tell(f"Written to {options.output}.")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=_parts, default=PARTS, metavar="PART,…")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    if options.spans < 1:
        parser.error("--spans must be at least 1")
    return options


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"{unknown} is none of {', '.join(PARTS)}")
    return parts


def measure(workload: Workload, parts: Sequence[str], folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    if set(parts) - {"encodings"}:
        figures += _measure_whole(workload, parts, folder)
    if "encodings" in parts:
        figures += encoding_figures(folder / "encodings", workload)
    return figures


def _measure_whole(
    workload: Workload, parts: Sequence[str], folder: Path
) -> list[Figure]:
    tell(f"Making {workload.request_count:,} requests, unless they are there.")
    requests = cached_requests(workload)
    figures: list[Figure] = []
    with Server(folder) as server:
        if "ingest" in parts:
            tell("Sending them, then waiting until compaction rests.")
            figures += ingest_figures(run_ingest(server, workload, requests))
        elif {"search", "analysis"} & set(parts):
            send(server, requests)
        if "search" in parts:
            tell("Asking.")
            figures += question_figures(server, workload)
            figures += api_figures(server, workload)
        if "paint" in parts:
            tell("Opening traces in Chromium.")
            figures += _paint(server)
        if "analysis" in parts:
            tell("Analysing.")
            figures += _analysis(server, workload)
        if "ingest" in parts:
            figures += memory_figures(server)
    return figures


def _analysis(server: Server, workload: Workload) -> list[Figure]:
    from tests.benchmarks.analysis import analysis_figures

    return analysis_figures(server, workload)


def _paint(server: Server) -> list[Figure]:
    # Playwright is slow to import, and not all parts need it.
    from tests.benchmarks.paint import measure_paint

    return measure_paint(server)


if __name__ == "__main__":
    main(sys.argv[1:])
