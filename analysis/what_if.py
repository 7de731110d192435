"""What if: requests replayed with the own time of some spans shortened.

The model keeps what was observed of each trace. A child starts some delay after the latest
end of the siblings that had ended by then (or after its parent's start), and a span ends
some time after the latest end of its children. These delays are the span's own time; those
of the chosen spans shrink, and everything after them moves up. What a span calls does not
get faster with it.

Every span of a level is replayed at the same time, siblings one place after another: a step
for each level and for each child of its largest family.
"""

from dataclasses import dataclass

import numpy as np

from analysis.critical_path import CriticalPath, Siblings, Timed
from analysis.histogram import FloatArray, IntArray
from analysis.profile import Profile
from analysis.requests import quantile
from traces.tree import BoolArray


@dataclass(frozen=True, slots=True)
class Latency:
    """Of all requests, in nanoseconds; weighted, percentiles by nearest rank."""

    mean: float
    p50: int
    p95: int
    p99: int


@dataclass(frozen=True, slots=True)
class Delays:
    """Own time in nanoseconds: before each child, by place among `siblings`, and after
    the last one, by row; all of it where there is no child."""

    siblings: Siblings
    before_child: IntArray
    after_last: IntArray


def latency(profile: Profile) -> Latency | None:
    """As it was; None without requests."""
    return _latency(profile.requests.duration_nano, profile.requests.weight)


def latency_if(
    profile: Profile, service_name: str, name: str, part: float
) -> Latency | None:
    """If the own time of an operation were shorter by this part of it."""
    forest, requests = profile.forest, profile.requests
    chosen = of_operation(profile, service_name, name)
    durations = replay(forest, profile.critical_path, chosen, part)[requests.root]
    order = np.argsort(durations, kind="stable")
    return _latency(durations[order], requests.weight[order])


def of_operation(profile: Profile, service_name: str, name: str) -> BoolArray:
    """Its rows within the requests."""
    forest = profile.forest
    services, names = forest.services, forest.names
    service = services.index(service_name) if service_name in services else -1
    number = names.index(name) if name in names else -1
    chosen: BoolArray = (forest.service == service) & (forest.name == number)
    return chosen & (profile.requests.of >= 0)


def _latency(ordered_nano: IntArray, weight: FloatArray) -> Latency | None:
    p50, p95, p99 = (quantile(ordered_nano, weight, q) for q in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Latency(float(np.average(ordered_nano, weights=weight)), p50, p95, p99)


def replay(
    forest: Timed, path: CriticalPath, chosen: BoolArray, part: float
) -> IntArray:
    """The duration of every row if the own time of the chosen rows were shorter by this
    part of it, from 0 for no change to 1 for no time at all."""
    delays = _shortened(forest, _delays(forest, path), chosen, part)
    return _replay(forest, delays)


def _delays(forest: Timed, path: CriticalPath) -> Delays:
    siblings = path.siblings
    row, before = siblings.row, siblings.before
    above = forest.parent[row]
    ends = path.end[row]
    anchor = np.where(before >= 0, ends[np.maximum(before, 0)], path.start[above])
    last_end = path.start.copy()
    np.maximum.at(last_end, above, ends)
    return Delays(siblings, path.start[row] - anchor, path.end - last_end)


def _shortened(forest: Timed, delays: Delays, chosen: BoolArray, part: float) -> Delays:
    owner = forest.parent[delays.siblings.row]
    before, after = delays.before_child, delays.after_last
    return Delays(
        delays.siblings,
        np.where(chosen[owner], _less(before, part), before),
        np.where(chosen, _less(after, part), after),
    )


def _less(nano: IntArray, part: float) -> IntArray:
    # Rounded, so that no change is none to the nanosecond.
    cut = np.rint(nano * part).astype(np.int64)
    left: IntArray = nano - np.minimum(cut, nano)
    return left


def _replay(forest: Timed, delays: Delays) -> IntArray:
    siblings = delays.siblings
    row, group = siblings.row, siblings.group
    place = np.arange(len(row))
    ordinal = place - group
    # By place: the latest end, from the start of the parent, of this and earlier places.
    latest = np.zeros(len(row), np.int64)
    duration = delays.after_last.copy()
    family = _place_of(row, len(duration))
    # The order by ordinal is made once; a level picks its places from it.
    for rows in reversed(forest.levels[1:]):
        places = family[rows]
        places = places[places >= 0]
        _replay_level(places, ordinal, siblings, delays, duration, latest)
        last = places[_is_last(siblings, places)]
        duration[forest.parent[row[last]]] += latest[last]
    return duration


def _place_of(row: IntArray, count: int) -> IntArray:
    found = np.full(count, -1)
    found[row] = np.arange(len(row))
    return found


def _is_last(siblings: Siblings, places: IntArray) -> BoolArray:
    group = siblings.group
    following = np.minimum(places + 1, len(group) - 1)
    last: BoolArray = (following == places) | (group[following] != group[places])
    return last


def _replay_level(
    places: IntArray,
    ordinal: IntArray,
    siblings: Siblings,
    delays: Delays,
    duration: IntArray,
    latest: IntArray,
) -> None:
    """Fills in `latest` for these places, in the order of their ordinals."""
    places = places[np.argsort(ordinal[places], kind="stable")]
    borders = np.cumsum(np.bincount(ordinal[places])) if len(places) else places
    begin = 0
    for end in borders.tolist():
        now = places[begin:end]
        before = siblings.before[now]
        start = np.where(before >= 0, latest[before], 0) + delays.before_child[now]
        ends = start + duration[siblings.row[now]]
        # The place before is of the same family, but for the first of each.
        latest[now] = np.maximum(ends, latest[now - 1]) if begin else ends
        begin = end
