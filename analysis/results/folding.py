"""An hour, or a total, of more names than one minute may have: the rest is added up.

Each minute is within the limits, but sixty of them may each have names of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from analysis.histogram import merge
from analysis.limits import OTHER_NAMES, OTHER_SERVICES, Kept, Limits, Named, keep
from analysis.measured import (
    CAUSE,
    CAUSE_COUNT,
    EDGE,
    EDGE_CLIENT,
    EDGE_COUNT,
    EDGE_GAP,
    EDGES,
    ENTRY,
    NAMES,
    OFFENDER,
    OFFENDER_EXCESS,
    OPERATION,
    REPEAT,
    REPEAT_CALLS,
    REPEAT_SAVING,
    REQUEST,
    SERIAL,
    SERIAL_SAVING,
    SERVICE_PATH,
    SERVICES,
    VERDICT,
    Fields,
    Measured,
    left_out,
)
from analysis.models import Subject
from analysis.nodes import OTHERS
from analysis.peers import NodeType
from analysis.results.batches import batches
from analysis.results.measures import fields_of, merged_details
from analysis.results.merging import MeasureRow, merge_rows

# Where in the fields of a kind a service and a span name stand, one after the other.
_PAIRS: Final[Mapping[str, tuple[int, ...]]] = {
    **dict.fromkeys((OPERATION, ENTRY, REQUEST, VERDICT), (0,)),
    **dict.fromkeys((OFFENDER, OFFENDER_EXCESS, SERIAL, SERIAL_SAVING), (0,)),
    **dict.fromkeys((CAUSE, CAUSE_COUNT), (0, 2)),
    **dict.fromkeys((REPEAT, REPEAT_CALLS, REPEAT_SAVING), (0, 2)),
}
_EDGES: Final = frozenset((EDGE, EDGE_CLIENT, EDGE_GAP, EDGE_COUNT))
_GROUPED: Final = {OPERATION: 1, ENTRY: 1, SERVICE_PATH: 1, EDGE_COUNT: 5}

_PINNED: Final = 1e300

# By id, kind and fields.
Subjects: TypeAlias = dict[int, tuple[str, Fields]]


@dataclass(frozen=True, slots=True)
class Told:
    """What keeps an entry of its own. All edges do where there are few."""

    services: set[str]
    pairs: set[tuple[str, str]]
    edges: set[Fields] | None

    def subject(self, kind: str, fields: Fields) -> Fields:
        if kind in _EDGES:
            return self._edge(fields)
        if kind == SERVICE_PATH:
            return tuple(map(self._service, fields))
        told = list(fields)
        for at in _PAIRS.get(kind, ()):
            told[at : at + 2] = self._pair(*fields[at : at + 2])
        if kind in (OFFENDER, OFFENDER_EXCESS) and fields[2]:
            told[2] = self._service(fields[2])
        return tuple(told)

    def _service(self, name: str | int) -> str | int:
        return name if name in self.services else OTHER_SERVICES

    def _pair(self, service: str | int, name: str | int) -> tuple[str | int, ...]:
        known = (service, name) in self.pairs
        return self._service(service), name if known else OTHER_NAMES

    def between(self, fields: Fields) -> Fields:
        caller, caller_type, callee, callee_type, *rest = fields
        if caller_type == NodeType.SERVICE:
            caller = self._service(caller)
        if callee_type == NodeType.SERVICE:
            callee = self._service(callee)
        return (caller, caller_type, callee, callee_type, *rest)

    def _edge(self, fields: Fields) -> Fields:
        found = self.between(fields)
        if self.edges is None or found[:5] in self.edges:
            return found
        caller = found[0] if found[1] == NodeType.SERVICE else OTHERS
        return (caller, found[1], OTHERS, *found[3:])


def fold(
    rows: Sequence[MeasureRow], limits: Limits, pinned: Iterable[int] = ()
) -> list[Measured] | None:
    """The rows merged by what is told of them; None if nothing is beyond the limits.
    Subjects that are pinned keep an entry of their own."""
    ids = sorted({row.subject_id for row in rows})
    if len(ids) <= min(limits):
        return None
    subjects = _subjects(ids)
    spans = _spans(rows, subjects, set(pinned))
    named, kept = _kept(spans, limits)
    of_service = _lost(named, kept)
    told = Told(
        {
            n
            for n, is_kept in zip(named.services, kept.services, strict=True)
            if is_kept
        },
        {pair for pair, is_kept in zip(spans, kept.pairs, strict=True) if is_kept},
        None,
    )
    calls = _edge_calls(rows, subjects, told)
    edges_beyond = len(calls) - limits.edges
    if not of_service and edges_beyond <= 0:
        return None
    if edges_beyond > 0:
        most = sorted(calls, key=lambda each: (-calls[each], tuple(map(str, each))))
        told = replace(told, edges=set(most[: limits.edges]))
    services_beyond = len(kept.services) - len(told.services)
    return _with_left_out(
        _merged(rows, subjects, told),
        [
            *left_out(SERVICES, services_beyond),
            *left_out(EDGES, edges_beyond),
            *(m for s, count in of_service.items() for m in left_out(NAMES, count, s)),
        ],
    )


def _subjects(ids: Sequence[int]) -> Subjects:
    found: Subjects = {}
    for some in batches(ids):
        rows = Subject.objects.filter(id__in=some)
        for key, kind, text in rows.values_list("id", "kind", "fields"):
            found[key] = kind, fields_of(text)
    return found


def _spans(
    rows: Sequence[MeasureRow], subjects: Subjects, pinned: set[int]
) -> dict[tuple[str, str], float]:
    """Spans by service and name, but for what is added up already; of those that are
    pinned more than there can be."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        of, fields = subjects[row.subject_id]
        if of == OPERATION and fields[1] != OTHER_NAMES:
            pair = str(fields[0]), str(fields[1])
            found[pair] += _PINNED if row.subject_id in pinned else row.count
    return found


