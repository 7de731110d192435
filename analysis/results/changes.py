"""Which minutes are to be analysed: marked when spans come, claimed by who does it.

A minute that changes while it is analysed stays marked, because only the state that
was read is unmarked. A claim that is not kept runs out.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NamedTuple

from django.db.models import F, Q, QuerySet

from analysis.models import ChangedMinute
from analysis.results.batches import batches
from analysis.results.measures import HOUR, MINUTE, NANO_PER_MINUTE
from traces.store.catalogue import guarded, now

CLAIM: Final = timedelta(minutes=5)
# What still arrives is better waited for than analysed twice.
SETTLE: Final = timedelta(seconds=10)
# An hour is put together once its last minute has settled, too.
HOUR_SETTLES_MINUTES: Final = 2
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(hours=1)


class Change(NamedTuple):
    """A minute, or an hour by its first minute, in the state in which it was read."""

    minutes: int
    minute: int
    changes: int


@guarded
def mark(minutes: int, numbers: Iterable[int]) -> None:
    moment = now()
    for chosen in batches(sorted(set(numbers))):
        rows = ChangedMinute.objects.filter(minutes=minutes, minute__in=chosen)
        rows.update(changes=F("changes") + 1, changed_at=moment)
        known = set(rows.values_list("minute", flat=True))
        ChangedMinute.objects.bulk_create(
            [
                ChangedMinute(
                    minutes=minutes,
                    minute=number,
                    changed_at=moment,
                    claimed_until=moment,
                )
                for number in chosen
                if number not in known
            ],
            ignore_conflicts=True,
        )


@guarded
def claim(*, settle: timedelta = SETTLE) -> Change | None:
    """The newest minute that is due, then hours; None when nothing is."""
    for row_id in _due(settle).values_list("id", flat=True)[:20]:
        moment = now()
        mine = ChangedMinute.objects.filter(id=row_id, claimed_until__lte=moment)
        if mine.update(claimed_until=moment + CLAIM):
            row = ChangedMinute.objects.filter(id=row_id).first()
            if row is not None:
                return Change(row.minutes, row.minute, row.changes)
    return None


def _due(settle: timedelta) -> QuerySet[ChangedMinute]:
    moment = now()
    complete = int(moment.timestamp()) // 60 - HOUR - HOUR_SETTLES_MINUTES
    ready = Q(minutes=MINUTE, changed_at__lte=moment - settle)
    ready |= Q(minutes=HOUR, minute__lte=complete)
    rows = ChangedMinute.objects.filter(ready, claimed_until__lte=moment)
    return rows.order_by("minutes", "-minute")


@guarded
def put_off(change: Change, trouble: str) -> None:
    """It could not be analysed; try again later, and ever later."""
    row = ChangedMinute.objects.filter(minutes=change.minutes, minute=change.minute)
    failures = row.values_list("failures", flat=True).first() or 0
    pause = min(FIRST_PAUSE * 2 ** min(failures, 20), LONGEST_PAUSE)
    row.update(
        failures=failures + 1, trouble=trouble[:300], claimed_until=now() + pause
    )


def unmark(change: Change) -> None:
    """Within a transaction: done, unless it has changed since it was read."""
    row = ChangedMinute.objects.filter(minutes=change.minutes, minute=change.minute)
    if not row.filter(changes=change.changes).delete()[0]:
        row.update(claimed_until=now(), failures=0, trouble="")


@guarded
def waiting() -> int:
    """Minutes that are still to be analysed."""
    return ChangedMinute.objects.filter(minutes=MINUTE).count()


def minute_of(time_unix_nano: int) -> int:
    return time_unix_nano // NANO_PER_MINUTE
