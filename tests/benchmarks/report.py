"""docs/performance.md: the figures, and how to get them again."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.figures import Figure, table
from tests.benchmarks.workload import (
    SERVICES,
    SPANS_PER_REQUEST,
    SPANS_PER_TRACE,
    Workload,
)

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
HOW_TO_READ = """\
CPU is user and system time of a process and its children, from `/proc`. Times depend
on the machine and on what else it does; the ratio to the bare decode, which parses the
same bytes with `ExportTraceServiceRequest.FromString` in the same run, much less. A 2xx
comes after the fsync, so the time to an ack is mostly the wait for company in a group
commit (`GROUP_COMMIT_MAX_WAIT_MS`). Compaction's CPU is all that the worker used from
the first request until nothing changed any more. The lines of encodings are of the
first 100,000 spans, sent to a fresh server in one encoding after the other, and each is
compared with OTLP protobuf in the same run. Zipkin's and Jaeger's spans carry the same
ten attributes; what each encoding has no place for is left out. Answers are the median of many, the
files in the page cache; first paints are medians of fresh browser contexts.
"""


def performance_page(
    figures: Sequence[Figure],
    workload: Workload,
    arguments: Sequence[str],
    load: float,
) -> str:
    """`load` is the machine's load average before the run: others' work slows ours."""
    command = " ".join(["python -m tests.benchmarks", *arguments])
    return (
        "# Performance\n\n"
        f"Written by `make bench` (`{command}`) on {datetime.now(UTC):%Y-%m-%d},"
        f" at commit {commit()}.\n\n"
        f"{describe(workload)}\n\n"
        f"Machine: {machine()}. Load average before the run: {load:.1f}.\n\n"
        f"{table(figures)}\n\n"
        f"{HOW_TO_READ}"
    )


def describe(workload: Workload) -> str:
    spans = workload.request_count * SPANS_PER_REQUEST
    return (
        f"Workload: {spans:,} spans with 10 attributes each, {SPANS_PER_TRACE} spans a"
        f" trace, {len(SERVICES)} services, {SPANS_PER_REQUEST:,} spans a request, 4"
        f" connections, OTLP/HTTP protobuf, seed {workload.seed}. All processes as"
        " `manage.py serve` starts them: SQLite, local disk, default settings but for"
        " SEGMENT_GRACE_SECONDS=5, so that replaced files are gone when the disk is"
        " measured."
    )


def machine() -> str:
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} processors ({processor()}), {memory:.0f} GiB of memory, {versions}"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit() -> str:
    """With a mark when the files are not those of the commit."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def tell(text: str) -> None:
    """Progress, apart from the table."""
    print(text, file=sys.stderr, flush=True)
