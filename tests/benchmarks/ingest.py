"""What taking, compacting and keeping the workload costs."""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.benchmarks.figures import MIB, MS, Figure, percentile
from tests.benchmarks.processes import resident_bytes
from tests.benchmarks.server import ROOT, Costs, Server, folder_bytes
from tests.benchmarks.workload import SPANS_PER_REQUEST, Workload, read_requests

CONNECTIONS: Final = 4
DECODED_REQUESTS: Final = 200
QUIET_SECONDS: Final = 30  # longer than a round of compaction and the grace after it
SETTLE_SECONDS: Final = 600
POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ingested:
    """What the load did; `decode` is of the same bytes, before and after it."""

    spans: int
    decode_micro: float
    before: Costs
    acked: Costs
    settled: Costs
    client: dict[str, Any]
    request_bytes: int
    segment_bytes: int


def run_ingest(server: Server, workload: Workload, requests: Path) -> Ingested:
    first_decode, before = decode_micro(requests), server.costs()
    client = send(server, requests)
    acked = server.costs()
    await_quiet(server.segment_folder)
    settled = server.costs()
    return Ingested(
        spans=workload.request_count * SPANS_PER_REQUEST,
        decode_micro=statistics.mean([first_decode, decode_micro(requests)]),
        before=before,
        acked=acked,
        settled=settled,
        client=client,
        request_bytes=requests.stat().st_size,
        segment_bytes=folder_bytes(server.segment_folder),
    )


def decode_micro(requests: Path) -> float:
    """CPU microseconds a span to parse the bytes into messages and no more."""
    bodies = list(islice(read_requests(requests), DECODED_REQUESTS))
    started = time.process_time()
    for body in bodies:
        ExportTraceServiceRequest.FromString(body)
    return (time.process_time() - started) * 1e6 / (len(bodies) * SPANS_PER_REQUEST)


def send(server: Server, requests: Path) -> dict[str, Any]:
    result = server.folder / "client.json"
    arguments = [str(requests), server.otlp_url, str(CONNECTIONS), str(result)]
    command = [sys.executable, "-m", "tests.benchmarks.client", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)
    answer: dict[str, Any] = json.loads(result.read_text())
    return answer


def await_quiet(folder: Path) -> None:
    """Until nothing in the folder changes any more, or for ten minutes."""
    deadline = time.monotonic() + SETTLE_SECONDS
    seen, quiet_since = None, time.monotonic()
    while time.monotonic() < min(deadline, quiet_since + QUIET_SECONDS):
        time.sleep(POLL_SECONDS)
        if (now := listing(folder)) != seen:
            seen, quiet_since = now, time.monotonic()


def listing(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.rglob("*"))


def ingest_figures(ingested: Ingested) -> list[Figure]:
    return [
        *_cpu_figures(ingested),
        *_ack_figures(ingested),
        Figure(
            "disk after compaction, a span",
            ingested.segment_bytes / ingested.spans,
            "B",
            55,
            f"{ingested.request_bytes / ingested.spans:.0f} B as sent",
        ),
    ]


def _cpu_figures(ingested: Ingested) -> list[Figure]:
    def micro(before: float, after: float) -> float:
        return (after - before) * 1e6 / ingested.spans

    ingest = micro(ingested.before.ingest, ingested.acked.ingest)
    worker = micro(ingested.before.worker, ingested.settled.worker)
    decode = ingested.decode_micro
    return [
        Figure("bare decode of the same bytes, CPU a span", decode, "µs"),
        Figure("ingest with the ack, CPU a span", ingest, "µs", 12),
        Figure("ingest with the ack, times the bare decode", ingest / decode, "", 10),
        Figure("compaction, CPU a span", worker, "µs", 10, "all that the worker did"),
    ]


def _ack_figures(ingested: Ingested) -> list[Figure]:
    seconds = ingested.client["ack_seconds"]
    rate = ingested.spans / ingested.client["seconds"]
    retries = ingested.client["retries"]
    return [
        Figure("ack, p50", percentile(seconds, 50) * MS, "ms", 250),
        Figure("ack, p99", percentile(seconds, 99) * MS, "ms", 1000),
        Figure("spans acked a second", rate, "", note=f"{retries} requests sent again"),
    ]


def memory_figures(server: Server) -> list[Figure]:
    return [
        Figure(
            f"resident memory of {role} at the end",
            resident_bytes(pid) / MIB,
            "MB",
            600,
        )
        for role, pid in server.pids.items()
    ]
