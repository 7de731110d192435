"""What slows requests down: verdicts, worst offenders, repeated and serial calls."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis.entries import Entry
from analysis.measured import (
    NAMES,
    OFFENDER,
    OFFENDER_EXCESS,
    REPEAT,
    REPEAT_CALLS,
    REPEAT_SAVING,
    REQUEST,
    SERIAL,
    SERIAL_SAVING,
    SERVICES,
    VERDICT,
    Fields,
)
from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.pages.requests import search_of
from analysis.pages.windows import CHOICES, PageWindow, read_window
from analysis.repeat_findings import Finding
from analysis.repeat_findings import sentence as repeat_sentence
from analysis.repeats import RepeatKind
from analysis.results.measures import merged_details
from analysis.results.reading import Found, Minutes, read_measures, waiting_in
from analysis.results.slower import read_slower
from analysis.verdict import Verdict
from traces.pages.search_choices import one_of
from traces.store.base import StoreError

MOST_ENTRIES: Final = 50
MOST_OFFENDERS: Final = 20
MOST_REPEATS: Final = 30
MOST_PAIRS: Final = 20


@dataclass(frozen=True, slots=True)
class Share:
    """Of an entry's requests, those with one verdict; `told` are (which, id, sentence)."""

    verdict: str
    count: int
    part: float
    told: list[tuple[str, str, str]]

    @property
    def percent(self) -> float:
        """For the width of a bar."""
        return round(100 * self.part, 2)


@dataclass(slots=True)
class EntryRow:
    entry: Entry
    search: str
    total: float = 0.0
    shares: dict[str, Found] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return round(self.total)

    @property
    def amiss(self) -> float:
        """Requests that are not normal."""
        return self.total - sum(
            each.merged.count
            for verdict, each in self.shares.items()
            if verdict == Verdict.NORMAL
        )

    @property
    def verdicts(self) -> list[Share]:
        return [self._share(verdict) for verdict in Verdict]

    def _share(self, verdict: Verdict) -> Share:
        found = self.shares.get(verdict)
        if found is None:
            return Share(verdict, 0, 0.0, [])
        details, count = merged_details(found.merged.details), found.merged.count
        # What is true of both is told of the slowest alone.
        told = {
            sentence: (which, identity, sentence)
            for which in ("median", "slowest")
            for identity, sentence in (details[which],)
        }
        part = count / (self.total or 1)
        return Share(verdict, round(count), part, list(told.values())[::-1])


@dataclass(frozen=True, slots=True)
class OffenderRow:
    service: str
    name: str
    callee: str
    found: Found
    excess_nano: float | None
    share: float
    requests: float
    search: str

    @property
    def on_path_nano(self) -> float:
        return self.found.merged.histogram.sum_nano

    @property
    def hits(self) -> int:
        return round(self.found.merged.count)

    @property
    def per_request_nano(self) -> float:
        return self.on_path_nano / (self.requests or 1)

    @property
    def exemplars(self) -> list[tuple[str, int, str, str]]:
        """(which, own time in nanoseconds, trace id, span id)."""
        details = merged_details(self.found.merged.details)
        return [(which, *details[which]) for which in ("longest", "median")]


@dataclass(frozen=True, slots=True)
class RepeatRow:
    finding: Finding

    @property
    def sentence(self) -> str:
        return repeat_sentence(self.finding)

    @property
    def saving(self) -> int:
        return round(self.finding.saving_nano)


@dataclass(frozen=True, slots=True)
class PairRow:
    holder: Entry
    first: str
    second: str
    requests: int
    saving_nano: float
    trace_id: str
    witness: str


@require_safe
def bottlenecks(request: HttpRequest) -> HttpResponse:
    window = read_window(request, time.time_ns())
    context: dict[str, Any] = {
        "window": window,
        "ranges": one_of(CHOICES, window.chosen),
        "threshold_nano": settings.SLOW_SPAN_THRESHOLD_MS * 1_000_000,
        "slow_search": window.search(
            min_span_duration=f"{settings.SLOW_SPAN_THRESHOLD_MS}ms", sort="longest"
        ),
    }
    try:
        context |= summary(window)
        context["waiting"] = waiting_in(window.minutes)
        context["beyond"] = left_out_in(
            window.minutes, NAMES, SERVICES, OFFENDER, REPEAT, SERIAL
        )
    except StoreError as error:
        context["away"] = away_of(error)
    status = 503 if "away" in context else 200
    return render(request, "analysis/bottlenecks.html", context, status=status)


