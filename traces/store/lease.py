"""A lease in the database: one worker at a time does a piece of background work.

It saves doing work twice; it is not what makes doing it twice harmless (that is the
swap in `catalogue.replace`, which only one of two can win).
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from traces.models import Lease
from traces.store.catalogue import guarded, now

DURATION: Final = timedelta(seconds=120)


class HeldElsewhere(Exception):
    """Another worker holds the lease."""


class HeldLease:
    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder

    @guarded
    def renew(self) -> None:
        """Raises HeldElsewhere when it ran out and another worker took it."""
        mine = Lease.objects.filter(name=self.name, holder=self.holder)
        if not mine.update(expires_at=now() + DURATION):
            raise HeldElsewhere

    @guarded
    def finish(self, trouble: str = "") -> None:
        """Record that the work was done, or with `trouble` why it was refused."""
        mine = Lease.objects.filter(name=self.name, holder=self.holder)
        if trouble:
            mine.update(trouble=trouble[:500])
        else:
            mine.update(last_finished_at=now(), trouble="")

    @guarded
    def let_go(self) -> None:
        mine = Lease.objects.filter(name=self.name, holder=self.holder)
        mine.update(holder="", expires_at=now())


@contextmanager
def held(name: str) -> Iterator[HeldLease]:
    """Hold the lease within the block. Raises HeldElsewhere."""
    lease = HeldLease(name, f"{_this_process()}:{secrets.token_hex(4)}")
    if not _take(name, lease.holder):
        raise HeldElsewhere
    try:
        yield lease
    finally:
        lease.let_go()


@guarded
def last_finished(name: str) -> datetime | None:
    rows = Lease.objects.filter(name=name).values_list("last_finished_at", flat=True)
    return rows.first()


@guarded
def troubles() -> dict[str, str]:
    """What background work refuses to do, by the lease's name."""
    rows = Lease.objects.exclude(trouble="").values_list("name", "trouble")
    return dict(rows)


@guarded
def _take(name: str, holder: str) -> bool:
    _make_row(name)
    current = Lease.objects.get(name=name)
    free = Q(holder="") | Q(expires_at__lte=now())
    # A clock set back must not keep a lease for hours.
    free |= Q(expires_at__gt=now() + 2 * DURATION)
    if _is_dead(current.holder):
        free |= Q(holder=current.holder)
    chosen = Lease.objects.filter(free, name=name)
    return bool(chosen.update(holder=holder, expires_at=now() + DURATION))


def _make_row(name: str) -> None:
    if Lease.objects.filter(name=name).exists():
        return
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, expires_at=now())
    except IntegrityError:
        return


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_started_at(os.getpid())}"


def _is_dead(holder: str) -> bool:
    """Whether the holder certainly died: a process of this machine that is no more."""
    host, _, rest = holder.partition(":")
    if host != socket.gethostname():
        return False
    pid, started_at, _ = rest.split(":")
    return _started_at(int(pid)) != started_at


def _started_at(pid: int) -> str:
    """Tells a process from a later one with the same number; empty when it is dead."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return _signalled(pid)


def _signalled(pid: int) -> str:
    """Without /proc: whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
