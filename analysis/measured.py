"""What an analysis says of one subject in one minute, whatever the subject is."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from analysis.histogram import EMPTY, Histogram

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
