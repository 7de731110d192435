"""Children that follow each other, but for the jitter of timers.

Where a span begins just before the one that it waited for has ended, the exact rule of
the critical path sees two that ran at the same time, and blames the first's time on their
parent. The rule for which overlaps are jitter is that of CRISP (`happensBefore`).
"""

import numpy as np

from analysis.histogram import IntArray
from traces.tree import BoolArray


def end_in_turn(
    rows: IntArray, parent: IntArray, start: IntArray, end: IntArray, part: float
) -> None:
    """Of these rows, whole families of children, one ends where the next begins if both
    overlap by no more than this part of their parent's time, the next ends later, and no
    third one starts or ends in the overlap or at its borders."""
    count = len(rows)
    if not count:
        return
    is_end = np.arange(2 * count) >= count
    who = np.concatenate((rows, rows))
    at = np.concatenate((start[rows], end[rows]))
    order = np.lexsort((at, parent[who]))
    who, at, is_end = who[order], at[order], is_end[order]
    above = parent[who]
    # An overlap without a third one is a start and an end next to each other.
    begins = np.flatnonzero(~is_end[:-1] & is_end[1:] & (who[:-1] != who[1:]))
    begins = begins[above[begins] == above[begins + 1]]
    if not len(begins):
        return
    overlap = at[begins + 1] - at[begins]
    length = (end - start)[above[begins]]
    short = (overlap > 0) & (overlap <= part * length)
    begins = begins[short]
    begins = begins[_apart(at, above, begins - 1) & _apart(at, above, begins + 1)]
    end[who[begins + 1]] = at[begins]


def _apart(at: IntArray, above: IntArray, first: IntArray) -> BoolArray:
    """Whether the event at `first` and the one after it are at two times, or of two
    families; also where either is not there."""
    last = len(at) - 1
    outside = (first < 0) | (first >= last)
    one, other = np.clip(first, 0, last), np.clip(first + 1, 0, last)
    found: BoolArray = outside | (at[one] != at[other]) | (above[one] != above[other])
    return found
