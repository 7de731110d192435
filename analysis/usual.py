"""How long spans of an operation usually take, to judge others by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from analysis.forest import Forest
from analysis.grouping import Groups, groups
from analysis.histogram import FloatArray, IntArray
from analysis.self_time import gaps, own_times

# Of fewer spans nothing is usual.
SEEN_AT_LEAST: Final = 5


class Quantiles(NamedTuple):
    """In nanoseconds."""

    p50: float
    p95: float


Operation: TypeAlias = tuple[str, str, int]
Edge: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Usual:
    """Of span durations by (service, span name, kind), and of gaps, see
    `analysis.self_time`, by (client's service, server's service)."""

    spans: Mapping[Operation, Quantiles] = field(default_factory=dict)
    gaps: Mapping[Edge, Quantiles] = field(default_factory=dict)


class UsualColumns(NamedTuple):
    """By row, in nanoseconds; not a number where nothing is known."""

    p50: FloatArray
    p95: FloatArray


NOTHING_USUAL = Usual()
_UNKNOWN = Quantiles(np.nan, np.nan)


def usual_of_spans(forest: Forest, usual: Usual) -> UsualColumns:
    alike = groups(forest.service, forest.name, forest.kind)
    known = [usual.spans.get(key, _UNKNOWN) for key in _operations(forest, alike)]
    return _by_row(known, alike.number)


def usual_of_gaps(forest: Forest, usual: Usual) -> UsualColumns:
    """Known at clients that have a gap."""
    server = gaps(forest).server
    clients = np.flatnonzero(server >= 0)
    alike = groups(forest.service[clients], forest.service[server[clients]])
    firsts = clients[alike.first]
    known = [usual.gaps.get(key, _UNKNOWN) for key in _edges(forest, firsts, server)]
    of = np.full(len(forest), len(known), np.int64)
    of[clients] = alike.number
    return _by_row([*known, _UNKNOWN], of)


def learn_usual(forest: Forest, seen_at_least: int = 1) -> Usual:
    """From spans that are there; exact, and by weight. What is seen less often is not
    known."""
    alike = groups(forest.service, forest.name, forest.kind)
    spans = _quantiles(forest.end - forest.start, forest.weight, alike)
    server = gaps(forest).server
    clients = np.flatnonzero(server >= 0)
    edges = groups(forest.service[clients], forest.service[server[clients]])
    between = _quantiles(own_times(forest)[clients], forest.weight[clients], edges)
    keys = _edges(forest, clients[edges.first], server)
    operations = zip(_operations(forest, alike), spans, _sizes(alike), strict=True)
    ways = zip(keys, between, _sizes(edges), strict=True)
    return Usual(
        {key: usual for key, usual, size in operations if size >= seen_at_least},
        {key: usual for key, usual, size in ways if size >= seen_at_least},
    )


def _sizes(alike: Groups) -> list[int]:
    found: list[int] = np.bincount(alike.number, minlength=len(alike)).tolist()
    return found


def completed(usual: Usual, forest: Forest) -> Usual:
    """What is known, and of all else what spans that are there tell."""
    learned = learn_usual(forest, SEEN_AT_LEAST)
    return Usual({**learned.spans, **usual.spans}, {**learned.gaps, **usual.gaps})


def operations_of(forest: Forest, rows: IntArray) -> list[Operation]:
    """Each once, in the order of the rows."""
    columns = forest.service[rows], forest.name[rows], forest.kind[rows]
    found = zip(*(column.tolist() for column in columns), strict=True)
    return [
        (forest.services[service], forest.names[name], kind)
        for service, name, kind in dict.fromkeys(found)
    ]


def _operations(forest: Forest, alike: Groups) -> list[Operation]:
    return operations_of(forest, alike.first)


def _edges(forest: Forest, clients: IntArray, server: IntArray) -> list[Edge]:
    pairs = zip(forest.service[clients], forest.service[server[clients]], strict=True)
    return [
        (forest.services[int(one)], forest.services[int(other)]) for one, other in pairs
    ]


def _by_row(known: list[Quantiles], of: IntArray) -> UsualColumns:
    table = np.array(known, np.float64).reshape(-1, 2)
    return UsualColumns(table[of, 0], table[of, 1])


def _quantiles(values: IntArray, weights: FloatArray, alike: Groups) -> list[Quantiles]:
    """By group, nearest rank."""
    order = np.lexsort((values, alike.number))
    total = np.bincount(alike.number, weights=weights, minlength=len(alike))
    cumulative = np.cumsum(weights[order])
    before = np.cumsum(total) - total
    size = np.bincount(alike.number, minlength=len(alike))
    last = np.cumsum(size) - 1
    found = []
    for q in (0.5, 0.95):
        # Sums of doubles: a rank that is met up to rounding is met.
        rank = before + q * total * (1 - 1e-9)
        place = np.clip(np.searchsorted(cumulative, rank), last - size + 1, last)
        found.append(values[order[place]].astype(np.float64).tolist())
    return [Quantiles(*each) for each in zip(*found, strict=True)]
