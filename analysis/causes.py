"""Causes of failing requests over many traces, from small records that merge.

A request is a trace, asked for at its entry: the longest root. A failed request has one
cause, the failure that its entry failed by, so that the shares of all causes of an entry
add up to 1.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from analysis.entries import Entry, entry_rows, operation
from analysis.failures import Failure, Signature
from analysis.faults import failed_spans
from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray

MINUTE_NANO: Final = 60_000_000_000
EXEMPLARS: Final = 5


class EntryMinute(NamedTuple):
    minute: int
    """Minutes since 1970."""
    entry: Entry


class CauseMinute(NamedTuple):
    minute: int
    entry: Entry
    signature: Signature


@dataclass(slots=True)
class Requests:
    """How many, by weight."""

    failed: float = 0.0
    well: float = 0.0


@dataclass(slots=True)
class Seen:
    """Of one signature, requests by weight: `caused` failed by it; it was seen in the
    others too. Exemplars are (start, trace id in hexadecimal), the earliest caused."""

    caused: float = 0.0
    in_failed: float = 0.0
    in_well: float = 0.0
    first_seen_unix_nano: int = 2**63 - 1
    exemplars: tuple[tuple[int, str], ...] = ()

    def add(self, other: "Seen") -> None:
        self.caused += other.caused
        self.in_failed += other.in_failed
        self.in_well += other.in_well
        first = min(self.first_seen_unix_nano, other.first_seen_unix_nano)
        self.first_seen_unix_nano = first
        both = {*self.exemplars, *other.exemplars}
        self.exemplars = tuple(sorted(both)[:EXEMPLARS])


@dataclass(slots=True)
class Records:
    """All that ranking needs, by minute; a row each in a table."""

    requests: dict[EntryMinute, Requests] = field(default_factory=dict)
    seen: dict[CauseMinute, Seen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why requests of an entry fail.

    `affected` is by weight and `share` of the entry's failed requests. `lift` is how
    many times likelier the signature is in failed requests than in others; None where
    it is in no other. `entries` is the blast radius: every entry that fails by it.
    """

    entry: Entry
    signature: Signature
    affected: float
    share: float
    lift: float | None
    first_seen_unix_nano: int
    entries: tuple[Entry, ...]
    exemplars: tuple[tuple[int, str], ...]


def cause_records(forest: Forest, found: Iterable[Failure]) -> Records:
    """Of the requests of a forest and all their failures. Signatures count for requests,
    however often they are in one."""
    entries = entry_rows(forest)
    records = Records(requests=_requests(forest, entries))
    failed = failed_spans(forest)
    by_request: dict[tuple[int, Signature], bool] = defaultdict(bool)
    # Failures are few.
    for failure in found:
        is_cause = failure.top == entries[failure.trace] and failed[failure.top]
        by_request[failure.trace, failure.signature] |= bool(is_cause)
    for (trace, signature), is_cause in by_request.items():
        row = int(entries[trace])
        key = CauseMinute(*_entry_minute(forest, row), signature)
        seen = _seen(forest, row, failed=bool(failed[row]), is_cause=is_cause)
        records.seen.setdefault(key, Seen()).add(seen)
    return records


def merge_records(parts: Iterable[Records]) -> Records:
    """As if all requests had been in one forest."""
    merged = Records()
    for part in parts:
        for at, requests in part.requests.items():
            total = merged.requests.setdefault(at, Requests())
            total.failed += requests.failed
            total.well += requests.well
        for key, seen in part.seen.items():
            merged.seen.setdefault(key, Seen()).add(seen)
    return merged


def rank_causes(records: Records, entry: Entry | None = None) -> list[Cause]:
    """Of one entry, or of all, those that affect most requests first."""
    requests = _by_entry(records)
    seen = _merged_texts(_by_signature(records))
    radius = defaultdict(set)
    for (of, signature), each in seen.items():
        if each.caused:
            radius[signature].add(of)
    causes = [
        _cause(of, signature, each, requests[of], tuple(sorted(radius[signature])))
        for (of, signature), each in seen.items()
        if each.caused and entry in (None, of)
    ]
    return sorted(causes, key=lambda c: (-c.affected, c.entry, c.signature))


