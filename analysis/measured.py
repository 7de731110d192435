"""What an analysis says of one subject in one minute, whatever the subject is."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from analysis.histogram import EMPTY, Histogram, histogram_of

Fields: TypeAlias = tuple[str | int, ...]

OPERATION: Final = "operation"
# An operation that traces begin with; of its spans the roots alone.
ENTRY: Final = "entry"
# Its histogram is of the callee's spans; those of the caller's and of the gap between
# the two are measures of their own, and so is each other count of calls, whose fields
# are the edge's and the name of the count.
EDGE: Final = "edge"
EDGE_CLIENT: Final = "edge-client"
EDGE_GAP: Final = "edge-gap"
EDGE_COUNT: Final = "edge-count"
EDGE_COUNTS: Final = (
    *("failed_client", "failed_server"),
    *("retries", "inferred", "caller_missing", "span_missing"),
)
SERVICE_PATH: Final = "service-path"
# Of requests, in the minute of their entry spans: see `analysis.request_findings`.
REQUEST: Final = "request"
VERDICT: Final = "verdict"
CAUSE: Final = "cause"
CAUSE_COUNT: Final = "cause-count"
OFFENDER: Final = "offender"
OFFENDER_EXCESS: Final = "offender-excess"
REPEAT: Final = "repeat"
REPEAT_CALLS: Final = "repeat-calls"
REPEAT_SAVING: Final = "repeat-saving"
SERIAL: Final = "serial"
SERIAL_SAVING: Final = "serial-saving"

# Names beyond the limits of a minute, which are added up under one for all, or what was
# not told of at all: by what it is, and of span names by service. The "durations" of its
# histogram are how many, so that its longest is the most that one minute had.
LEFT_OUT: Final = "left-out"
SERVICES: Final = "services"
NAMES: Final = "names"
EDGES: Final = "edges"

# Details: traces to look at.
SLOWEST: Final = "slowest"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Measured:
    """`fields` name the subject among those of its kind, `group` what it belongs to.

    Counts are weighted by sampling. `details` is what JSON can hold; of several minutes
    each key is taken from the minute with the longest span.
    """

    kind: str
    fields: Fields
    group: Fields
    count: float
    failed: float
    histogram: Histogram = EMPTY
    details: dict[str, Any] = field(default_factory=dict)


def left_out(what: str, count: int, *of: str) -> list[Measured]:
    """Nothing if none was."""
    if count <= 0:
        return []
    most = histogram_of(np.array([count], np.int64), np.ones(1))
    return [Measured(LEFT_OUT, (what, *of), (what,), 1.0, 0.0, most)]
