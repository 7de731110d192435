"""Repeated calls over many traces: one finding for all that are alike."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from analysis.entries import Entry, entry_rows, operation
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from analysis.repeats import Repeat, RepeatKind
from analysis.wording import count, duration, percent

EXEMPLARS: Final = 3
_Alike: TypeAlias = tuple[int, Entry, str, str, RepeatKind]


@dataclass(frozen=True, slots=True)
class Finding:
    """Calls of one kind that repeat under one operation, in requests of one entry.

    `share` is that of the entry's requests, by weight. `correlation` is that of the
    number of calls with the duration of the request, None where either is always the
    same. Times are for one request, the median. Exemplars are trace ids in hexadecimal,
    those with most calls first.
    """

    entry: Entry
    holder: Entry
    what: str
    peer: str
    kind: RepeatKind
    share: float
    median_calls: float
    most_calls: int
    on_path_nano: float
    saving_nano: float
    correlation: float | None
    exemplars: tuple[str, ...]


def repeat_findings(forest: Forest, repeats: Sequence[Repeat]) -> list[Finding]:
    """Those that cost most over all requests first."""
    if not repeats:
        return []
    entries = entry_rows(forest)
    of_entry = groups(forest.service[entries], forest.name[entries])
    requests = np.bincount(of_entry.number, weights=forest.weight[entries])
    alike: dict[_Alike, list[Repeat]] = defaultdict(list)
    for each in repeats:
        holder = operation(forest, each.holder)
        entry = int(of_entry.number[each.trace])
        alike[entry, holder, each.what, each.peer, each.kind].append(each)
    found = []
    for (entry, *_), same in alike.items():
        traces = sorted({each.trace for each in same})
        weight = float(forest.weight[entries[traces]].sum())
        finding = _finding(forest, entries, same, weight / float(requests[entry]))
        found.append((-weight * finding.on_path_nano, finding))
    return [finding for _, finding in sorted(found, key=lambda pair: _rank(*pair))]


def _finding(
    forest: Forest, entries: IntArray, same: list[Repeat], share: float
) -> Finding:
    first = same[0]
    requests = entries[[each.trace for each in same]]
    calls = np.array([each.count for each in same])
    most = sorted(same, key=lambda each: (-each.count, each.trace))
    return Finding(
        entry=operation(forest, int(requests[0])),
        holder=operation(forest, first.holder),
        what=first.what,
        peer=first.peer,
        kind=first.kind,
        share=share,
        median_calls=float(np.median(calls)),
        most_calls=int(calls.max()),
        on_path_nano=float(np.median([each.on_path_nano for each in same])),
        saving_nano=float(np.median([each.saving_nano for each in same])),
        correlation=_correlation(calls, (forest.end - forest.start)[requests]),
        exemplars=_trace_ids(forest, most),
    )


def _rank(cost: float, finding: Finding) -> tuple[object, ...]:
    return cost, finding.entry, finding.holder, finding.what, finding.kind


def _correlation(calls: IntArray, length: IntArray) -> float | None:
    if len(np.unique(calls)) < 2 or len(np.unique(length)) < 2:
        return None
    return float(np.corrcoef(calls, length)[0, 1])


def _trace_ids(forest: Forest, repeats: Sequence[Repeat]) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(each.trace for each in repeats))[:EXEMPLARS]
    first = {each.trace: each.rows[0] for each in repeats}
    return tuple(
        forest.spans["trace_id"][first[trace]].as_py().hex() for trace in distinct
    )


def sentence(finding: Finding) -> str:
    """For people; names are as spans sent them."""
    calls = f"{finding.what} is called {finding.median_calls:g} times"
    if finding.kind == RepeatKind.CHATTY:
        calls = f"{finding.what} {count(round(finding.median_calls), 'time')}"
    holder = f"{finding.holder.service}: {finding.holder.span_name}"
    return (
        f"{finding.kind}: {calls} (at most {finding.most_calls}) under {holder} in"
        f" {percent(finding.share)} of the requests; one call could save"
        f" {duration(finding.saving_nano)}"
    )
