"""Failure cascades: which failures a trace has, where each began and how far it went.

A failure begins at its origin, the failed span that nothing below it explains, and
climbs the chain of failed ancestors. Failed spans are selected by columns; they are few,
so that what is told of each is plain Python.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analysis.blame import Blame, FailureClass, blame
from analysis.callees import peer_names
from analysis.critical_path import CriticalPath
from analysis.faults import Fault, failed_spans, read_faults
from analysis.forest import Forest
from analysis.habits import answered, habits
from analysis.propagation import Below, Family, Retry, family_of, propagate
from analysis.timeouts import mark_ceilings, slowest_below, still_running
from traces.tree import NO_PARENT


class Ending(StrEnum):
    """How far a failure went."""

    REACHED = "reached the entry"
    HANDLED = "handled"
    APART = "apart"
    """Nobody waited for it: an impact of its own."""
    LOWER = "lower"
    """The span above it failed by another of its children."""


class Signature(NamedTuple):
    """What failures of one sort have in common over traces.

    `error` is the type of the error, or where there is none the template of its message,
    and then `templated`.
    """

    service: str
    span_name: str
    failure_class: FailureClass
    error: str
    templated: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Spans are rows of the forest.

    `failed` is the lowest failed span; the origin is the same, or below it what was too
    slow for it. `chain` are its failed ancestors, from below. `consequences` were
    cancelled or cut short by it; `lower` are failed siblings along its way that count
    for less.
    """

    trace: int
    origin: int
    failed: int
    chain: tuple[int, ...]
    ending: Ending
    blame: Blame
    fault: Fault
    signature: Signature
    timed_out: bool
    retry: Retry | None
    consequences: tuple[int, ...]
    lower: tuple[int, ...]

    @property
    def top(self) -> int:
        return self.chain[-1] if self.chain else self.failed


def failures(forest: Forest, path: CriticalPath) -> list[Failure]:
    """Every distinct failure, in the order of the rows of their lowest failed spans."""
    rows = np.flatnonzero(failed_spans(forest))
    if not len(rows):
        return []
    family = family_of(forest, path, read_faults(forest, rows))
    mark_ceilings(family)
    below = propagate(family)
    lowest = [row for row in family.faults if _cause(below, row) == NO_PARENT]
    chains = {row: _chain(family, below, row) for row in lowest}
    dropped = _dropped(family, below, chains)
    kept = [row for row in lowest if row not in dropped]
    origins = _origins(family, kept)
    accused = _accuse(family, kept, origins)
    consequences = _consequences(chains, dropped)
    return [
        _failure(family, below, chains[row], origins[row], accused[row], consequences)
        for row in kept
    ]


def _cause(below: dict[int, Below], row: int) -> int:
    return below[row].cause if row in below else NO_PARENT


def _chain(family: Family, below: dict[int, Below], row: int) -> tuple[int, ...]:
    """From the lowest failed span to the highest that failed by it. No span is in two
    chains, so that all of them together are no longer than the failed spans."""
    chain = [row]
    while (above := family.parent(row)) in family.faults:
        if _cause(below, above) != row:
            break
        chain.append(row := above)
    return tuple(chain)


def _dropped(
    family: Family, below: dict[int, Below], chains: dict[int, tuple[int, ...]]
) -> dict[int, int]:
    """Lowest failed spans that are no failure of their own, with that of the failure
    they belong to: consequences, and all attempts of a retry but the last."""
    lowest_of = {row: chain[0] for chain in chains.values() for row in chain}
    belongs: dict[int, int] = {}
    for lowest, chain in chains.items():
        of = below.get(family.parent(chain[-1]))
        if of is None:
            continue
        other = of.attempts.get(chain[-1], of.consequences.get(chain[-1]))
        if other is not None:
            belongs[lowest] = lowest_of[of.attempts.get(other, other)]
    return {row: _end_of(belongs, row) for row in belongs}


def _end_of(belongs: dict[int, int], row: int) -> int:
    while row in belongs:
        row = belongs[row]
    return row


def _origins(family: Family, lowest: list[int]) -> dict[int, int]:
    """What a failed span was too slow in, or the span itself."""
    given_up = [row for row in lowest if family.faults[row].timed_out]
    slowest = slowest_below(family.forest, family.path, np.array(given_up, np.int64))
    return {row: _origin(family, row, slowest.get(row, row)) for row in lowest}


def _origin(family: Family, row: int, slowest: int) -> int:
    if slowest == row and family.faults[row].timed_out:
        return next(iter(still_running(family, row)), row)
    return slowest


def _accuse(
    family: Family, lowest: list[int], origins: dict[int, int]
) -> dict[int, Blame]:
    forest = family.forest
    rows = np.array(lowest, np.int64)
    peers = dict(zip(lowest, peer_names(forest, rows), strict=True))
    known = habits(forest, np.fromiter(family.faults, np.int64))
    has_server = answered(forest)
    return {
        row: blame(
            family, row, origins[row], peers[row], known, answered=bool(has_server[row])
        )
        for row in lowest
    }


def _consequences(
    chains: dict[int, tuple[int, ...]], dropped: dict[int, int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for lowest, of in dropped.items():
        found.setdefault(of, []).extend(chains[lowest])
    return found


def _failure(
    family: Family,
    below: dict[int, Below],
    chain: tuple[int, ...],
    origin: int,
    accused: Blame,
    consequences: dict[int, list[int]],
) -> Failure:
    forest, lowest, fault = family.forest, chain[0], family.faults[chain[0]]
    retries = (
        below[above].retries[row]
        for row in chain
        if (above := family.parent(row)) in below and row in below[above].retries
    )
    retry = next(retries, None)
    attempts = set(retry.attempts) if retry else set()
    signature = Signature(
        forest.services[forest.service[origin]],
        forest.names[forest.name[origin]],
        accused.failure_class,
        fault.error,
        templated=not fault.error_type,
    )
    cut_short = sorted(set(consequences.get(lowest, [])) - attempts)
    return Failure(
        trace=int(forest.trace[lowest]),
        origin=origin,
        failed=lowest,
        chain=chain[1:],
        ending=_ending(family, below, chain[-1]),
        blame=accused,
        fault=fault,
        signature=signature,
        timed_out=fault.timed_out,
        retry=retry,
        consequences=tuple(cut_short),
        lower=_lower(family, below, chain),
    )


def _ending(family: Family, below: dict[int, Below], top: int) -> Ending:
    above = family.parent(top)
    if above == NO_PARENT:
        return Ending.REACHED
    if not family.awaited(top):
        return Ending.APART
    if above not in family.faults or top in below[above].got_over:
        return Ending.HANDLED
    return Ending.LOWER


def _lower(
    family: Family, below: dict[int, Below], chain: tuple[int, ...]
) -> tuple[int, ...]:
    """Failed siblings along the chain that the same parents did not get over."""
    found = []
    for row, above in pairwise(chain):
        of = below[above]
        apart = of.got_over | of.attempts.keys() | of.consequences.keys() | {row}
        siblings = family.children[above]
        found += [s for s in siblings if s in family.faults and s not in apart]
    return tuple(found)
