"""Why one band of requests is slower than another, by call path.

The difference of the mean durations is the sum over paths of f2 m2 - f1 m1, with f the
spans of the path per request and m the mean time on the critical path of each. It falls
into more calls, (f2 - f1)(m1 + m2) / 2, and slower calls, (m2 - m1)(f1 + f2) / 2. A path
that one side lacks has only more (or fewer) calls.

What chance may do is told by bootstrap: the requests of both bands drawn anew, often.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.grouping import sums
from analysis.histogram import FloatArray, IntArray
from analysis.profile import Profile
from traces.tree import BoolArray

RESAMPLES: Final = 200
# Only paths that differ most are drawn anew: a number for each of them and each resample.
MOST_DRAWN: Final = 500
_SEED: Final = 20_250_101
# 95 % of the resamples lie between these.
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Change:
    """Nanoseconds per request, by path; `delta` is `more_calls` + `slower_calls`.

    `low` and `high` bound the difference with 95 % confidence; both are 0 but for the
    MOST_DRAWN paths that differ most. All is 0 where a band is empty.
    """

    delta_nano: FloatArray
    more_calls_nano: FloatArray
    slower_calls_nano: FloatArray
    low_nano: FloatArray
    high_nano: FloatArray

    @property
    def may_be_chance(self) -> BoolArray:
        found: BoolArray = (self.low_nano <= 0) & (self.high_nano >= 0)
        return found


def change(profile: Profile, before: int, after: int) -> Change:
    """From one band to another."""
    count = len(profile.paths)
    if not (profile.band_weight[before] and profile.band_weight[after]):
        nothing = np.zeros(count)
        return Change(nothing, nothing, nothing, nothing, nothing)
    f1, m1 = _calls_and_means(profile, before)
    f2, m2 = _calls_and_means(profile, after)
    m1, m2 = np.where(f1 == 0, m2, m1), np.where(f2 == 0, m1, m2)
    more, slower = (f2 - f1) * (m1 + m2) / 2, (m2 - m1) * (f1 + f2) / 2
    delta = more + slower
    low, high = _intervals(profile, before, after, delta)
    return Change(delta, more, slower, low, high)


def _intervals(
    profile: Profile, before: int, after: int, delta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    chosen = np.argsort(-np.abs(delta), kind="stable")[:MOST_DRAWN]
    random = np.random.default_rng(_SEED)
    first, second = (
        _means_drawn(profile, band, chosen, random) for band in (before, after)
    )
    low, high = np.zeros(len(delta)), np.zeros(len(delta))
    low[chosen], high[chosen] = np.percentile(second - first, _INTERVAL, axis=0)
    return low, high


def _calls_and_means(profile: Profile, band: int) -> tuple[FloatArray, FloatArray]:
    hits = profile.sums.hits[:, band]
    own = profile.sums.on_path_nano[:, band]
    return hits / profile.band_weight[band], own / np.where(hits == 0, 1, hits)


def _means_drawn(
    profile: Profile, band: int, chosen: IntArray, random: np.random.Generator
) -> FloatArray:
    """The time per request by resample and chosen path."""
    requests, visits = profile.requests, profile.visits
    members: IntArray = np.flatnonzero(requests.band == band)
    member_of = _places(members, len(requests))
    path_of = _places(chosen, len(profile.paths))
    inside = (member_of[visits.request] >= 0) & (path_of[visits.path] >= 0)
    member, path = member_of[visits.request[inside]], path_of[visits.path[inside]]
    weight = requests.weight[members]
    nano = visits.on_path_nano[inside] * weight[member]
    likely = np.full(len(members), 1 / len(members))
    means = np.zeros((RESAMPLES, len(chosen)))
    # One resample at a time: all at once would be requests times resamples numbers.
    for each in means:
        drawn = random.multinomial(len(members), likely)
        total = float(drawn @ weight)
        each[:] = sums(path, nano * drawn[member], len(chosen)) / total
    return means


def _places(chosen: IntArray, count: int) -> IntArray:
    """Where each number stands among the chosen ones, -1 elsewhere."""
    found = np.full(count, -1)
    found[chosen] = np.arange(len(chosen))
    return found
