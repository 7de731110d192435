"""All listeners and the group commit, in one event loop."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Protocol

from traces.receivers.group_commit import GroupCommit

# After the last group is written only answers remain to be sent.
_GRACE_SECONDS = 5


class Listener(Protocol):
    """One port on which spans arrive."""

    @property
    def port(self) -> int:
        """The bound one, also when 0 was asked for."""

    async def start(self) -> None: ...

    async def ended(self) -> object:
        """Returns when it has ended, on its own or because it was stopped."""

    def close_intake(self) -> None:
        """Before the drain: what came and waits for no answer goes to the store."""

    async def stop(self, grace_seconds: float) -> None:
        """After the drain: the last answers are sent, then it ends."""


class IngestServer:
    """Call `serve` in a running loop and `stop` from any callback of that loop."""

    def __init__(self, ingest: GroupCommit, listeners: Sequence[Listener]) -> None:
        self.ingest = ingest
        self.listeners = listeners
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    def stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def serve(self, ready: Callable[[], None]) -> None:
        """Until stopped: then new requests get 503, those in flight are finished.

        A part that ends on its own ends the server, so that it can be restarted.
        """
        for listener in self.listeners:
            await listener.start()
        commits = asyncio.create_task(self.ingest.run())
        watching: list[asyncio.Task[object]] = [
            asyncio.create_task(self._stopping.wait()),
            *(asyncio.create_task(listener.ended()) for listener in self.listeners),
        ]
        ready()
        await asyncio.wait({commits, *watching}, return_when=asyncio.FIRST_COMPLETED)
        for listener in self.listeners:
            listener.close_intake()
        self.ingest.drain()
        await commits
        await asyncio.gather(*(each.stop(_GRACE_SECONDS) for each in self.listeners))
        for task in watching:
            task.cancel()
