"""Clock correction between the hosts of one trace.

A server runs inside its client's call, so each CLIENT -> SERVER pair on two hosts
bounds the offset between their clocks: [client start - server start, client end -
server end]. Per pair of hosts these intervals are intersected. When 0 is outside, the
offset is the point of the intersection nearest to the median of the middles. When
nothing is left, each call is corrected by itself (`clock_skew_calls`).
"""

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import chain

import numpy as np

from traces.adjust.clock_skew_calls import correct_calls
from traces.adjust.hosts import Hosts, read_hosts
from traces.defects import Defect, DefectKind, defect, spans
from traces.spans import SpanKind
from traces.trace import Trace
from traces.tree import IntArray

# More resources than this in one trace are not hosts; leave the times as sent.
MAX_HOSTS = 1_000


@dataclass(frozen=True, slots=True)
class Offsets:
    """Nanoseconds to add per host, and the host pairs whose calls contradict."""

    by_host: IntArray
    reference: dict[int, int]
    contradicting: frozenset[tuple[int, int]]


def correct_clock_skew(trace: Trace) -> Trace:
    """The trace with the clocks of its hosts set by that of the root's host."""
    calls = _calls(trace)
    if len(calls) == 0:
        return trace
    hosts = read_hosts(trace, MAX_HOSTS)
    if hosts is None:
        return trace
    calls = calls[hosts.of[calls] != hosts.of[trace.tree.parent[calls]]]
    offsets = _offsets(trace, hosts, calls)
    shift = offsets.by_host[hosts.of]
    single = correct_calls(trace, hosts, calls, shift, offsets.contradicting)
    if not (shift.any() or single.any()):
        return trace
    notes = (*_host_notes(trace, hosts, offsets), *_call_notes(single))
    return trace.shifted(shift + single, *notes)


def _calls(trace: Trace) -> IntArray:
    """Rows of SERVER spans whose parent is a CLIENT span."""
    kind, parent = trace.columns.kind, trace.tree.parent
    servers = np.flatnonzero((kind == SpanKind.SERVER) & (parent >= 0))
    called: IntArray = servers[kind[parent[servers]] == SpanKind.CLIENT]
    return called


def _offsets(trace: Trace, hosts: Hosts, calls: IntArray) -> Offsets:
    """Chain the offsets along the calls, from the root's host on."""
    between, contradicting = _between(trace, hosts, calls)
    neighbours: dict[int, list[int]] = defaultdict(list)
    for first, second in between:
        neighbours[first].append(second)
        neighbours[second].append(first)
    by_host, reference = np.zeros(len(hosts.names), np.int64), {}
    seen: set[int] = set()
    for start in (int(hosts.of[trace.root]), *_from_top(trace, hosts)):
        queue = deque([] if start in seen else [start])
        seen.add(start)
        while queue:
            host = queue.popleft()
            for other in neighbours[host]:
                if other in seen:
                    continue
                seen.add(other)
                queue.append(other)
                reference[other] = host
                by_host[other] = by_host[host] + _directed(between, host, other)
    return Offsets(by_host, reference, contradicting)


def _from_top(trace: Trace, hosts: Hosts) -> list[int]:
    """Hosts in the order in which the tree first meets them."""
    met, first = np.unique(hosts.of[trace.tree.order], return_index=True)
    ordered: list[int] = met[np.argsort(first)].tolist()
    return ordered


def _directed(between: dict[tuple[int, int], int], host: int, other: int) -> int:
    if host < other:
        return between[host, other]
    return -between[other, host]


def _between(
    trace: Trace, hosts: Hosts, calls: IntArray
) -> tuple[dict[tuple[int, int], int], frozenset[tuple[int, int]]]:
    """Per pair of hosts (lower number first) what to add to the second's clock."""
    intervals = _intervals(trace, hosts, calls)
    found, contradicting = {}, set()
    for pair, bounds in intervals.items():
        # A server longer than its client (a timeout) bounds nothing.
        usable = [(low, high) for low, high in bounds if low <= high]
        low = max((low for low, _ in usable), default=1)
        high = min((high for _, high in usable), default=0)
        if low > high:
            contradicting.add(pair)
        found[pair] = _nearest_to_median(usable, low, high)
    return found, frozenset(contradicting)


def _nearest_to_median(bounds: list[tuple[int, int]], low: int, high: int) -> int:
    if low > high or low <= 0 <= high:
        return 0
    # Sums, which are twice the middles: which of the two hosts is the first depends on
    # which came first, so that the other way round must give the same with another sign.
    sums = sorted(first + last for first, last in bounds)
    four_times = sums[(len(sums) - 1) // 2] + sums[len(sums) // 2]
    median = four_times // 4 if four_times >= 0 else -(-four_times // 4)
    return min(max(median, low), high)


def _intervals(
    trace: Trace, hosts: Hosts, calls: IntArray
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    columns, client = trace.columns, trace.tree.parent[calls]
    low = columns.start[client] - columns.start[calls]
    high = columns.end[client] - columns.end[calls]
    rows = zip(hosts.of[client], hosts.of[calls], low, high, strict=True)
    found: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for a, b, least, most in (map(int, row) for row in rows):
        if a < b:
            found[a, b].append((least, most))
        else:
            found[b, a].append((-most, -least))
    return found


def _host_notes(trace: Trace, hosts: Hosts, offsets: Offsets) -> list[Defect]:
    notes = []
    for host in np.flatnonzero(offsets.by_host).tolist():
        other = offsets.reference[host]
        nano = int(offsets.by_host[host] - offsets.by_host[other])
        if nano == 0:
            continue
        text = _host_sentence(hosts.names[host], hosts.names[other], nano)
        if abs(nano) > trace.columns.end[trace.root] - trace.columns.start[trace.root]:
            text += " That is more than the root span lasts."
        rows = np.flatnonzero(hosts.of == host)
        notes.append(defect(DefectKind.CLOCK_SKEW, text, rows))
    return notes


def _host_sentence(host: str, other: str, nano: int) -> str:
    side = "behind" if nano > 0 else "ahead of"
    return (
        f"The clock of {host} is {abs(nano) / 1e6:,.3g} ms {side} that of {other}:"
        " its spans are moved."
    )


def _call_notes(single: IntArray) -> list[Defect]:
    rows = np.flatnonzero(single)
    if len(rows) == 0:
        return []
    text = spans(len(rows), "lies", "lie")
    text += " outside the calls they serve, by clocks that disagree: moved one by one."
    return [defect(DefectKind.CLOCK_SKEW, text, chain(rows.tolist()))]
