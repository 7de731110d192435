"""What the page of a trace says at its top: how the request was judged, and its failures."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from analysis.attributes import KEYS
from analysis.critical_path import critical_path
from analysis.failure_sentence import label
from analysis.failure_sentence import sentence as failure_sentence
from analysis.failures import Ending, Failure, failures
from analysis.forest import Forest, build_forest
from analysis.results.thresholds import overlap_part, thresholds
from analysis.results.usual import Known, read_usual_of
from analysis.usual import operations_of
from analysis.verdict import Verdict, Verdicts, in_question, judge
from analysis.wording import duration
from traces.pages.trace_cache import TraceView
from traces.pages.trace_detail import of_trace
from traces.search.problems import RETRY_AFTER_SECONDS
from traces.store.base import StoreError, TraceStore
from traces.store.current import current_store

MOST_SPANS: Final = 100_000
MOST_FAILURES: Final = 20
# Of more roots than anybody has, those count that own most.
MOST_OPERATIONS: Final = 20
# A trace from this size on is judged once while it does not change, for a while.
LARGE_SPANS: Final = 10_000
FRESH_SECONDS: Final = 60.0
_KEPT: Final = 16
MINUTE_NANO: Final = 60 * 10**9
_LABELS: Final = {
    Verdict.NORMAL: "normal",
    Verdict.BOTTLENECK: "bottleneck",
    Verdict.CASCADE_FAILURE: "cascade failure",
}


@of_trace
def trace_verdict(request: HttpRequest, view: TraceView) -> HttpResponse:
    """A fragment for the trace's page. 503 without a body if a store is away."""
    context = {"trace_id": view.trace.trace_id.hex(), "most_spans": MOST_SPANS}
    if len(view.trace) <= MOST_SPANS:
        try:
            context["judged"] = judged_view(view)
        except (StoreError, DatabaseError):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return HttpResponse(status=503, headers=headers)
    return render(request, "analysis/_trace_verdict.html", context)


@dataclass(frozen=True, slots=True)
class SpanLink:
    span_id: str
    label: str


@dataclass(frozen=True, slots=True)
class FailureLine:
    """`top` is the highest span that failed by it, None where that is the origin."""

    sentence: str
    origin: SpanLink
    top: SpanLink | None
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """`culprit` is empty in normal requests. `note` is by what it was judged, where
    that is not the hours before it."""

    verdict: Verdict
    sentence: str
    note: str
    culprit: str
    failures: list[FailureLine]
    failure_count: int

    @property
    def label(self) -> str:
        return _LABELS[self.verdict]

    @property
    def left_out(self) -> int:
        return self.failure_count - len(self.failures)


@dataclass(frozen=True, slots=True)
class _Kept:
    # Held, so that no later store can have the same `id`.
    store: TraceStore
    judged: Judged | None
    made_at: float


_Key = tuple[int, bytes, str]
_lock = threading.Lock()
_kept: OrderedDict[_Key, _Kept] = OrderedDict()


def judged_view(view: TraceView) -> Judged | None:
    """As `judged`; a large trace that was judged a moment ago is not judged again."""
    if len(view.trace) < LARGE_SPANS:
        return judged(view.trace.trace_id)
    store = current_store()
    key = (id(store), view.trace.trace_id, view.revision)
    with _lock:
        kept = _kept.get(key)
    if kept and time.monotonic() - kept.made_at < FRESH_SECONDS:
        return kept.judged
    found = judged(view.trace.trace_id)
    with _lock:
        _kept[key] = _Kept(store, found, time.monotonic())
        _kept.move_to_end(key)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


def judged(trace_id: bytes) -> Judged | None:
    """None of a trace that is no longer there, or has become too large."""
    forest = build_forest(
        current_store().get_excerpt_of([trace_id], KEYS, [], MOST_SPANS)
    )
    if not len(forest):
        return None
    # As in the minute of the trace, so that both say the same.
    path = critical_path(forest, overlap_part=overlap_part())
    found = failures(forest, path)
    asked = operations_of(forest, in_question(forest, path, thresholds()))
    minute = int(forest.trace_start_unix_nano[0]) // MINUTE_NANO
    known = read_usual_of(asked[:MOST_OPERATIONS], minute)
    verdicts = judge(forest, path, found, known.usual, thresholds())
    culprit = int(verdicts.culprit[0])
    return Judged(
        verdict=verdicts.verdict(0),
        sentence=verdicts.sentence(0),
        note=_note(verdicts, known),
        culprit=_span_id(forest, culprit) if culprit >= 0 else "",
        failures=[_line(forest, each) for each in found[:MOST_FAILURES]],
        failure_count=len(found),
    )


def _note(verdicts: Verdicts, known: Known) -> str:
    row = verdicts.told_of(0)
    if row is None:
        return ""
    (operation,) = operations_of(verdicts.forest, np.array([row]))
    if operation in known.of_late:
        return "usual by the last hour: no hour before it is known yet"
    if operation in known.usual.spans:
        return ""
    counts = "counts" if verdicts.is_bottleneck[0] else "would count"
    return f"from {duration(thresholds().slow_span_nano)} on it {counts} as slow"


def _line(forest: Forest, failure: Failure) -> FailureLine:
    top = failure.top
    return FailureLine(
        sentence=failure_sentence(forest, failure),
        origin=_link(forest, failure.origin),
        top=_link(forest, top) if top != failure.origin else None,
        marks=tuple(_marks(failure)),
    )


def _marks(failure: Failure) -> Iterator[str]:
    if failure.ending in (Ending.HANDLED, Ending.APART):
        yield str(failure.ending)
    if failure.retry:
        yield "retried"


def _link(forest: Forest, row: int) -> SpanLink:
    return SpanLink(_span_id(forest, row), label(forest, row))


def _span_id(forest: Forest, row: int) -> str:
    found: bytes = forest.spans["span_id"][row].as_py()
    return found.hex()
