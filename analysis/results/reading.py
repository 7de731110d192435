"""Measures of a window of minutes, hours taken whole where they are put together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
from django.db.models import Min, Q, QuerySet, Sum

from analysis.measured import LEFT_OUT, Fields
from analysis.models import AnalysedMinute, ChangedMinute, Measure, Subject
from analysis.results.batches import batches
from analysis.results.measures import (
    HOUR,
    MINUTE,
    NANO_PER_MINUTE,
    digest_of,
    fields_of,
)
from analysis.results.merging import (
    FIELDS,
    MeasureRow,
    Merged,
    merge_by_subject,
    merge_rows,
)
from traces.query import Window
from traces.store.base import QueryTooExpensive
from traces.store.catalogue import guarded

Row = TypeVar("Row", bound=tuple[object, ...])

_MOST_NUMBERED: Final = 5_000
# Some 300 MB. Hours that are put together make a week of everything far less.
MOST_ROWS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Minutes:
    """Whole minutes [first, last) since the epoch."""

    first: int
    last: int

    @classmethod
    def of(cls, window: Window) -> "Minutes":
        """All minutes that the window touches."""
        return cls(
            window.start_time_unix_nano // NANO_PER_MINUTE,
            -(-window.end_time_unix_nano // NANO_PER_MINUTE),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured of a subject over the minutes."""

    fields: Fields
    merged: Merged


@dataclass(frozen=True, slots=True)
class Counted:
    """How much was measured of a subject over the minutes, without its durations."""

    fields: Fields
    count: float
    failed: float


@guarded
def read_measures(
    kind: str,
    minutes: Minutes,
    *,
    group: Fields | None = None,
    fields: Fields | None = None,
) -> list[Found]:
    """Of every subject that occurs, in the order of their fields: all of the kind, those
    of a group, or the one with these fields."""
    return found_of(_rows(_chosen(kind, group, fields), minutes))


@guarded
def read_counts(kind: str, minutes: Minutes) -> list[Counted]:
    """Of every subject of the kind, in the order of their fields. The database adds up,
    which costs a fraction of what histograms do."""
    sums = {
        id_: each
        for part in _measures(_chosen(kind, None, None), minutes)
        for id_, *each in _few(
            part.values_list("subject_id").annotate(Sum("count"), Sum("failed"))
        )
    }
    names = _fields(list(sums))
    found = [Counted(names[id_], *each) for id_, each in sums.items()]
    return sorted(found, key=lambda each: tuple(map(str, each.fields)))


@guarded
def read_some(kind: str, minutes: Minutes, among: Collection[Fields]) -> list[Found]:
    """Of those of these subjects that occur, in the order of their fields."""
    rows: list[MeasureRow] = []
    digests = [digest_of(kind, fields) for fields in among]
    for some in batches(digests):
        rows += _rows(Q(digest__in=some), minutes)
    return found_of(rows)


def rows_within(kind: str, minutes: Minutes) -> list[MeasureRow]:
    return _rows(_chosen(kind, None, None), minutes)


def found_of(rows: Sequence[MeasureRow]) -> list[Found]:
    """The rows merged by their subjects, in the order of the subjects' fields."""
    ids, merged = merge_by_subject(rows)
    names = _fields(ids)
    found = [Found(names[at], each) for at, each in zip(ids, merged, strict=True)]
    return sorted(found, key=lambda each: tuple(map(str, each.fields)))


@guarded
def read_hours(
    kind: str, minutes: Minutes, *, only: Sequence[Fields] | None = None
) -> list[Found]:
    """Of the hours within that are put together, and nothing else: of all subjects, or
    of a few."""
    subjects = Q(subject__kind=kind)
    if only is not None:
        subjects = Q(subject__digest__in=[digest_of(kind, each) for each in only])
    hours = Q(minutes=HOUR, minute__in=_whole_hours(minutes))
    rows = Measure.objects.filter(subjects & hours)
    return found_of(list(map(MeasureRow._make, rows.values_list(*FIELDS))))


class LeftOut(NamedTuple):
    """At least so many in one minute; `of` is the service of span names, else empty."""

    what: str
    of: str
    most: int


def read_left_out(minutes: Minutes, *whats: str) -> list[LeftOut]:
    """What was beyond the limits of its minute, all of it unless named, the most first."""
    chosen: list[Fields | None] = [(what,) for what in whats] or [None]
    found = [
        f for group in chosen for f in read_measures(LEFT_OUT, minutes, group=group)
    ]
    told = [
        LeftOut(str(each.fields[0]), _service_of(each), each.merged.histogram.max_nano)
        for each in found
    ]
    return sorted(told, key=lambda each: (-each.most, each))


