"""The fallback of clock correction: one call at a time.

For hosts whose calls contradict each other: a server that lies outside its client is
centred in it; one that is longer only may not start before its client.
"""

import numpy as np

from traces.adjust.hosts import Hosts
from traces.trace import Trace
from traces.tree import NO_PARENT, IntArray


def correct_calls(
    trace: Trace,
    hosts: Hosts,
    calls: IntArray,
    shift: IntArray,
    pairs: frozenset[tuple[int, int]],
) -> IntArray:
    """What to add per row, on top of `shift`, for calls between these pairs of hosts."""
    extra = [0] * len(trace)
    if not pairs:
        return np.array(extra, np.int64)
    start = (trace.columns.start + shift).tolist()
    end = (trace.columns.end + shift).tolist()
    parents, host = trace.tree.parent.tolist(), hosts.of.tolist()
    corrected = {
        row for row in calls.tolist() if _pair(host, row, parents[row]) in pairs
    }
    # From parent to child, in plain Python: each row needs its parent's answer.
    for row in trace.tree.order.tolist():
        parent = parents[row]
        if parent == NO_PARENT:
            continue
        if row in corrected:
            moved = (start[parent] + extra[parent], end[parent] + extra[parent])
            extra[row] = _into(moved, start[row], end[row])
        elif host[row] == host[parent]:
            extra[row] = extra[parent]
    return np.array(extra, np.int64)


def _pair(host: list[int], row: int, parent: int) -> tuple[int, int]:
    return min(host[row], host[parent]), max(host[row], host[parent])


def _into(client: tuple[int, int], start: int, end: int) -> int:
    first, last = client
    if end - start > last - first:
        return max(first - start, 0)
    if first <= start and end <= last:
        return 0
    return first + (last - first - (end - start)) // 2 - start
