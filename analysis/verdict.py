"""One verdict a request: normal, held up by a bottleneck, or lost to a failure.

A span is late when it took much longer than spans of its operation usually do. The usual
p95 says so; but where slow requests are frequent they move the p95, so that a span that is
slow by the threshold and by many times the median is late too. Of what is not known, the
threshold alone decides. A bottleneck is a late span whose own time, of that which the
request waited for, is a good part of a late request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.critical_path import CriticalPath
from analysis.entries import entry_rows
from analysis.failure_sentence import label
from analysis.failure_sentence import sentence as failure_sentence
from analysis.failures import Ending, Failure
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import FloatArray, IntArray
from analysis.self_time import gaps
from analysis.usual import NOTHING_USUAL, Usual, UsualColumns, usual_of_spans
from analysis.wording import count, duration
from traces.tree import NO_PARENT, BoolArray


class Verdict(StrEnum):
    NORMAL = "normal"
    BOTTLENECK = "bottleneck"
    CASCADE_FAILURE = "cascade_failure"


@dataclass(frozen=True, slots=True)
class Thresholds:
    slow_span_nano: int = 1_000_000_000
    times_p95: float = 2.0
    times_median: float = 3.0
    # What a bottleneck takes beyond the usual: of the request, and at least.
    least_share: float = 0.3
    least_excess_nano: int = 20_000_000
    # Of the request, what many spans of one operation take together.
    least_share_together: float = 0.5


DEFAULTS = Thresholds()
# A p95 closer to the span than this tells nothing without the median: slow requests that
# are frequent, or that are part of the usual themselves, are what the p95 is made of.
_TELLING_TIMES = 1.2


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Arrays by trace, but for `usual`, by row; times in nanoseconds.

    `culprit` is a row: the bottleneck, or the origin of the failure; -1 in normal
    requests. `own_nano` is what the request waited for it alone, or for `together`
    spans of its operation; `excess_nano` is that beyond the usual median.
    """

    forest: Forest
    request: IntArray
    is_bottleneck: BoolArray
    culprit: IntArray
    together: IntArray
    own_nano: IntArray
    excess_nano: FloatArray
    is_late: BoolArray
    is_gap: BoolArray
    usual: UsualColumns
    failure: dict[int, Failure]

    def __len__(self) -> int:
        return len(self.request)

    def verdict(self, trace: int) -> Verdict:
        if trace in self.failure:
            return Verdict.CASCADE_FAILURE
        return Verdict.BOTTLENECK if self.is_bottleneck[trace] else Verdict.NORMAL

    def told_of(self, trace: int) -> int | None:
        """The row whose usual the sentence tells; None where it tells of none."""
        if trace in self.failure or self.together[trace] > 1:
            return None
        rows = self.culprit if self.is_bottleneck[trace] else self.request
        return int(rows[trace])

    def sentence(self, trace: int) -> str:
        """Why, for people; names are as spans sent them. Made when it is asked for."""
        if trace in self.failure:
            return failure_sentence(self.forest, self.failure[trace])
        if self.is_bottleneck[trace]:
            return self._bottleneck(trace)
        return self._normal(trace)

    def request_nano(self, trace: int) -> int:
        row = self.request[trace]
        return int(self.forest.end[row] - self.forest.start[row])

    def _bottleneck(self, trace: int) -> str:
        row, calls = int(self.culprit[trace]), int(self.together[trace])
        own, whole = duration(self.own_nano[trace]), duration(self.request_nano(trace))
        name = label(self.forest, row)
        if self.is_gap[trace]:
            name = f"the way between {name} and its server"
        if calls > 1:
            spans = count(calls, "span")
            return (
                f"{spans} of {name} took {own} of {whole} together; each may be usual"
            )
        return f"{name} took {own} of {whole}; {self._usual(row)}"

    def _normal(self, trace: int) -> str:
        row = int(self.request[trace])
        whole = f"{label(self.forest, row)} took {duration(self.request_nano(trace))}"
        if self.is_late[trace]:
            return f"{whole}; {self._usual(row)}, but no one span accounts for it"
        return f"{whole} and did not fail; {self._usual(row)}"

    def _usual(self, row: int) -> str:
        p50, p95 = float(self.usual.p50[row]), float(self.usual.p95[row])
        if np.isnan(p50):
            return "its usual time is not known"
        length = int(self.forest.end[row] - self.forest.start[row])
        if length > _TELLING_TIMES * p95:
            return f"its usual p95 is {duration(p95)}"
        return f"its usual median is {duration(p50)} and its p95 {duration(p95)}"


