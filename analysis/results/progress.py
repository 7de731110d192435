"""How far the analysis is."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Sum

from analysis.models import AnalysedMinute, ChangedMinute
from analysis.results.measures import MINUTE, NANO_PER_MINUTE
from traces.store.catalogue import guarded


@dataclass(frozen=True, slots=True)
class Trouble:
    """A minute that could not be analysed, as often as told."""

    minute: int
    failures: int
    reason: str
    again_at: datetime

    @property
    def start_time_unix_nano(self) -> int:
        return self.minute * NANO_PER_MINUTE

    @property
    def again_at_unix_nano(self) -> int:
        return int(self.again_at.timestamp() * 1e9)


@dataclass(frozen=True, slots=True)
class Progress:
    """`spans` and `cpu_seconds` of all analysed minutes, as they were last analysed."""

    minutes: int
    spans: int
    cpu_seconds: float
    last_run: datetime | None
    last_minute: int | None
    waiting: int
    oldest_waiting: int | None
    troubles: tuple[Trouble, ...]

    @property
    def last_run_nano(self) -> int | None:
        return int(self.last_run.timestamp() * 1e9) if self.last_run else None

    @property
    def last_minute_nano(self) -> int | None:
        return None if self.last_minute is None else self.last_minute * NANO_PER_MINUTE

    @property
    def oldest_waiting_nano(self) -> int | None:
        oldest = self.oldest_waiting
        return None if oldest is None else oldest * NANO_PER_MINUTE


@guarded
def read_progress(most_troubles: int = 20) -> Progress:
    done = AnalysedMinute.objects.filter(minutes=MINUTE).aggregate(
        minutes=Count("id"),
        spans=Sum("span_count"),
        cpu_seconds=Sum("cpu_seconds"),
        last_run=Max("analysed_at"),
        last_minute=Max("minute"),
    )
    changed = ChangedMinute.objects.filter(minutes=MINUTE)
    waiting = changed.aggregate(waiting=Count("id"), oldest_waiting=Min("minute"))
    failing = changed.filter(failures__gt=0).order_by("minute")[:most_troubles]
    troubles = tuple(
        Trouble(row.minute, row.failures, row.trouble, row.claimed_until)
        for row in failing
    )
    done |= {"spans": done["spans"] or 0, "cpu_seconds": done["cpu_seconds"] or 0.0}
    return Progress(**done, **waiting, troubles=troubles)