def _kept(spans: Mapping[tuple[str, str], float], limits: Limits) -> tuple[Named, Kept]:
    services = {each: at for at, each in enumerate(dict.fromkeys(s for s, _ in spans))}
    names = {each: at for at, each in enumerate(dict.fromkeys(n for _, n in spans))}
    named = Named(
        np.array([services[service] for service, _ in spans], np.int64),
        np.array([names[name] for _, name in spans], np.int64),
        np.array(list(spans.values()), np.float64),
        list(services),
        list(names),
    )
    return named, keep(named, limits)


def _lost(named: Named, kept: Kept) -> Counter[str]:
    """How many names are added up, by service."""
    own = kept.services.tolist()
    return Counter(
        named.services[service] if own[service] else OTHER_SERVICES
        for service in named.service[~kept.pairs].tolist()
    )


def _edge_calls(
    rows: Sequence[MeasureRow], subjects: Subjects, told: Told
) -> dict[Fields, float]:
    found: dict[Fields, float] = defaultdict(float)
    for row in rows:
        kind, fields = subjects[row.subject_id]
        if kind == EDGE and fields[2] != OTHERS:
            found[told.between(fields)] += row.count
    return found


def _merged(
    rows: Sequence[MeasureRow], subjects: Subjects, told: Told
) -> list[Measured]:
    new = {key: (kind, told.subject(kind, f)) for key, (kind, f) in subjects.items()}
    numbers: dict[tuple[str, Fields], int] = {}
    number = [numbers.setdefault(new[row.subject_id], len(numbers)) for row in rows]
    merged = merge_rows(rows, np.array(number, np.int64), len(numbers))
    return [
        Measured(
            kind,
            fields,
            fields[: _GROUPED.get(kind, 0)],
            each.count,
            each.failed,
            each.histogram,
            merged_details(each.details),
        )
        for (kind, fields), each in zip(numbers, merged, strict=True)
    ]


def _with_left_out(found: list[Measured], more: list[Measured]) -> list[Measured]:
    by_subject = {(each.kind, each.fields): each for each in found}
    for each in more:
        known = by_subject.get((each.kind, each.fields), each)
        parts = [known] if known is each else [known, each]
        both = merge([part.histogram for part in parts])
        by_subject[each.kind, each.fields] = replace(
            known, count=both.count, histogram=both
        )
    return list(by_subject.values())