def _requests(forest: Forest, entries: IntArray) -> dict[EntryMinute, Requests]:
    """Summed by columns; a Python step for each minute and entry operation."""
    minute = forest.start_time_unix_nano[entries] // MINUTE_NANO
    alike = groups(minute, forest.service[entries], forest.name[entries])
    failed = failed_spans(forest)[entries]
    weight = forest.weight[entries]
    bad = np.bincount(alike.number, weights=weight * failed, minlength=len(alike))
    well = np.bincount(alike.number, weights=weight * ~failed, minlength=len(alike))
    return {
        _entry_minute(forest, row): Requests(b, w)
        for row, b, w in zip(
            entries[alike.first].tolist(), bad.tolist(), well.tolist(), strict=True
        )
    }


def _entry_minute(forest: Forest, row: int) -> EntryMinute:
    return EntryMinute(_start(forest, row) // MINUTE_NANO, operation(forest, row))


def _start(forest: Forest, row: int) -> int:
    return int(forest.start[row] + forest.trace_start_unix_nano[forest.trace[row]])


def _seen(forest: Forest, row: int, *, failed: bool, is_cause: bool) -> Seen:
    weight = float(forest.weight[row])
    start = _start(forest, row)
    trace_id = forest.spans["trace_id"][row].as_py().hex()
    return Seen(
        caused=weight if is_cause else 0.0,
        in_failed=weight if failed else 0.0,
        in_well=0.0 if failed else weight,
        first_seen_unix_nano=start,
        exemplars=((start, trace_id),) if is_cause else (),
    )


def _by_entry(records: Records) -> dict[Entry, Requests]:
    found: dict[Entry, Requests] = {}
    for at, requests in records.requests.items():
        total = found.setdefault(at.entry, Requests())
        total.failed += requests.failed
        total.well += requests.well
    return found


_Seen = dict[tuple[Entry, Signature], Seen]


def _by_signature(records: Records) -> _Seen:
    found: _Seen = {}
    for key, seen in records.seen.items():
        found.setdefault((key.entry, key.signature), Seen()).add(seen)
    return found


def _merged_texts(seen: _Seen) -> _Seen:
    """Signatures that differ only in the words of a message become the most frequent of
    them. A request that has several counts more than once in `in_failed` then, which
    makes lift a little large."""
    weight: dict[Signature, float] = defaultdict(float)
    for (_, signature), each in seen.items():
        weight[signature] += each.caused
    names: dict[Signature, Signature] = {}
    for signature in sorted(weight, key=lambda s: (-weight[s], s)):
        if signature.templated:
            names.setdefault(signature._replace(error=""), signature)
    found: _Seen = {}
    for (entry, signature), each in seen.items():
        if signature.templated:
            signature = names[signature._replace(error="")]
        found.setdefault((entry, signature), Seen()).add(each)
    return found


def _cause(
    entry: Entry,
    signature: Signature,
    seen: Seen,
    requests: Requests,
    entries: tuple[Entry, ...],
) -> Cause:
    lift = None
    if seen.in_well:
        in_failed = seen.in_failed / requests.failed
        lift = in_failed / (seen.in_well / requests.well)
    return Cause(
        entry=entry,
        signature=signature,
        affected=seen.caused,
        share=seen.caused / requests.failed,
        lift=lift,
        first_seen_unix_nano=seen.first_seen_unix_nano,
        entries=entries,
        exemplars=seen.exemplars,
    )


def sentence(cause: Cause) -> str:
    """For people; names are as spans sent them."""
    origin = f"{cause.signature.service}: {cause.signature.span_name}"
    entry = f"{cause.entry.service}: {cause.entry.span_name}"
    return (
        f"{origin} ({cause.signature.error}) causes {100 * cause.share:.0f} % of the"
        f" failures of {entry}"
    )
