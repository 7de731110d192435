"""What the catalogue knows of a segment, computed from its spans."""

import json
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.store import trace_filter
from traces.variant import INT64_MAX

MAX_SERVICE_NAMES: Final = 100
MAX_SERVICE_NAMES_TEXT: Final = 8_192

# The columns below are all that `facts_of` reads.
COLUMNS: Final = ("trace_id", "start_time_unix_nano", "duration_nano", "service_name")


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """Times in nanoseconds since the epoch; trace ids in hexadecimal."""

    span_count: int
    min_start_unix_nano: int
    max_start_unix_nano: int
    max_end_unix_nano: int
    expires_from_unix_nano: int
    service_names: str
    trace_count: int
    trace_filter: bytes
    min_trace_id: str
    max_trace_id: str


def facts_of(spans: pa.Table) -> SegmentFacts:
    """Of at least one span; needs COLUMNS only."""
    starts = spans["start_time_unix_nano"].to_numpy()
    durations = spans["duration_nano"].to_numpy()
    latest_start = int(starts.max())
    hashes = trace_filter.hashes_of_column(spans["trace_id"])
    trace_ids = pc.min_max(spans["trace_id"].cast(pa.binary()))
    return SegmentFacts(
        span_count=len(spans),
        min_start_unix_nano=int(starts.min()),
        max_start_unix_nano=latest_start,
        max_end_unix_nano=_latest_end(starts, durations),
        expires_from_unix_nano=min(latest_start, time.time_ns()),
        service_names=_names_text(pc.unique(spans["service_name"]).to_pylist()),
        trace_count=len(hashes),
        trace_filter=trace_filter.build(hashes),
        min_trace_id=trace_ids["min"].as_py().hex(),
        max_trace_id=trace_ids["max"].as_py().hex(),
    )


def _latest_end(
    starts: "np.typing.NDArray[np.int64]", durations: "np.typing.NDArray[np.int64]"
) -> int:
    """At least the latest end, at most what 64 bits hold (a sum can pass them)."""
    durations = np.maximum(durations, 0)
    row = int(np.argmax(starts // 2 + durations // 2))
    return min(int(starts[row]) + int(durations[row]) + 1, INT64_MAX)


def _names_text(names: list[str]) -> str:
    """As ASCII JSON (a database cannot refuse it), or nothing when too long."""
    if len(names) > MAX_SERVICE_NAMES:
        return ""
    text = json.dumps(sorted(names))
    return text if len(text) <= MAX_SERVICE_NAMES_TEXT else ""
