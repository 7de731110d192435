"""Causes of failed requests over some minutes, ranked, with what else is counted of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from analysis.blame import FailureClass
from analysis.cause_measures import IN_WELL, REACHED
from analysis.causes import (
    Cause,
    CauseMinute,
    EntryMinute,
    Records,
    Requests,
    Seen,
    rank_causes,
)
from analysis.entries import Entry
from analysis.failures import Signature
from analysis.measured import CAUSE, CAUSE_COUNT, REQUEST, Fields
from analysis.results.measures import NANO_PER_MINUTE, merged_details
from analysis.results.reading import Found, Minutes, first_minutes, read_measures


@dataclass(slots=True)
class Marked:
    """Requests by weight: by name of what is counted, and by service that failed with
    it; and what the slowest request tells of who is responsible."""

    counts: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    reached: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    responsible: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Causes:
    """`requests` are of every entry that was asked for."""

    ranked: list[Cause]
    marked: dict[tuple[Entry, Signature], Marked]
    requests: dict[Entry, Requests]


def read_causes(minutes: Minutes) -> Causes:
    """First seen is told to the minute, ever since measures are kept."""
    first = first_minutes(CAUSE)
    records, marked = Records(), {}
    for each in read_measures(REQUEST, minutes):
        entry = Entry(str(each.fields[0]), str(each.fields[1]))
        failed, every = each.merged.failed, each.merged.count
        records.requests[EntryMinute(0, entry)] = Requests(failed, every - failed)
    for each in read_measures(CAUSE, minutes):
        entry, signature = _key(each.fields)
        seen = _seen(each, first.get(each.fields, minutes.first))
        records.seen[CauseMinute(0, entry, signature)] = seen
        marked[entry, signature] = _responsible(each)
    for each in read_measures(CAUSE_COUNT, minutes):
        _count(records, marked, each)
    requests = {at.entry: each for at, each in records.requests.items()}
    return Causes(rank_causes(records), marked, requests)


def _key(fields: Fields) -> tuple[Entry, Signature]:
    service, name, origin, span_name, failure_class, error = map(str, fields[:6])
    signature = Signature(
        origin, span_name, FailureClass(failure_class), error, bool(fields[6])
    )
    return Entry(service, name), signature


def _seen(found: Found, first_minute: int) -> Seen:
    traces: list[Any] = merged_details(found.merged.details).get("traces", [])
    return Seen(
        caused=found.merged.count,
        in_failed=found.merged.failed,
        first_seen_unix_nano=first_minute * NANO_PER_MINUTE,
        exemplars=tuple((int(start), str(trace_id)) for start, trace_id in traces),
    )


def _responsible(found: Found) -> Marked:
    details = merged_details(found.merged.details)
    return Marked(
        responsible=details.get("responsible", ""), reason=details.get("reason", "")
    )


def _count(
    records: Records, marked: dict[tuple[Entry, Signature], Marked], found: Found
) -> None:
    entry, signature = _key(found.fields)
    name, count = str(found.fields[7]), found.merged.count
    known = marked.setdefault((entry, signature), Marked())
    if name == IN_WELL:
        seen = records.seen.setdefault(CauseMinute(0, entry, signature), Seen())
        seen.in_well += count
    elif name == REACHED:
        known.reached[str(found.fields[8])] += count
    else:
        known.counts[name] += count
