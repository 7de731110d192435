"""The worst offenders of a minute as measures."""

from collections.abc import Iterator
from typing import Any, Final

from analysis.critical_path import CriticalPath
from analysis.forest import Forest
from analysis.histogram import merge
from analysis.limits import OTHER_NAMES, OTHER_SERVICES
from analysis.measured import OFFENDER, OFFENDER_EXCESS, Measured, left_out
from analysis.offenders import (
    Exemplar,
    Place,
    merge_sums,
    offender_sums,
    on_path_times,
    worst_offenders,
)
from analysis.usual import Usual

MOST_OFFENDERS: Final = 1_000
OTHERS: Final = Place(OTHER_SERVICES, OTHER_NAMES)


def offender_measures(
    forest: Forest, path: CriticalPath, usual: Usual
) -> Iterator[Measured]:
    """By place: a histogram of what its spans own of critical paths, whose sum adds up
    to the durations of the requests; and of those with a usual p95, the nanoseconds
    beyond it as a count. Places beyond the worst are one, so that the sum holds."""
    every, times = offender_sums(forest, path, usual), on_path_times(forest, path)
    yield from left_out(OFFENDER, len(every) - MOST_OFFENDERS)
    kept = {each.place for each in worst_offenders(every, MOST_OFFENDERS)}
    sums = merge_sums({p if p in kept else OTHERS: each} for p, each in every.items())
    rest = [each for place, each in times.items() if place not in kept]
    times[OTHERS] = merge([*rest, times[OTHERS]] if OTHERS in kept else rest)
    for offender in worst_offenders(sums, len(sums)):
        place, owned = offender.place, offender.owned
        details = {"longest": _told(owned.longest), "median": _told(owned.median)}
        fields = tuple(place)
        yield Measured(OFFENDER, fields, (), owned.hits, 0.0, times[place], details)
        if owned.excess_nano is not None:
            yield Measured(OFFENDER_EXCESS, fields, (), owned.excess_nano, 0.0)


def _told(exemplar: Exemplar) -> list[Any]:
    return [exemplar.own_nano, exemplar.trace_id, exemplar.span_id]
