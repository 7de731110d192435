"""Counters that only grow: all that was measured since the beginning, for Prometheus.

Hours that are long past are folded into one row a subject. What still comes for them is
on the pages but not in the counters, which may not go down or jump.
"""

from typing import Final

from django.db import transaction
from django.db.models import Min

from analysis.limits import Limits
from analysis.models import AnalysedMinute, Measure
from analysis.results.changes import minute_of
from analysis.results.folding import fold as fold_names
from analysis.results.measures import HOUR, MINUTE, write
from analysis.results.merging import FIELDS, MeasureRow
from analysis.results.reading import Found, Minutes, found_of, rows_within
from analysis.results.saving import merged_rows, rows_of
from traces.store.catalogue import guarded, now

TOTAL: Final = 0
FOLDED_AFTER_MINUTES: Final = 6 * HOUR
# Of all time; more than a scrape tells of.
LIMITS: Final = Limits(services=2_000, names_of_service=1_000, names=10_000)


@guarded
def read_totals(kind: str) -> list[Found]:
    """Of every subject of the kind, everything since the beginning."""
    rows = _folded(kind)
    start = _folded_until()
    if start is not None:
        rows += rows_within(kind, Minutes(start, _this_minute() + HOUR))
    return found_of(rows)


@guarded
def fold(kind: str) -> int:
    """Put past hours into the totals, each once; how many those were."""
    start = _folded_until()
    if start is None:
        return 0
    last = (_this_minute() - FOLDED_AFTER_MINUTES) // HOUR * HOUR
    hours = range(start, last, HOUR)
    for hour in hours:
        _fold_hour(kind, hour)
    return len(hours)


def _fold_hour(kind: str, hour: int) -> None:
    with transaction.atomic():
        mark = _lock(hour)
        if mark.minute != hour:
            return  # another worker was first
        known = _folded(kind)
        rows = known + rows_within(kind, Minutes(hour, hour + HOUR))
        # A counter that is there goes on; only new ones may be too many.
        folded = fold_names(rows, LIMITS, {row.subject_id for row in known})
        fresh = (
            merged_rows(rows)
            if folded is None
            else rows_of([each for each in folded if each.kind == kind])
        )
        Measure.objects.filter(subject__kind=kind, minutes=TOTAL).delete()
        write(fresh, TOTAL, 0)
        mark.minute, mark.analysed_at = hour + HOUR, now()
        mark.save()


def _lock(first: int) -> AnalysedMinute:
    """The row that says, as its minute, which hour is to be folded next."""
    marks = AnalysedMinute.objects.select_for_update().filter(minutes=TOTAL)
    mark = marks.first()
    if mark is None:
        AnalysedMinute.objects.get_or_create(
            minutes=TOTAL, minute=first, defaults={"analysed_at": now()}
        )
        mark = marks.get()
    return mark


def _folded(kind: str) -> list[MeasureRow]:
    rows = Measure.objects.filter(subject__kind=kind, minutes=TOTAL)
    return list(map(MeasureRow._make, rows.values_list(*FIELDS)))


def _folded_until() -> int | None:
    """The first minute that is in no total; None when nothing was measured yet."""
    mark = AnalysedMinute.objects.filter(minutes=TOTAL).first()
    if mark is not None:
        return mark.minute
    rows = AnalysedMinute.objects.filter(minutes=MINUTE)
    first: int | None = rows.aggregate(first=Min("minute"))["first"]
    return None if first is None else first // HOUR * HOUR


def _this_minute() -> int:
    return minute_of(int(now().timestamp() * 1e9))
