"""The catalogue of segments in Django's database, the only module that queries it.

A database that is away or locked is tried again for a moment, then StoreUnavailable:
no caller ever sees a database error.
"""

import functools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    connection,
    transaction,
)
from django.db.models import Max, Min, Q, Sum

from traces.models import Segment
from traces.query import Window
from traces.store.base import StoreUnavailable
from traces.store.crash_points import reach
from traces.store.segment_facts import SegmentFacts

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

LIVE, REPLACED = Segment.State.LIVE, Segment.State.REPLACED
RETIRED, QUARANTINED = Segment.State.RETIRED, Segment.State.QUARANTINED
RETRY_AFTER_SECONDS: Final = (0.05, 0.2)
MAX_REASON: Final = 200


class SegmentRow(NamedTuple):
    """A catalogue row without its trace filter."""

    id: int
    name: str
    state: str
    state_reason: str
    level: int
    variant: bool
    mergeable: bool
    min_start_unix_nano: int
    max_start_unix_nano: int
    expires_from_unix_nano: int
    span_count: int
    byte_count: int
    checksum: str
    received_at: datetime


class StoredFile(NamedTuple):
    """A file that was written, for its row."""

    name: str
    level: int
    variant: bool
    byte_count: int
    checksum: str
    facts: SegmentFacts
    received_at: datetime | None = None
    """When its newest span came; None means now."""


class SegmentsGone(Exception):
    """What was to be replaced is no longer live: someone else was first."""


def guarded(operation: Callable[P, R]) -> Callable[P, R]:
    """Retry what a reconnect or a moment heals; else raise StoreUnavailable."""

    @functools.wraps(operation)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        for pause in RETRY_AFTER_SECONDS:
            try:
                return operation(*args, **kwargs)
            except IntegrityError:
                raise
            except (DatabaseError, InterfaceError):
                drop_broken_connection()
                time.sleep(pause)
        return last_attempt(*args, **kwargs)

    def last_attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except IntegrityError:
            raise
        except (DatabaseError, InterfaceError) as error:
            drop_broken_connection()
            logger.warning("the catalogue does not answer: %s", error)
            raise StoreUnavailable("the catalogue does not answer") from error

    return attempt


def drop_broken_connection() -> None:
    """Let the next query of this thread connect anew."""
    if not connection.in_atomic_block:
        connection.close()


def now() -> datetime:
    return datetime.now(UTC)


@guarded
def add(file: StoredFile) -> None:
    """Make a fresh segment visible; one that is there already stays as it is."""
    try:
        with transaction.atomic():
            _new_row(file).save(force_insert=True)
    except IntegrityError:
        if not Segment.objects.filter(name=file.name).exists():
            raise


def _new_row(file: StoredFile) -> Segment:
    moment = now()
    return Segment(
        name=file.name,
        level=file.level,
        variant=file.variant,
        byte_count=file.byte_count,
        checksum=file.checksum,
        received_at=file.received_at or moment,
        state_changed_at=moment,
        **{name: getattr(file.facts, name) for name in SegmentFacts.__slots__},
    )


@guarded
def live() -> list[SegmentRow]:
    return _rows(Q(state=LIVE))


@guarded
def readable_in(window: Window | None) -> list[SegmentRow]:
    """Live and quarantined segments that may hold a start in the window."""
    where = Q(state__in=[LIVE, QUARANTINED])
    if window is not None:
        where &= Q(min_start_unix_nano__lt=_clamped(window.end_time_unix_nano))
        where &= Q(max_start_unix_nano__gte=_clamped(window.start_time_unix_nano))
    return _rows(where)


def _clamped(nanoseconds: int) -> int:
    return max(-(2**63), min(nanoseconds, 2**63 - 1))


def _rows(*where: Q, order: Sequence[str] = ("id",)) -> list[SegmentRow]:
    rows = Segment.objects.filter(*where).order_by(*order)
    return [SegmentRow(*row) for row in rows.values_list(*SegmentRow._fields)]


