"""What the ingest processes have counted, kept in the database for the pages.

A process reports every few seconds under a name of its own, so counts of several, and of
one that was restarted, add up. A report that cannot be written is left out: the next one
says more.
"""

import json
import logging
import os
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError, connections
from django.utils import timezone

from traces.models import IngestReport
from traces.receivers.counters import Counters
from traces.store.base import StoreUnavailable

log = logging.getLogger(__name__)

REPORT_SECONDS: Final = 5
KEPT: Final = timedelta(days=1)
# Who has not reported for so long does not run any more.
SILENT: Final = timedelta(seconds=60)


@dataclass(slots=True)
class Totals:
    """Of one encoding: spans, then requests and datagrams by outcome or reason."""

    received: int = 0
    stored: int = 0
    failed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    unsent: Counter[str] = field(default_factory=Counter)

    @property
    def rejected_spans(self) -> int:
        return self.rejected.total()

    @property
    def lost_datagrams(self) -> int:
        return self.lost.total()


@dataclass(frozen=True, slots=True)
class Received:
    """What all processes of the last day counted, by encoding."""

    totals: dict[str, Totals]
    since: datetime | None
    running: int

    @property
    def since_nano(self) -> int | None:
        return int(self.since.timestamp()) * 10**9 if self.since else None


@contextmanager
def reporting(counters: Counters) -> Iterator[None]:
    """Within the block the counters are reported, and once more at its end."""
    name = f"{socket.gethostname()[:80]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
    started_at = timezone.now()
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(REPORT_SECONDS):
            save_report(name, started_at, counters)
        save_report(name, started_at, counters)
        connections.close_all()

    thread = threading.Thread(target=work, name="ingest-reports")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def save_report(name: str, started_at: datetime, counters: Counters) -> None:
    now = timezone.now()
    values = {
        "started_at": started_at,
        "reported_at": now,
        "counts": json.dumps(snapshot(counters)),
    }
    try:
        IngestReport.objects.update_or_create(name=name, defaults=values)
        IngestReport.objects.filter(reported_at__lt=now - KEPT).delete()
    except DatabaseError as error:
        log.debug("counters are not reported: %s", error)
        connections.close_all()


def snapshot(counters: Counters) -> dict[str, dict[str, Any]]:
    """By encoding, those of which nothing came left out."""
    found: dict[str, dict[str, Any]] = {}
    for what in ("received", "stored", "failed"):
        for encoding, count in getattr(counters, what).copy().items():
            found.setdefault(encoding, {})[what] = count
    for what in ("rejected", "requests", "lost", "unsent"):
        for (encoding, reason), count in getattr(counters, what).copy().items():
            found.setdefault(encoding, {}).setdefault(what, {})[reason] = count
    return found


def read_received() -> Received:
    """Raises StoreUnavailable."""
    now = timezone.now()
    try:
        reports = list(IngestReport.objects.filter(reported_at__gte=now - KEPT))
    except DatabaseError as error:
        raise StoreUnavailable("the database does not answer") from error
    totals: dict[str, Totals] = {}
    for report in reports:
        for encoding, counts in json.loads(report.counts).items():
            _add(totals.setdefault(encoding, Totals()), counts)
    return Received(
        totals=dict(sorted(totals.items())),
        since=min((report.started_at for report in reports), default=None),
        running=sum(report.reported_at >= now - SILENT for report in reports),
    )


def _add(totals: Totals, counts: dict[str, Any]) -> None:
    totals.received += counts.get("received", 0)
    totals.stored += counts.get("stored", 0)
    totals.failed += counts.get("failed", 0)
    totals.rejected.update(counts.get("rejected", {}))
    totals.requests.update(counts.get("requests", {}))
    totals.lost.update(counts.get("lost", {}))
    totals.unsent.update(counts.get("unsent", {}))
