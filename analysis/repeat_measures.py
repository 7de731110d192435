"""Calls that repeat within requests as measures, one for all that are alike."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from analysis.entries import Entry, entry_rows, operation
from analysis.forest import Forest
from analysis.histogram import Histogram, IntArray, histogram_of
from analysis.measured import (
    REPEAT,
    REPEAT_CALLS,
    REPEAT_SAVING,
    Fields,
    Measured,
    left_out,
)
from analysis.repeats import Repeat, RepeatKind
from analysis.wording import cut

MOST_KINDS: Final = 300
TEXT_CHARACTERS: Final = 300
EXEMPLARS: Final = 3
_Alike: TypeAlias = tuple[Entry, Entry, str, str, RepeatKind]


def repeat_measures(forest: Forest, found: Sequence[Repeat]) -> Iterator[Measured]:
    """By entry, holder, what is called, peer and kind, those first that cost most: the
    requests with what one waited for the calls; the same with how many calls instead of
    nanoseconds; and what one call instead would save, in nanoseconds, as a count."""
    entries = entry_rows(forest)
    alike: dict[_Alike, list[Repeat]] = defaultdict(list)
    # `repeats` tells of few.
    for each in found:
        entry = operation(forest, int(entries[each.trace]))
        holder = operation(forest, each.holder)
        what, peer = cut(each.what, TEXT_CHARACTERS), cut(each.peer, TEXT_CHARACTERS)
        alike[entry, holder, what, peer, each.kind].append(each)
    dearest = sorted(alike.items(), key=lambda item: (-_cost(item[1]), item[0]))
    yield from left_out(REPEAT, len(dearest) - MOST_KINDS)
    for (entry, holder, what, peer, kind), same in dearest[:MOST_KINDS]:
        fields = (*entry, *holder, what, peer, str(kind))
        yield from _of_repeat(forest, entries, fields, same)


def _cost(same: Sequence[Repeat]) -> int:
    return sum(each.on_path_nano for each in same)


def _of_repeat(
    forest: Forest, entries: IntArray, fields: Fields, same: Sequence[Repeat]
) -> Iterator[Measured]:
    # A request that repeats under two holders alike counts once, with both together.
    traces, number = np.unique([each.trace for each in same], return_inverse=True)
    weight = forest.weight[entries[traces]]

    def times(values: list[int]) -> Histogram:
        together = np.bincount(number, weights=values, minlength=len(traces))
        return histogram_of(together.astype(np.int64), weight)

    costs = times([each.on_path_nano for each in same])
    calls = times([each.count for each in same])
    saving = times([each.saving_nano for each in same]).sum_nano
    most = sorted(same, key=lambda each: (-each.count, each.trace))
    ids = dict.fromkeys(_trace_id(forest, each) for each in most)
    details = {"traces": list(ids)[:EXEMPLARS]}
    yield Measured(REPEAT, fields, (), costs.count, 0.0, costs, details)
    yield Measured(REPEAT_CALLS, fields, (), calls.count, 0.0, calls)
    yield Measured(REPEAT_SAVING, fields, (), saving, 0.0)


def _trace_id(forest: Forest, repeat: Repeat) -> str:
    return str(forest.spans["trace_id"][repeat.rows[0]].as_py().hex())
