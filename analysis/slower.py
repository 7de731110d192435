"""Which service, or which way between two, is slower than usual and slows requests down.

Errors play no part. A service is blamed for its own time beyond its usual p95, and for
the gaps of its calls if most of its edges have longer ones; an edge that is slow alone is
blamed itself, because an end with one slow edge among healthy ones is the victim.

    local(s)   = sum over operations of max(0, own - p95 - 1 ms), a request
    edge(a, b) = mean of max(0, gap - p95 - 1 ms), a call
    net(s)     = mean of edge over the calls of all edges of s
    score(s)   = (local - usual local)+ + 3 (net - usual net)+

Two things are approximate: own time is that on critical paths, all that is kept of it,
so that what nobody waited for counts nothing; and durations are told by their buckets,
which are exact to 1.1 %.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from analysis.histogram import EMPTY, Histogram, value_of
from analysis.offenders import NOISE_NANO
from analysis.usual import SEEN_AT_LEAST
from analysis.wording import duration, percent

# A mean over calls counts for as much as this many times a mean over requests.
NET_WEIGHT: Final = 3
# Less of a request is not worth a word, nor what is not far more than it usually is.
LEAST_SHARE: Final = 0.01
LEAST_GROWTH: Final = 2

Operation: TypeAlias = tuple[str, str]
Edge: TypeAlias = tuple[str, str]


class Times(NamedTuple):
    """The same measure now, and in the time before."""

    now: Histogram = EMPTY
    usual: Histogram = EMPTY


class Requests(NamedTuple):
    now: float
    usual: float
    mean_nano: float


@dataclass(frozen=True, slots=True)
class Slower:
    """A service, or where `callee` is given the way to it. `excess_nano` is a request's,
    more than usual; the rest is of the operation or edge that has most of it, which
    `name` is, empty where that is a way between two."""

    service: str
    callee: str
    score: float
    excess_nano: float
    name: str
    worst_edge: Edge | None
    beyond: float
    usual_p95_nano: float
    p95_nano: float

    @property
    def sentence(self) -> str:
        """For people; names are as spans sent them."""
        name, of = self.service or "no service name", self.name
        if self.callee:
            name, of = f"the way from {name} to {self.callee}", "it"
        elif self.worst_edge:
            of = f"the way from {self.worst_edge[0]} to {self.worst_edge[1]}"
        return (
            f"{name} costs a request {duration(self.excess_nano)} more than usual:"
            f" {of or 'no name'} took longer than the usual p95 of"
            f" {duration(self.usual_p95_nano)} {percent(self.beyond)} of the time"
        )


class _Excess(NamedTuple):
    """Nanoseconds beyond the usual p95 of all spans, and how many there are."""

    now: float
    usual: float
    calls: float
    usual_calls: float


def slower(
    requests: Requests,
    own: Mapping[Operation, Times],
    gaps: Mapping[Edge, Times],
    most: int = 3,
) -> list[Slower]:
    """The worst first; nothing of what no usual is known of."""
    if not requests.now or not requests.usual:
        return []
    local = {key: _excess(each) for key, each in own.items() if _is_known(each)}
    ways = {key: _excess(each) for key, each in gaps.items() if _is_known(each)}
    slow = {edge for edge, each in ways.items() if _grown(each)}
    blamed = _blamed(set(ways), slow)
    found = [
        _of_service(service, requests, (own, local), (gaps, ways), slow & edges)
        for service, edges in _services(local, blamed).items()
    ]
    told = {edge for edges in blamed.values() for edge in edges}
    found += [_of_edge(edge, requests, gaps, ways) for edge in slow - told]
    least = LEAST_SHARE * requests.mean_nano
    worth = [each for each in found if each is not None and each.excess_nano > least]
    return sorted(worth, key=lambda e: (-e.score, e.service, e.callee))[:most]


def _is_known(times: Times) -> bool:
    known = times.usual.effective_count >= SEEN_AT_LEAST
    return known and len(times.now.buckets) > 0


def _excess(times: Times) -> _Excess:
    limit = (times.usual.quantile(0.95) or 0.0) + NOISE_NANO
    now, usual = (_sum_beyond(each, limit) for each in times)
    return _Excess(now, usual, times.now.count, times.usual.count)


def _sum_beyond(histogram: Histogram, limit_nano: float) -> float:
    bounds = histogram.min_nano, histogram.max_nano
    values = np.clip(value_of(histogram.buckets), *bounds)
    return float((histogram.weights * np.maximum(values - limit_nano, 0)).sum())


def _grown(each: _Excess) -> bool:
    """By call: far more than usual, and more than noise."""
    now, usual = each.now / each.calls, each.usual / each.usual_calls
    return now > LEAST_GROWTH * usual and now - usual > NOISE_NANO


def _blamed(edges: set[Edge], slow: set[Edge]) -> dict[str, set[Edge]]:
    """By service of which most edges are slow, and more than one, all of them. Of the
    ends of an edge that is the one with the greater part of slow edges."""
    touching: dict[str, set[Edge]] = defaultdict(set)
    for edge in edges:
        for end in edge:
            touching[end].add(edge)
    part = {end: len(each & slow) / len(each) for end, each in touching.items()}
    stands_out = {
        end for end, each in touching.items() if len(each) > 1 and part[end] > 1 / 2
    }
    return {
        end: touching[end]
        for end in stands_out
        if any(_outdoes(end, edge, part, stands_out) for edge in touching[end] & slow)
    }


def _outdoes(end: str, edge: Edge, part: dict[str, float], out: set[str]) -> bool:
    (other,) = {*edge} - {end} or {end}
    return other not in out or part[end] >= part[other]


def _services(
    local: Mapping[Operation, _Excess], blamed: Mapping[str, set[Edge]]
) -> dict[str, set[Edge]]:
    every = sorted({service for service, _ in local} | blamed.keys())
    return {service: blamed.get(service, set()) for service in every}


_Of: TypeAlias = tuple[Mapping[tuple[str, str], Times], dict[tuple[str, str], _Excess]]


def _of_service(
    service: str, requests: Requests, own: _Of, gaps: _Of, slow: set[Edge]
) -> Slower | None:
    mine = {key: each for key, each in own[1].items() if key[0] == service}
    local = _more(requests, *mine.values())
    if local <= (LEAST_GROWTH - 1) * _usually(requests, *mine.values()):
        local = 0.0
    edges = {key: each for key, each in gaps[1].items() if slow and service in key}
    net = max(_mean(edges), 0.0)
    between = _more(requests, *(gaps[1][edge] for edge in slow))
    if local + between <= 0:
        return None
    by_operation = {key: _more(requests, each) for key, each in mine.items()}
    worst = max(by_operation, key=lambda key: (by_operation[key], key), default=None)
    edge = max(slow, key=lambda key: (gaps[1][key].now, key), default=None)
    is_edge = worst is None or (edge is not None and between > local)
    times = gaps[0][edge] if edge and is_edge else own[0][worst or ("", "")]
    return _told(
        (service, ""),
        (local + NET_WEIGHT * net, local + between),
        ("" if is_edge or worst is None else worst[1], edge if is_edge else None),
        times,
    )


def _of_edge(
    edge: Edge,
    requests: Requests,
    gaps: Mapping[Edge, Times],
    ways: dict[Edge, _Excess],
) -> Slower:
    score = NET_WEIGHT * _mean({edge: ways[edge]})
    return _told(edge, (score, _more(requests, ways[edge])), ("", edge), gaps[edge])


def _more(requests: Requests, *of: _Excess) -> float:
    now = sum(each.now for each in of) / requests.now
    return max(now - _usually(requests, *of), 0.0)


def _usually(requests: Requests, *of: _Excess) -> float:
    return sum(each.usual for each in of) / requests.usual


def _mean(edges: Mapping[Edge, _Excess]) -> float:
    """A call's excess beyond the usual."""
    calls = sum(each.calls for each in edges.values()) or 1.0
    before = sum(each.usual_calls for each in edges.values()) or 1.0
    now = sum(each.now for each in edges.values()) / calls
    return now - sum(each.usual for each in edges.values()) / before


def _told(
    ends: tuple[str, str],
    amounts: tuple[float, float],
    worst: tuple[str, Edge | None],
    times: Times,
) -> Slower:
    p95 = times.usual.quantile(0.95) or 0.0
    limit = p95 + NOISE_NANO
    beyond = float(times.now.weights[value_of(times.now.buckets) > limit].sum())
    return Slower(
        *ends,
        *amounts,
        *worst,
        beyond / (times.now.count or 1.0),
        p95,
        times.now.quantile(0.95) or 0.0,
    )