@guarded
def every_row() -> list[SegmentRow]:
    return _rows(Q())


@guarded
def trace_filters(ids: Collection[int]) -> dict[int, bytes]:
    rows = Segment.objects.filter(id__in=ids).values_list("id", "trace_filter")
    return {row_id: bytes(content) for row_id, content in rows}


@guarded
def has_spans() -> bool:
    return Segment.objects.filter(state=LIVE).exists()


@guarded
def known_names(names: Iterable[str]) -> set[str]:
    rows = Segment.objects.filter(name__in=list(names))
    return set(rows.values_list("name", flat=True))


def unknown_names(names: Sequence[str], at_once: int = 500) -> list[str]:
    """Those without a row."""
    known: set[str] = set()
    for start in range(0, len(names), at_once):
        known |= known_names(names[start : start + at_once])
    return [name for name in names if name not in known]


@guarded
def unverified_for(age: timedelta) -> list[SegmentRow]:
    """All in quarantine, then live ones in the order of their last check."""
    return _rows(Q(state=QUARANTINED)) + _rows(
        Q(state=LIVE),
        Q(verified_at__isnull=True, received_at__lte=now() - age)
        | Q(verified_at__lte=now() - age),
        order=("verified_at", "id"),
    )


@guarded
def replace(old: Sequence[SegmentRow], new: Sequence[StoredFile]) -> None:
    """Show the new segments instead of the old, at once.

    Raises SegmentsGone, having changed nothing, when one of the old is not live.
    """
    with transaction.atomic():
        if _change_state(old, LIVE, REPLACED) != len(old):
            raise SegmentsGone
        for file in new:
            _new_row(file).save(force_insert=True)
        reach("compact:before-commit")
    reach("compact:swapped")


@guarded
def retire(rows: Sequence[SegmentRow], reason: str) -> int:
    """How many of them were still live."""
    with transaction.atomic():
        return _change_state(rows, LIVE, RETIRED, reason)


@guarded
def quarantine(row: SegmentRow, reason: str) -> bool:
    """False when the segment was not live any more."""
    changed = _change_state([row], LIVE, QUARANTINED, reason)
    if changed:
        logger.error("segment %s is quarantined: %s", row.name, reason)
    return bool(changed)


@guarded
def release(row: SegmentRow) -> None:
    """A quarantined segment turned out whole."""
    if _change_state([row], QUARANTINED, LIVE):
        logger.warning("segment %s is whole again", row.name)


def _change_state(
    rows: Sequence[SegmentRow], old: str, new: str, reason: str = ""
) -> int:
    chosen = Segment.objects.filter(id__in=[row.id for row in rows], state=old)
    return chosen.update(
        state=new, state_changed_at=now(), state_reason=reason[:MAX_REASON]
    )


@guarded
def leave_unmerged(rows: Sequence[SegmentRow]) -> None:
    chosen = Segment.objects.filter(id__in=[row.id for row in rows])
    chosen.update(mergeable=False)


@guarded
def mark_verified(row: SegmentRow) -> None:
    Segment.objects.filter(id=row.id).update(verified_at=now())


@guarded
def removable(grace: timedelta) -> list[SegmentRow]:
    """Replaced and retired segments that no query can still be reading."""
    return _rows(Q(state__in=[REPLACED, RETIRED], state_changed_at__lte=now() - grace))


@guarded
def forget(row: SegmentRow) -> None:
    """Drop the row of a file that is gone."""
    Segment.objects.filter(id=row.id, state__in=[REPLACED, RETIRED]).delete()


@guarded
def live_totals() -> dict[str, int]:
    """Spans, bytes and the age span of everything live; zeros when empty."""
    totals = Segment.objects.filter(state=LIVE).aggregate(
        span_count=Sum("span_count"),
        byte_count=Sum("byte_count"),
        min_start_unix_nano=Min("min_start_unix_nano"),
        max_start_unix_nano=Max("max_start_unix_nano"),
    )
    return {name: value or 0 for name, value in totals.items()}
