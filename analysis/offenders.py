"""What requests of a window waited for: the worst offenders by time on critical paths.

A span owns its own time on the path of its request. That of a client with its server is
the gap between the two and goes to the edge, not to the caller's code. All that is owned
adds up to the durations of the requests, so that shares add up to 1. Sums of parts of a
window merge by addition.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from analysis.critical_path import CriticalPath
from analysis.forest import Forest
from analysis.grouping import Groups, group_histograms, groups
from analysis.histogram import FloatArray, Histogram, IntArray, merge
from analysis.self_time import gaps
from analysis.usual import NOTHING_USUAL, Usual, usual_of_gaps, usual_of_spans
from analysis.wording import duration, percent

# What is beyond the usual p95 by less is noise.
NOISE_NANO: Final = 1_000_000
MOST: Final = 20


class Place(NamedTuple):
    """An operation; or where `callee` is given, the way from its calls to a service."""

    service: str
    span_name: str
    callee: str = ""


class Exemplar(NamedTuple):
    own_nano: int
    trace_id: str
    """In hexadecimal."""
    span_id: str


@dataclass(frozen=True, slots=True)
class Owned:
    """By weight: time on the path, spans on it, and time beyond the usual p95, which is
    None where no usual is known. `parts` are the spans of the largest part merged, that
    which the median is of."""

    on_path_nano: float
    hits: float
    excess_nano: float | None
    longest: Exemplar
    median: Exemplar
    parts: float

    def __add__(self, other: "Owned") -> "Owned":
        larger = max(self, other, key=lambda each: (each.parts, each.median))
        known = [e for e in (self.excess_nano, other.excess_nano) if e is not None]
        return Owned(
            self.on_path_nano + other.on_path_nano,
            self.hits + other.hits,
            sum(known) if known else None,
            max(self.longest, other.longest),
            larger.median,
            larger.parts,
        )


Sums: TypeAlias = Mapping[Place, Owned]


@dataclass(frozen=True, slots=True)
class Offender:
    place: Place
    owned: Owned
    share: float


def offender_sums(
    forest: Forest, path: CriticalPath, usual: Usual = NOTHING_USUAL
) -> Sums:
    """Of all requests of a forest; a step of Python for each place."""
    server = gaps(forest).server
    rows, places, callee = _places(forest, path, server)
    count, weight = len(places), forest.weight[rows]
    own = path.self_nano[rows]
    beyond = _beyond_usual(forest, path, usual, server)[rows]
    known = ~np.isnan(beyond)
    total, hits, excess, is_known = (
        np.bincount(places.number, weights=each, minlength=count).tolist()
        for each in (own * weight, weight, np.nan_to_num(beyond) * weight, known)
    )
    # By place from the shortest to the longest.
    order = rows[np.lexsort((-rows, own, places.number))]
    ends = np.cumsum(np.bincount(places.number, minlength=count))
    begins = np.concatenate(([0], ends[:-1])).astype(np.int64)
    longest, middle = order[ends - 1], order[(begins + ends - 1) // 2]
    owned: dict[Place, Owned] = {}
    for at in range(count):
        place = _place(forest, int(rows[places.first[at]]), callee)
        each = Owned(
            total[at],
            hits[at],
            excess[at] if is_known[at] else None,
            _exemplar(forest, path, int(longest[at])),
            _exemplar(forest, path, int(middle[at])),
            hits[at],
        )
        # A service without a name is as good as none.
        owned[place] = owned[place] + each if place in owned else each
    return owned


def on_path_times(forest: Forest, path: CriticalPath) -> dict[Place, Histogram]:
    """What the spans of each place own of the critical paths, by weight."""
    rows, places, callee = _places(forest, path, gaps(forest).server)
    times = group_histograms(places, path.self_nano[rows], forest.weight[rows])
    found: dict[Place, Histogram] = {}
    for at, each in enumerate(times):
        place = _place(forest, int(rows[places.first[at]]), callee)
        found[place] = merge([found[place], each]) if place in found else each
    return found


def _places(
    forest: Forest, path: CriticalPath, server: IntArray
) -> tuple[IntArray, Groups, IntArray]:
    """The rows on the path, grouped by place, and of every row the callee's service."""
    rows = np.flatnonzero(path.on)
    callee = np.where(server >= 0, forest.service[server], -1)
    return rows, groups(forest.service[rows], forest.name[rows], callee[rows]), callee


def merge_sums(parts: Iterable[Sums]) -> Sums:
    merged: dict[Place, Owned] = {}
    for part in parts:
        for place, owned in part.items():
            merged[place] = merged[place] + owned if place in merged else owned
    return merged


def worst_offenders(sums: Sums, most: int = MOST) -> list[Offender]:
    """Those that own most first, with their share of all time of all requests."""
    total = sum(owned.on_path_nano for owned in sums.values()) or 1.0
    ranked = sorted(sums.items(), key=lambda item: (-item[1].on_path_nano, item[0]))
    return [
        Offender(place, owned, owned.on_path_nano / total)
        for place, owned in ranked[:most]
    ]


def sentence(offender: Offender) -> str:
    """For people; names are as spans sent them."""
    place, owned = offender.place, offender.owned
    name = f"{place.service}: {place.span_name}"
    if place.callee:
        name = f"the way from {name} to {place.callee}"
    each = duration(owned.on_path_nano / owned.hits)
    told = (
        f"{name} is {percent(offender.share)} of what requests waited for, {each} each"
    )
    if owned.excess_nano is None:
        return told
    return f"{told}; {duration(owned.excess_nano)} of it beyond the usual p95"


def _beyond_usual(
    forest: Forest, path: CriticalPath, usual: Usual, server: IntArray
) -> FloatArray:
    """By row, not a number where no usual is known. Of the way between two services by
    the usual of its gap, of all else by that of the span."""
    own = path.self_nano.astype(np.float64)
    length = (forest.end - forest.start).astype(np.float64)
    spans = np.minimum(own, length - usual_of_spans(forest, usual).p95 - NOISE_NANO)
    between = own - usual_of_gaps(forest, usual).p95 - NOISE_NANO
    found: FloatArray = np.maximum(np.where(server >= 0, between, spans), 0)
    return found


def _place(forest: Forest, row: int, callee: IntArray) -> Place:
    called = int(callee[row])
    return Place(
        forest.services[int(forest.service[row])],
        forest.names[int(forest.name[row])],
        forest.services[called] if called >= 0 else "",
    )


def _exemplar(forest: Forest, path: CriticalPath, row: int) -> Exemplar:
    trace_id, span_id = (
        forest.spans[column][row].as_py().hex() for column in ("trace_id", "span_id")
    )
    return Exemplar(int(path.self_nano[row]), trace_id, span_id)
