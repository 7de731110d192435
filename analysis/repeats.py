"""Calls that repeat within a request: N+1 queries, the same asked again, chatter.

What repeats, and what it costs, is found by columns; what kind of repeat it is, is told
of those few that cost enough.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analysis.callees import callees
from analysis.clusters import Clusters, alike_below_one_span
from analysis.critical_path import CriticalPath
from analysis.entries import Entry, entry_rows, operation
from analysis.faults import failed_spans
from analysis.fingerprints import Fingerprints
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from traces.tree import NO_PARENT, BoolArray


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is worth telling. Shares are of the request's duration."""

    least_calls: int = 5
    serial_overlap: float = 0.1
    parallel_overlap: float = 0.5
    least_share: float = 0.05
    least_nano: int = 20_000_000
    chatty_calls: int = 20
    chatty_share: float = 0.2
    chatty_fingerprints: int = 3
    polling_unevenness: float = 0.1
    # The dearest of a forest: more than anybody reads.
    most_told: int = 2_000
    # Polling waits between calls: they run for at most this share of the time.
    polling_busy: float = 0.5


DEFAULTS = Thresholds()


class RepeatKind(StrEnum):
    N_PLUS_ONE = "N+1"
    IDENTICAL = "identical repeat"
    CHATTY = "chatty"
    FAN_OUT = "fan-out"
    RETRY = "retry loop"
    POLLING = "polling"
    REPEATED = "repeated"
    """Nothing tells more of it."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """`holder` and `rows` are rows of the forest. `source` is the call before whose
    result the repeats may have been made for, -1 if there is none. `saving_nano` is what
    one call instead of all would save, of what the request waited for."""

    kind: RepeatKind
    trace: int
    holder: int
    rows: tuple[int, ...]
    what: str
    peer: str
    wrapped: bool
    on_path_nano: int
    saving_nano: int
    source: int = NO_PARENT

    @property
    def count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Context:
    forest: Forest
    prints: Fingerprints
    thresholds: Thresholds
    failed: BoolArray
    callee: IntArray
    peers: tuple[str, ...]
    request_nano: IntArray

    def peer(self, row: int) -> str:
        code = int(self.callee[row])
        return self.peers[code] if code >= 0 else ""


def repeats(
    forest: Forest,
    path: CriticalPath,
    prints: Fingerprints,
    thresholds: Thresholds = DEFAULTS,
) -> list[Repeat]:
    """Of every request, those that cost most first."""
    if not len(forest):
        return []
    entries = entry_rows(forest)
    callee, peers = callees(forest)
    length = (forest.end - forest.start)[entries]
    context = _Context(
        forest, prints, thresholds, failed_spans(forest), callee, peers, length
    )
    clusters = alike_below_one_span(forest, path, prints.of, thresholds.least_calls)
    found = _by_varying_size(context, _told(context, clusters))
    found += _chatty(context, path)
    return sorted(found, key=lambda each: (-each.on_path_nano, each.rows))


def _told(context: _Context, clusters: Clusters) -> list[Repeat]:
    trace = context.forest.trace[clusters.holder]
    cost = clusters.on_path_nano
    dear = cost >= context.thresholds.least_nano
    dear |= cost >= context.thresholds.least_share * context.request_nano[trace]
    worth = np.flatnonzero(dear & (cost > 0))
    dearest = np.argsort(-cost[worth], kind="stable")
    worth = worth[dearest[: context.thresholds.most_told]]
    siblings = _siblings(context.forest, clusters.holder[worth])
    found = [_repeat(context, clusters, at, siblings) for at in worth.tolist()]
    return _without_wrappers(context.forest, found)


def _without_wrappers(forest: Forest, found: list[Repeat]) -> list[Repeat]:
    """Wrappers that repeat only because what is in them does are not told of."""
    wrappers = {
        int(forest.parent[row]) for each in found if each.wrapped for row in each.rows
    }
    return [
        each for each in found if each.wrapped or not wrappers.issuperset(each.rows)
    ]


def _siblings(forest: Forest, holders: IntArray) -> dict[int, IntArray]:
    """By holder the rows of its children."""
    wanted = np.zeros(len(forest) + 1, bool)
    wanted[holders] = True
    rows = np.flatnonzero(wanted[forest.parent])
    rows = rows[np.argsort(forest.parent[rows], kind="stable")]
    begins = np.flatnonzero(np.diff(forest.parent[rows])) + 1
    families = [each for each in np.split(rows, begins) if len(each)]
    return {int(forest.parent[each[0]]): each for each in families}


def _repeat(
    context: _Context, clusters: Clusters, at: int, siblings: dict[int, IntArray]
) -> Repeat:
    rows = clusters.rows[clusters.begin[at] : clusters.begin[at + 1]]
    holder, first = int(clusters.holder[at]), int(rows[0])
    cost = int(clusters.on_path_nano[at])
    source = _source(context, rows, siblings.get(holder, rows))
    return Repeat(
        kind=_kind(context, clusters, at, rows, source),
        trace=int(context.forest.trace[first]),
        holder=holder,
        rows=tuple(rows.tolist()),
        what=context.prints.texts[int(context.prints.of[first])],
        peer=context.peer(first),
        wrapped=bool(clusters.wrapped[at]),
        on_path_nano=cost,
        saving_nano=cost - cost // len(rows),
        source=source,
    )


def _source(context: _Context, rows: IntArray, siblings: IntArray) -> int:
    """The last call of another fingerprint to the same peer that ended before."""
    first = int(rows[0])
    forest, of = context.forest, context.prints.of
    if context.callee[first] < 0:
        return NO_PARENT
    before = (
        (context.callee[siblings] == context.callee[first])
        & (of[siblings] != of[first])
        & (forest.end[siblings] <= forest.start[first])
    )
    found = siblings[before]
    return int(found[np.argmax(forest.end[found])]) if len(found) else NO_PARENT


def _kind(
    context: _Context, clusters: Clusters, at: int, rows: IntArray, source: int
) -> RepeatKind:
    overlap = clusters.overlap[at]
    failed = context.failed[rows]
    if overlap > context.thresholds.parallel_overlap:
        return RepeatKind.FAN_OUT
    if overlap < context.thresholds.serial_overlap and failed[:-1].all():
        return RepeatKind.RETRY
    asked = context.prints.parameters[rows]
    if (asked >= 0).all() and (asked == asked[0]).all():
        polls = _is_polling(context, clusters, at)
        return RepeatKind.POLLING if polls else RepeatKind.IDENTICAL
    if overlap >= context.thresholds.serial_overlap:
        return RepeatKind.REPEATED
    if source != NO_PARENT or len(np.unique(asked[asked >= 0])) > 1:
        return RepeatKind.N_PLUS_ONE
    polls = _is_polling(context, clusters, at)
    return RepeatKind.POLLING if polls else RepeatKind.REPEATED


def _is_polling(context: _Context, clusters: Clusters, at: int) -> bool:
    """The same time from one start to the next, most of it spent waiting."""
    even = clusters.unevenness[at] <= context.thresholds.polling_unevenness
    length = int(clusters.end[at] - clusters.start[at])
    busy = int(clusters.union_nano[at]) / max(length, 1)
    return bool(even and busy <= context.thresholds.polling_busy)


def _by_varying_size(context: _Context, found: list[Repeat]) -> list[Repeat]:
    """Serial calls whose number differs between requests follow the size of a result,
    whether or not the call for that result is in sight."""
    sizes: dict[tuple[Entry, str], set[int]] = defaultdict(set)
    for each in found:
        sizes[operation(context.forest, each.holder), each.what].add(each.count)
    return [
        replace(each, kind=RepeatKind.N_PLUS_ONE)
        if each.kind == RepeatKind.REPEATED
        and len(sizes[operation(context.forest, each.holder), each.what]) > 1
        else each
        for each in found
    ]


def _chatty(context: _Context, path: CriticalPath) -> list[Repeat]:
    """Many calls of several kinds from one service to one peer."""
    forest, thresholds = context.forest, context.thresholds
    rows = np.flatnonzero(context.callee >= 0)
    rows = rows[path.on[rows]]
    alike = groups(forest.trace[rows], forest.service[rows], context.callee[rows])
    size = np.bincount(alike.number, minlength=len(alike))
    length = (path.end - path.start)[rows].astype(np.float64)
    cost = np.bincount(alike.number, weights=length, minlength=len(alike))
    request = context.request_nano[forest.trace[rows[alike.first]]]
    many = size >= thresholds.chatty_calls
    many &= cost >= np.maximum(thresholds.chatty_share * request, 1)
    chosen = np.flatnonzero(many[alike.number])
    order = chosen[np.argsort(alike.number[chosen], kind="stable")]
    begins = np.flatnonzero(np.diff(alike.number[order])) + 1
    return [
        _chat(context, path, each)
        for each in np.split(rows[order], begins)
        if len(np.unique(context.prints.of[each])) >= thresholds.chatty_fingerprints
    ]


def _chat(context: _Context, path: CriticalPath, rows: IntArray) -> Repeat:
    forest, first = context.forest, int(rows[0])
    cost = int((path.end - path.start)[rows].sum())
    peer = context.peer(first)
    return Repeat(
        kind=RepeatKind.CHATTY,
        trace=int(forest.trace[first]),
        holder=int(entry_of(forest, first)),
        rows=tuple(rows.tolist()),
        what=f"{forest.services[int(forest.service[first])]} calls {peer}",
        peer=peer,
        wrapped=False,
        on_path_nano=cost,
        saving_nano=cost - cost // len(rows),
    )


def entry_of(forest: Forest, row: int) -> int:
    while forest.parent[row] != NO_PARENT:
        row = int(forest.parent[row])
    return row
