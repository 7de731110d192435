"""What of datagrams was lost before they could be read, as far as that shows."""

import os
import socket
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Final, NamedTuple

from traces.receivers.verdict import Sent

# Anybody may send anything: more clients, or larger numbers, are not believed.
MOST_CLIENTS: Final = 1_000
MOST_MISSING: Final = 100_000
MOST_DROPPED: Final = 10**9
_TABLES: Final = {
    socket.AF_INET: Path("/proc/net/udp"),
    socket.AF_INET6: Path("/proc/net/udp6"),
}
_INODE, _DROPS = 9, 12


class KernelDrops:
    """The datagrams that found the socket's buffer full."""

    def __init__(self, listening: socket.socket) -> None:
        self._table = _TABLES[listening.family]
        self._inode = str(os.fstat(listening.fileno()).st_ino)
        self._seen = 0

    def more(self) -> int:
        """How many since the last time; 0 where the system has no such table."""
        drops = self._read()
        more, self._seen = drops - self._seen, drops
        return max(more, 0)

    def _read(self) -> int:
        try:
            lines = self._table.read_text().splitlines()[1:]
        except OSError:
            return self._seen
        columns = (line.split() for line in lines)
        found = (int(each[_DROPS]) for each in columns if each[_INODE] == self._inode)
        return next(found, self._seen)


class Missing(NamedTuple):
    """Since a client was last heard: datagrams, and spans by reason."""

    datagrams: int
    dropped: Counter[str]


class Clients:
    """The numbers that clients give their datagrams, and how many spans they dropped."""

    def __init__(self) -> None:
        self._heard: OrderedDict[str, Sent] = OrderedDict()

    def __len__(self) -> int:
        return len(self._heard)

    def hear(self, sent: Sent) -> Missing:
        """Of a client that is heard for the first time nothing is missing, unless it
        says that it has just begun."""
        before = self._heard.pop(sent.client, None)
        self._heard[sent.client] = sent
        if len(self._heard) > MOST_CLIENTS:
            self._heard.popitem(last=False)
        if before is None:
            if sent.sequence != 1:
                return Missing(0, Counter())
            before = Sent(sent.client, 0, {})
        return Missing(_gap(before.sequence, sent.sequence), _growth(before, sent))


def _gap(before: int | None, now: int | None) -> int:
    """A number that is far ahead, or behind, begins a numbering of its own."""
    if before is None or now is None:
        return 0
    missing = now - before - 1
    return missing if 0 < missing <= MOST_MISSING else 0


def _growth(before: Sent, now: Sent) -> Counter[str]:
    grown = {
        reason: count - before.dropped.get(reason, 0)
        for reason, count in now.dropped.items()
    }
    return Counter(
        {r: count for r, count in grown.items() if 0 < count <= MOST_DROPPED}
    )