def summary(window: PageWindow) -> dict[str, Any]:
    minutes = window.minutes
    requests = {
        Entry(*map(str, each.fields)): each.merged.count
        for each in read_measures(REQUEST, minutes)
    }
    entries = _entries(read_measures(VERDICT, minutes), window)
    total = sum(requests.values())
    offenders = read_measures(OFFENDER, minutes)
    return {
        "entries": entries[:MOST_ENTRIES],
        "entries_left_out": max(len(entries) - MOST_ENTRIES, 0),
        "requests": round(total),
        "slower": read_slower(minutes, offenders),
        "offenders": _offenders(window, offenders, total),
        "repeats": _repeats(minutes, requests),
        "pairs": _pairs(minutes),
    }


def _entries(found: Sequence[Found], window: PageWindow) -> list[EntryRow]:
    """Those with most requests that are not normal first."""
    rows: dict[Entry, EntryRow] = {}
    for each in found:
        entry = Entry(str(each.fields[0]), str(each.fields[1]))
        row = rows.setdefault(entry, EntryRow(entry, search_of(window, entry)))
        row.total += each.merged.count
        row.shares[str(each.fields[2])] = each
    return sorted(rows.values(), key=lambda row: (-row.amiss, -row.total, row.entry))


def _offenders(
    window: PageWindow, found: list[Found], requests: float
) -> list[OffenderRow]:
    excess = _counts(OFFENDER_EXCESS, window.minutes)
    total = sum(each.merged.histogram.sum_nano for each in found) or 1.0
    found = sorted(found, key=lambda each: -each.merged.histogram.sum_nano)
    rows = []
    for each in found[:MOST_OFFENDERS]:
        service, name, callee = map(str, each.fields)
        share = each.merged.histogram.sum_nano / total
        search = search_of(window, Entry(service, name), sort="longest")
        beyond = excess.get(each.fields)
        rows.append(
            OffenderRow(service, name, callee, each, beyond, share, requests, search)
        )
    return rows


def _counts(kind: str, minutes: Minutes) -> dict[Fields, float]:
    return {each.fields: each.merged.count for each in read_measures(kind, minutes)}


def _repeats(minutes: Minutes, requests: dict[Entry, float]) -> list[RepeatRow]:
    """Those on which requests waited longest first."""
    found = read_measures(REPEAT, minutes)
    found.sort(key=lambda each: -each.merged.histogram.sum_nano)
    calls = {each.fields: each for each in read_measures(REPEAT_CALLS, minutes)}
    savings = _counts(REPEAT_SAVING, minutes)
    return [
        RepeatRow(
            _finding(each, calls[each.fields], savings.get(each.fields, 0), requests)
        )
        for each in found[:MOST_REPEATS]
        if each.fields in calls
    ]


def _finding(
    found: Found, calls: Found, saving: float, requests: dict[Entry, float]
) -> Finding:
    """The saving is for one request, on the average."""
    service, name, holder, held, what, peer, kind = map(str, found.fields)
    entry, count = Entry(service, name), found.merged.count or 1
    number = calls.merged.histogram
    return Finding(
        entry=entry,
        holder=Entry(holder, held),
        what=what,
        peer=peer,
        kind=RepeatKind(kind),
        share=min(found.merged.count / (requests.get(entry) or count), 1),
        median_calls=round(number.quantile(0.5) or 0),
        most_calls=number.max_nano,
        on_path_nano=found.merged.histogram.quantile(0.5) or 0,
        saving_nano=saving / count,
        correlation=None,
        exemplars=tuple(merged_details(found.merged.details).get("traces", ())),
    )


def _pairs(minutes: Minutes) -> list[PairRow]:
    savings: dict[Fields, float] = defaultdict(float, _counts(SERIAL_SAVING, minutes))
    found = read_measures(SERIAL, minutes)
    found.sort(key=lambda each: -savings[each.fields])
    rows = []
    for each in found[:MOST_PAIRS]:
        service, name, first, second = map(str, each.fields)
        details = merged_details(each.merged.details)
        rows.append(
            PairRow(
                Entry(service, name),
                first,
                second,
                round(each.merged.count),
                savings[each.fields] / (each.merged.count or 1),
                details.get("trace", ""),
                details.get("witness", ""),
            )
        )
    return rows
