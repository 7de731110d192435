"""Writing what was found of a minute: all of it in one transaction, or nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from analysis.measured import Measured
from analysis.models import AnalysedMinute, Measure, Subject
from analysis.results.batches import batches
from analysis.results.changes import Change, mark, unmark
from analysis.results.inserting import insert
from analysis.results.measures import (
    HOUR,
    MINUTE,
    digest,
    digest_of,
    merged_details,
    new_row,
    text_of,
    write,
)
from analysis.results.merging import MeasureRow, merge_by_subject
from traces.store.catalogue import guarded, now


class Effort(NamedTuple):
    span_count: int
    cpu_seconds: float


def rows_of(found: Sequence[Measured]) -> list[MeasureRow]:
    """Rows of no minute yet; subjects that are new are added."""
    digests = [digest(each) for each in found]
    ids = _subject_ids(dict(zip(digests, found, strict=True)))
    return [
        new_row(ids[key], (each.count, each.failed), each.histogram, each.details)
        for key, each in zip(digests, found, strict=True)
    ]


def merged_rows(rows: Sequence[MeasureRow]) -> list[MeasureRow]:
    """Rows of no minute yet, one a subject."""
    ids, merged = merge_by_subject(rows)
    return [
        new_row(
            subject_id,
            (each.count, each.failed),
            each.histogram,
            merged_details(each.details),
        )
        for subject_id, each in zip(ids, merged, strict=True)
    ]


@guarded
def replace(change: Change, rows: Sequence[MeasureRow], effort: Effort) -> None:
    """These rows instead of what is known of the minute. Twice changes nothing."""
    where = {"minutes": change.minutes, "minute": change.minute}
    with transaction.atomic():
        _lock(change)
        Measure.objects.filter(**where).delete()
        write(rows, change.minutes, change.minute)
        AnalysedMinute.objects.filter(**where).update(
            analysed_at=now(), **effort._asdict()
        )
        unmark(change)
        if change.minutes == MINUTE:
            mark(HOUR, [change.minute // HOUR * HOUR])


def _lock(change: Change) -> None:
    """Two that write the same minute at once do so one after the other."""
    where = {"minutes": change.minutes, "minute": change.minute}
    AnalysedMinute.objects.get_or_create(**where, defaults={"analysed_at": now()})
    AnalysedMinute.objects.select_for_update().get(**where)


@guarded
def _subject_ids(wanted: Mapping[str, Measured]) -> dict[str, int]:
    """By digest."""
    known = _known(list(wanted))
    new = [key for key in wanted if key not in known]
    rows = [
        (each.kind, key, text_of(each.fields), digest_of(each.kind, each.group))
        for key, each in ((key, wanted[key]) for key in new)
    ]
    insert(Subject, ("kind", "digest", "fields", "group"), rows, skip_known=True)
    return known | _known(new)


def _known(digests: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batches(digests):
        rows = Subject.objects.filter(digest__in=some)
        found |= dict(rows.values_list("digest", "id"))
    return found
