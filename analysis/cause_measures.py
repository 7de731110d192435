"""Causes of failed requests as measures; what ranks them reads these."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from analysis.entries import Entry, entry_rows, operation
from analysis.failures import Ending, Failure, Signature
from analysis.faults import failed_spans
from analysis.forest import Forest
from analysis.histogram import IntArray, histogram_of
from analysis.measured import CAUSE, CAUSE_COUNT, Fields, Measured, left_out
from analysis.wording import cut
from traces.tree import BoolArray

# A minute with more kinds of failure tells of those that are in most requests.
MOST_CAUSES: Final = 500
EXEMPLARS: Final = 5
TEXT_CHARACTERS: Final = 300
MOST_REACHED: Final = 20

# What is counted of a cause besides. The first is of requests that did not fail; the last
# is followed by the name of a service that failed with it.
IN_WELL: Final = "in_well"
HANDLED: Final = "handled"
APART: Final = "apart"
RETRIED: Final = "retried"
TIMED_OUT: Final = "timed_out"
REACHED: Final = "reached"

_Key: TypeAlias = tuple[Entry, Signature]


@dataclass(slots=True)
class _Found:
    """Requests by trace: whether they failed by it, and what else holds of it there."""

    is_cause: dict[int, bool] = field(default_factory=dict)
    marks: dict[Fields, set[int]] = field(default_factory=dict)
    first: Failure | None = None


def cause_measures(forest: Forest, found: Iterable[Failure]) -> list[Measured]:
    """Of each entry operation and signature: `count` are the requests that failed by it,
    `failed` all failed ones it is in, the histogram how long the former took. All counts
    are of requests, however often a signature is in one."""
    entries, failed = entry_rows(forest), failed_spans(forest)
    by_key: dict[_Key, _Found] = defaultdict(_Found)
    # Failures are few.
    for failure in found:
        entry = operation(forest, int(entries[failure.trace]))
        signature = failure.signature
        service, span_name = operation(forest, failure.origin)
        short = signature._replace(
            service=service,
            span_name=span_name,
            error=cut(signature.error, TEXT_CHARACTERS),
        )
        is_cause = failure.top == entries[failure.trace] and failed[failure.top]
        _add(by_key[entry, short], forest, failure, is_cause=bool(is_cause))
    most = sorted(by_key.items(), key=lambda item: (-len(item[1].is_cause), item[0]))
    told = [
        measured
        for key, each in most[:MOST_CAUSES]
        for measured in _of_cause(forest, key, each, entries, failed[entries])
    ]
    return told + left_out(CAUSE, len(most) - MOST_CAUSES)


def _add(found: _Found, forest: Forest, failure: Failure, *, is_cause: bool) -> None:
    trace = failure.trace
    found.is_cause[trace] = found.is_cause.get(trace, False) or is_cause
    if found.first is None and is_cause:
        found.first = failure
    for mark in _marks(forest, failure):
        if mark in found.marks or len(found.marks) < MOST_REACHED:
            found.marks.setdefault(mark, set()).add(trace)


def _marks(forest: Forest, failure: Failure) -> list[Fields]:
    told = {
        HANDLED: failure.ending == Ending.HANDLED,
        APART: failure.ending == Ending.APART,
        RETRIED: failure.retry is not None,
        TIMED_OUT: failure.timed_out,
    }
    origin = failure.signature.service
    services = {forest.services[int(forest.service[row])] for row in failure.chain}
    marks: list[Fields] = [(name,) for name, holds in told.items() if holds]
    return [*marks, *((REACHED, name) for name in sorted(services - {origin}))]


def _of_cause(
    forest: Forest, key: _Key, found: _Found, entries: IntArray, failed: BoolArray
) -> list[Measured]:
    (entry, signature), weight = key, forest.weight[entries]
    fields = (*entry, *signature[:4], int(signature.templated))
    traces = np.array(sorted(found.is_cause), np.int64)
    caused = np.array([t for t in traces.tolist() if found.is_cause[t]], np.int64)
    rows = entries[caused]
    times = histogram_of((forest.end - forest.start)[rows], weight[caused])
    in_failed = float(weight[traces][failed[traces]].sum())
    in_well = float(weight[traces].sum()) - in_failed
    count = float(weight[caused].sum())
    details = _details(forest, rows, found.first)
    counts: dict[Fields, float] = {(IN_WELL,): in_well} if in_well else {}
    for mark, marked in found.marks.items():
        counts[mark] = float(weight[sorted(marked)].sum())
    return [
        Measured(CAUSE, fields, (), count, in_failed, times, details),
        *(
            Measured(CAUSE_COUNT, (*fields, *mark), (), value, 0.0)
            for mark, value in counts.items()
        ),
    ]


def _details(forest: Forest, rows: IntArray, first: Failure | None) -> dict[str, Any]:
    if first is None:
        return {}
    starts = forest.start_time_unix_nano[rows]
    ids = forest.spans["trace_id"]
    traces = [
        [int(start), ids[int(row)].as_py().hex()]
        for start, row in sorted(zip(starts.tolist(), rows.tolist(), strict=True))
    ]
    return {
        "traces": traces[:EXEMPLARS],
        "responsible": cut(first.blame.responsible, TEXT_CHARACTERS),
        "reason": cut(first.blame.reason, TEXT_CHARACTERS),
    }
