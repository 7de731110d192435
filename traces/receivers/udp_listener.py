"""Spans in datagrams: nobody waits for an answer, so what is lost is counted."""

import asyncio
import contextlib
import logging
import socket
from functools import partial
from typing import Final

from traces.receivers.admission import Hold, Unavailable
from traces.receivers.datagram_loss import Clients, KernelDrops
from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.jaeger_thrift import EMIT_ZIPKIN_BATCH
from traces.receivers.verdict import Verdict
from traces.store.base import StoreError

log = logging.getLogger(__name__)

MAX_DATAGRAM_BYTES: Final = 65_000
MOST_WAITING: Final = 10_000
MOST_WAITING_BYTES: Final = 64 << 20

QUEUE_FULL: Final = "too many were waiting to be stored"
BUFFER_FULL: Final = "the socket's buffer was full"
NOT_NUMBERED: Final = "missing in the numbers that a client gives them"
NOT_READABLE: Final = "not readable"
TOO_LARGE: Final = f"larger than {MAX_DATAGRAM_BYTES:,} bytes"
STORE_AWAY: Final = "the spans could not be stored"
ZIPKIN: Final = f"{EMIT_ZIPKIN_BATCH}: Zipkin's spans are not taken here"

_BUFFER_BYTES = 16 << 20
_SO_RCVBUFFORCE = 33  # as SO_RCVBUF, past the system's limit, for who may
_AT_ONCE = 100
_LARGEST_DATAGRAM = 65_535
_CHECK_SECONDS = 1.0
# A method's name is within these bytes, in both protocols.
_HEAD_BYTES = 8 + len(EMIT_ZIPKIN_BATCH)
_ZIPKIN_NAME = EMIT_ZIPKIN_BATCH.encode()


class UdpListener:
    """Reads a bound socket; see `server.Listener`."""

    def __init__(
        self,
        ingest: GroupCommit,
        listening: socket.socket,
        encoding: Encoding,
        *,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._ingest, self._socket, self._encoding = ingest, listening, encoding
        self._most_waiting = most_waiting
        self._most_waiting_bytes = most_waiting_bytes
        self._waiting = self._waiting_bytes = 0
        self._away = False
        self._clients = Clients()
        self._drops = KernelDrops(listening)
        self._stopped = asyncio.Event()
        self._check: asyncio.TimerHandle | None = None
        listening.setblocking(False)  # noqa: FBT003 - the socket's own signature
        _enlarge_buffer(listening)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._read_some)
        self._check_drops()

    async def ended(self) -> None:
        await self._stopped.wait()

    def close_intake(self) -> None:
        """What is in the socket's buffer still goes to the store."""
        asyncio.get_running_loop().remove_reader(self._socket)
        for _ in range(self._most_waiting):
            if not self._read_one():
                break
        if self._check:
            self._check.cancel()
        self._lose(BUFFER_FULL, self._drops.more())

    async def stop(self, grace_seconds: float) -> None:
        self._socket.close()
        self._stopped.set()

    def _read_some(self) -> None:
        """Not all at once: the loop has others to serve."""
        for _ in range(_AT_ONCE):
            if not self._read_one():
                break

    def _read_one(self) -> bool:
        try:
            datagram = self._socket.recv(_LARGEST_DATAGRAM)
        except BlockingIOError:
            return False
        except OSError as error:
            log.warning("A datagram could not be received: %s", error)
            return False
        self._take(datagram)
        return True

    def _take(self, datagram: bytes) -> None:
        if len(datagram) > MAX_DATAGRAM_BYTES:
            self._lose(TOO_LARGE)
        elif _ZIPKIN_NAME in datagram[:_HEAD_BYTES]:
            self._lose(ZIPKIN)
        else:
            self._submit(datagram)

    def _submit(self, datagram: bytes) -> None:
        size = len(datagram)
        hold = self._ingest.inflight.hold()
        try:
            self._require_room(size)
            hold.add(size)
            answered = self._ingest.start(datagram, self._encoding)
        except Unavailable:
            hold.release()
            self._lose(QUEUE_FULL)
            return
        self._waiting += 1
        self._waiting_bytes += size
        answered.add_done_callback(partial(self._answered, hold, size))

    def _require_room(self, size: int) -> None:
        too_many = self._waiting >= self._most_waiting
        if too_many or self._waiting_bytes + size > self._most_waiting_bytes:
            raise Unavailable(QUEUE_FULL)

    def _answered(
        self, hold: Hold, size: int, answered: "asyncio.Future[Verdict]"
    ) -> None:
        hold.release()
        self._waiting -= 1
        self._waiting_bytes -= size
        try:
            verdict = answered.result()
        except (StoreError, Unavailable) as error:
            if not self._away:  # or a line for each of thousands
                log.warning("Datagrams cannot be stored and are lost: %s", error)
            self._away = True
            self._lose(STORE_AWAY)
            return
        self._away = False
        if verdict.error and not verdict.rejected:
            self._lose(NOT_READABLE)
        elif verdict.sent:
            missing = self._clients.hear(verdict.sent)
            self._lose(NOT_NUMBERED, missing.datagrams)
            for reason, spans in missing.dropped.items():
                self._ingest.counters.unsent[self._encoding, reason] += spans

    def _check_drops(self) -> None:
        self._lose(BUFFER_FULL, self._drops.more())
        loop = asyncio.get_running_loop()
        self._check = loop.call_later(_CHECK_SECONDS, self._check_drops)

    def _lose(self, reason: str, count: int = 1) -> None:
        if count:
            self._ingest.counters.lost[self._encoding, reason] += count


def _enlarge_buffer(listening: socket.socket) -> None:
    """Datagrams come in bursts, and wait here while a thread holds the interpreter."""
    for option in (socket.SO_RCVBUF, _SO_RCVBUFFORCE):
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