def _service_of(found: Found) -> str:
    return str(found.fields[1]) if len(found.fields) > 1 else ""


@guarded
def first_minutes(kind: str) -> dict[Fields, int]:
    """By the fields of each subject, the first minute it is known to have been seen."""
    found: dict[Fields, int] = {}
    for part in parts_of(_chosen(kind, None, None)):
        rows = Measure.objects.filter(part, minutes=MINUTE)
        firsts = rows.values_list("subject__fields").annotate(first=Min("minute"))
        found |= {fields_of(text): first for text, first in firsts}
    return found


@guarded
def read_steps(
    kind: str, fields: Fields, minutes: Minutes, step_minutes: int
) -> list[Merged]:
    """One subject's measures in steps from the first minute on; some may be empty."""
    count = -(-(minutes.last - minutes.first) // step_minutes)
    aligned = step_minutes % HOUR == 0 and minutes.first % HOUR == 0
    rows = _rows(_chosen(kind, None, fields), minutes, use_hours=aligned)
    step = [(row.minute - minutes.first) // step_minutes for row in rows]
    return merge_rows(rows, np.array(step, np.int64), count)


@guarded
def waiting_in(minutes: Minutes) -> int:
    """How many of the minutes have spans that are not analysed yet."""
    within = Q(minute__gte=minutes.first, minute__lt=minutes.last)
    return ChangedMinute.objects.filter(within, minutes=MINUTE).count()


def _chosen(kind: str, group: Fields | None, fields: Fields | None) -> Q:
    if fields is not None:
        return Q(digest=digest_of(kind, fields))
    if group is not None:
        return Q(kind=kind, group=digest_of(kind, group))
    return Q(kind=kind)


def _rows(subjects: Q, minutes: Minutes, *, use_hours: bool = True) -> list[MeasureRow]:
    found: list[MeasureRow] = []
    for part in _measures(subjects, minutes, use_hours=use_hours):
        rows = _few(part.values_list(*FIELDS), MOST_ROWS - len(found))
        found += map(MeasureRow._make, rows)
    return found


def _few(rows: QuerySet[Measure, Row], most: int = MOST_ROWS) -> list[Row]:
    found = list(rows[: most + 1])
    if len(found) > most:
        message = f"there are more than {MOST_ROWS:,} rows of results"
        raise QueryTooExpensive(f"{message}; choose a shorter time range")
    return found


def _measures(
    subjects: Q, minutes: Minutes, *, use_hours: bool = True
) -> list[QuerySet[Measure]]:
    """Of these subjects within the minutes, in parts that share no subject."""
    hours = _whole_hours(minutes) if use_hours else []
    chosen = Q(minutes=HOUR, minute__in=hours)
    for first, last in _gaps(minutes, hours):
        chosen |= Q(minutes=MINUTE, minute__gte=first, minute__lt=last)
    return [Measure.objects.filter(chosen, each) for each in parts_of(subjects)]


def parts_of(subjects: Q) -> list[Q]:
    """Conditions on measures that together choose those of the subjects.

    They name the subjects by number: SQLite then reads their rows, and not those of all
    subjects in the minutes. Of very many it may as well read all.
    """
    known = Subject.objects.filter(subjects)
    ids = list(known.values_list("id", flat=True)[: _MOST_NUMBERED + 1])
    if len(ids) > _MOST_NUMBERED:
        return [Q(subject__in=known)]
    return [Q(subject__in=some) for some in batches(ids)]


def _whole_hours(minutes: Minutes) -> list[int]:
    """The hours within that are put together and have not changed since."""
    first, last = -(-minutes.first // HOUR) * HOUR, minutes.last - HOUR
    within = Q(minutes=HOUR, minute__gte=first, minute__lte=last)
    changed = ChangedMinute.objects.filter(within).values("minute")
    rows = AnalysedMinute.objects.filter(within).exclude(minute__in=changed)
    return sorted(rows.values_list("minute", flat=True))


def _gaps(minutes: Minutes, hours: Sequence[int]) -> list[tuple[int, int]]:
    borders = [
        minutes.first,
        *(at for h in hours for at in (h, h + HOUR)),
        minutes.last,
    ]
    pairs = zip(borders[::2], borders[1::2], strict=True)
    return [(first, last) for first, last in pairs if first < last]


def _fields(ids: Sequence[int]) -> dict[int, Fields]:
    found: dict[int, Fields] = {}
    for some in batches(ids):
        rows = Subject.objects.filter(id__in=some)
        found |= {
            key: fields_of(text) for key, text in rows.values_list("id", "fields")
        }
    return found