def judge(
    forest: Forest,
    path: CriticalPath,
    failures: Sequence[Failure],
    usual: Usual = NOTHING_USUAL,
    thresholds: Thresholds = DEFAULTS,
) -> Verdicts:
    """Every trace of the forest; all but the failed are judged by columns."""
    columns = usual_of_spans(forest, usual)
    request = entry_rows(forest)
    late = _late(forest, columns, thresholds)
    whole = (forest.end - forest.start)[request]
    alone = _one_span(forest, _excess(forest, path, columns, late))
    # A request of which nothing is known is not held to be in time.
    may_be = late[request] | np.isnan(columns.p95[request])
    held_up = may_be & alone.takes(thresholds.least_share * whole, thresholds)
    many = _one_operation(forest, path)
    spread = late[request] & (many.members > 1)
    spread &= many.takes(thresholds.least_share_together * whole, thresholds)
    spread &= ~held_up | _is_more(forest, many, alone)
    held_up &= ~spread
    found = _failed(forest, failures, request)
    culprit = np.where(held_up, alone.row, np.where(spread, many.row, NO_PARENT))
    for trace, failure in found.items():
        culprit[trace] = failure.origin
    own = np.where(culprit >= 0, path.self_nano[culprit], 0)
    return Verdicts(
        forest=forest,
        request=request,
        is_bottleneck=held_up | spread,
        culprit=culprit,
        together=np.where(spread, many.members, 1),
        own_nano=np.where(spread, many.nano, own).astype(np.int64),
        excess_nano=np.where(spread, many.nano, alone.nano),
        is_late=late[request],
        is_gap=(culprit >= 0) & (gaps(forest).server[culprit] >= 0),
        usual=columns,
        failure=found,
    )


def in_question(
    forest: Forest, path: CriticalPath, thresholds: Thresholds = DEFAULTS
) -> IntArray:
    """The rows whose usual verdicts depend on: the requests, and of the spans that own
    enough to be a bottleneck those that own most first."""
    request = entry_rows(forest)
    whole = (forest.end - forest.start)[request]
    least = np.maximum(thresholds.least_share * whole, thresholds.least_excess_nano)
    owners = np.flatnonzero(path.self_nano >= least[forest.trace])
    order = np.argsort(-path.self_nano[owners], kind="stable")
    return np.concatenate((request, owners[order]))


class _Suspects(NamedTuple):
    """By trace: a row, for how many spans it stands, and what they take."""

    row: IntArray
    members: IntArray
    nano: FloatArray

    def takes(self, least: npt.NDArray[Any], thresholds: Thresholds) -> BoolArray:
        found: BoolArray = self.nano >= np.maximum(least, thresholds.least_excess_nano)
        return found


def _one_span(forest: Forest, excess: FloatArray) -> _Suspects:
    row = _greatest(forest, excess)
    return _Suspects(row, np.ones(len(row), np.int64), excess[row])


def _is_more(forest: Forest, many: _Suspects, alone: _Suspects) -> BoolArray:
    """Whether an operation owns more than a late span of another one."""
    other = np.zeros(len(many.row), bool)
    for column in (forest.service, forest.name, forest.kind):
        other |= column[many.row] != column[alone.row]
    return other & (many.nano > alone.nano)


def _one_operation(forest: Forest, path: CriticalPath) -> _Suspects:
    """The spans of one operation that together own most of the path."""
    on = path.on.astype(np.int64)
    alike = groups(forest.trace, forest.service, forest.name, forest.kind, on)
    own = path.self_nano.astype(np.float64)
    sums = np.bincount(alike.number, weights=own, minlength=len(alike)).astype(
        np.float64
    )
    most = alike.number[_greatest(forest, sums[alike.number])]
    members = np.bincount(alike.number, minlength=len(alike))
    return _Suspects(alike.first[most], members[most], sums[most])


def _late(forest: Forest, usual: UsualColumns, thresholds: Thresholds) -> BoolArray:
    length = (forest.end - forest.start).astype(np.float64)
    slow = length >= thresholds.slow_span_nano
    # Comparisons with what is not a number are false.
    beyond = length > thresholds.times_p95 * usual.p95
    many_times = slow & (length > thresholds.times_median * usual.p50)
    found: BoolArray = beyond | many_times | (slow & np.isnan(usual.p50))
    return found


def _excess(
    forest: Forest, path: CriticalPath, usual: UsualColumns, late: BoolArray
) -> FloatArray:
    """By row: its own time on the path, beyond what its spans usually take."""
    length = (forest.end - forest.start).astype(np.float64)
    beyond = np.minimum(path.self_nano, length - np.nan_to_num(usual.p50))
    return np.where(late, np.maximum(beyond, 0), 0)


def _greatest(forest: Forest, values: FloatArray) -> IntArray:
    """By trace the row with the greatest value, the first of equals."""
    begins = np.flatnonzero(np.diff(forest.trace, prepend=-1))
    if not len(begins):
        return begins
    most = np.maximum.reduceat(values, begins)
    at = np.flatnonzero(values == most[forest.trace])
    return at[np.searchsorted(forest.trace[at], np.arange(len(begins)))]


def _failed(
    forest: Forest, failures: Sequence[Failure], request: IntArray
) -> dict[int, Failure]:
    """By trace what its request failed by; else what another root failed by; else what
    failed apart from it. What was handled is no failure of the request."""
    found: dict[int, tuple[int, Failure]] = {}
    for failure in failures:
        if failure.ending not in (Ending.REACHED, Ending.APART):
            continue
        rank = 2 if failure.ending == Ending.APART else 1
        rank = 0 if failure.top == request[failure.trace] else rank
        if failure.trace not in found or rank < found[failure.trace][0]:
            found[failure.trace] = rank, failure
    return {trace: failure for trace, (_, failure) in found.items()}
