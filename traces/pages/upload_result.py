"""What came of an upload, as a page that can be opened again: the address holds it all,
signed, so that nobody can make the page say what did not happen."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from traces.pages.span_age import SpanAge, age_of
from traces.receivers.importing import ImportedTrace, Reasons, Tally

SALT: Final = "upload-result"
# All of it has to fit into an address.
REASONS_SHOWN: Final = 8
REASON_CHARACTERS: Final = 200
NAME_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class UploadedTrace:
    trace_id: str
    span_count: int
    start_time_unix_nano: int
    service_name: str
    name: str


@dataclass(frozen=True, slots=True)
class Told:
    """The most frequent reasons, and how often something else was said."""

    total: int
    shown: tuple[tuple[str, int], ...]
    rest: int

    def lines(self) -> list[str]:
        lines = [f"{r} ({n:,} times)" if n > 1 else r for r, n in self.shown]
        return [*lines, f"and {self.rest:,} more"] if self.rest else lines


@dataclass(frozen=True, slots=True)
class UploadResult:
    """Start times in nanoseconds since the epoch, 0 when no span was stored."""

    stored: int
    first_start_unix_nano: int
    last_start_unix_nano: int
    traces: tuple[UploadedTrace, ...]
    more_traces: bool
    refused: Told
    warnings: Told
    unreadable: Told

    @property
    def is_one_whole_trace(self) -> bool:
        """Nothing needs to be said but the trace itself."""
        told = self.refused.total + self.warnings.total + self.unreadable.total
        return len(self.traces) == 1 and not self.more_traces and not told

    @property
    def age(self) -> SpanAge:
        return age_of(
            self.first_start_unix_nano, self.last_start_unix_nano, time.time_ns()
        )

    def to_text(self) -> str:
        return signing.dumps(asdict(self), salt=SALT, compress=True)

    @classmethod
    def from_text(cls, text: str) -> "UploadResult":
        """Raises signing.BadSignature."""
        read: dict[str, Any] = signing.loads(text, salt=SALT)
        traces = tuple(UploadedTrace(**trace) for trace in read.pop("traces"))
        for name in ("refused", "warnings", "unreadable"):
            read[name] = _told_from(read[name])
        return cls(**read, traces=traces)


def _told_from(read: dict[str, Any]) -> Told:
    return Told(read["total"], tuple(map(tuple, read["shown"])), read["rest"])


def result_of(tally: Tally) -> UploadResult:
    return UploadResult(
        stored=tally.stored,
        first_start_unix_nano=tally.first_start_unix_nano or 0,
        last_start_unix_nano=tally.last_start_unix_nano or 0,
        traces=tuple(map(_trace_of, tally.traces.values())),
        more_traces=tally.more_traces,
        refused=_told_of(tally.refused),
        warnings=_told_of(tally.warnings),
        unreadable=_told_of(tally.unreadable),
    )


def _trace_of(trace: ImportedTrace) -> UploadedTrace:
    return UploadedTrace(
        trace.trace_id.hex(),
        trace.span_count,
        trace.start_time_unix_nano,
        cut(trace.service_name, NAME_CHARACTERS),
        cut(trace.name, NAME_CHARACTERS),
    )


def _told_of(reasons: Reasons) -> Told:
    shown, rest = reasons.most_common(REASONS_SHOWN)
    cut_short = tuple((cut(reason, REASON_CHARACTERS), n) for reason, n in shown)
    return Told(reasons.total, cut_short, rest)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@require_safe
def upload_result(request: HttpRequest) -> HttpResponse:
    try:
        result = UploadResult.from_text(request.GET.get("of", ""))
    except signing.BadSignature:
        return render(request, "traces/upload_result.html", status=404)
    context = {"result": result, "age": result.age}
    return render(request, "traces/upload_result.html", context)
