"""How many requests of each entry operation there were, and how they were judged."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from analysis.entries import entry_rows, operation
from analysis.faults import failed_spans
from analysis.forest import Forest
from analysis.grouping import Groups, group_histograms, groups, sums
from analysis.histogram import IntArray
from analysis.measured import REQUEST, VERDICT, Measured
from analysis.verdict import Verdict, Verdicts
from analysis.wording import cut

SENTENCE_CHARACTERS: Final = 300
_CLASSES: Final = tuple(Verdict)


def request_measures(forest: Forest) -> Iterator[Measured]:
    """By entry operation: requests, those that failed, and how long they took."""
    entries = entry_rows(forest)
    alike = groups(forest.service[entries], forest.name[entries])
    weight = forest.weight[entries]
    count = sums(alike.number, weight, len(alike)).tolist()
    failed = weight * failed_spans(forest)[entries]
    failures = sums(alike.number, failed, len(alike)).tolist()
    times = group_histograms(alike, _length(forest, entries), weight)
    # A step of plain Python for each operation.
    for at, row in enumerate(entries[alike.first].tolist()):
        fields = operation(forest, row)
        yield Measured(REQUEST, tuple(fields), (), count[at], failures[at], times[at])


def verdict_measures(verdicts: Verdicts, told: Forest) -> Iterator[Measured]:
    """By entry operation, as `told` names it, and verdict; details tell of the slowest
    request and of the median one, each as [trace id, sentence]."""
    forest, entries = told, verdicts.request
    judged = np.where(verdicts.is_bottleneck, 1, 0)
    judged[list(verdicts.failure)] = 2
    alike = groups(forest.service[entries], forest.name[entries], judged)
    length, weight = _length(forest, entries), forest.weight[entries]
    count = sums(alike.number, weight, len(alike)).tolist()
    times = group_histograms(alike, length, weight)
    median, slowest = _exemplars(alike, length)
    for at, first in enumerate(alike.first.tolist()):
        entry = operation(forest, int(entries[first]))
        details = {
            "slowest": _told(verdicts, int(slowest[at])),
            "median": _told(verdicts, int(median[at])),
        }
        fields = (*entry, str(_CLASSES[judged[first]]))
        yield Measured(VERDICT, fields, (), count[at], 0.0, times[at], details)


def _length(forest: Forest, rows: IntArray) -> IntArray:
    return (forest.end - forest.start)[rows]


def _exemplars(alike: Groups, length: IntArray) -> tuple[IntArray, IntArray]:
    """By group a trace in the middle, and the slowest."""
    order = np.lexsort((-np.arange(len(length)), length, alike.number))
    ends = np.cumsum(np.bincount(alike.number, minlength=len(alike)))
    begins = np.concatenate(([0], ends[:-1])).astype(np.int64)
    return order[(begins + ends - 1) // 2], order[ends - 1]


def _told(verdicts: Verdicts, trace: int) -> list[str]:
    row = int(verdicts.request[trace])
    trace_id = verdicts.forest.spans["trace_id"][row].as_py().hex()
    return [trace_id, cut(verdicts.sentence(trace), SENTENCE_CHARACTERS)]
