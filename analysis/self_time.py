"""Where a span's time went when nothing below it ran: in its own code, or on the way."""

from dataclasses import dataclass

import numpy as np

from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.spans import SpanKind
from traces.tree import NO_PARENT, self_times


def own_times(forest: Forest) -> IntArray:
    """By row, in nanoseconds: its duration without that of the union of its children."""
    return self_times(forest.parent, forest.start, forest.end)


@dataclass(frozen=True, slots=True)
class Gaps:
    """`server` is by row of a CLIENT span the row of its one SERVER span in another
    service, -1 for all else. The own time of such a client is its gap: network, queues
    and balancers, and it belongs to the edge between the two services."""

    server: IntArray

    @property
    def clients(self) -> IntArray:
        return np.flatnonzero(self.server >= 0)


def gaps(forest: Forest) -> Gaps:
    rows = np.flatnonzero((forest.kind == SpanKind.SERVER) & (forest.parent >= 0))
    above = forest.parent[rows]
    called = (forest.kind[above] == SpanKind.CLIENT) & (
        forest.service[above] != forest.service[rows]
    )
    rows, above = rows[called], above[called]
    count = np.bincount(above, minlength=len(forest))
    server = np.full(len(forest), NO_PARENT, np.int64)
    server[above] = rows
    return Gaps(np.where(count == 1, server, NO_PARENT))
