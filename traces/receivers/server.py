"""Both OTLP listeners and the group commit, in one event loop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from typing import Any

import uvicorn

from traces.receivers.group_commit import GroupCommit
from traces.receivers.grpc_server import OtlpGrpc
from traces.receivers.http import OtlpHttp
from traces.receivers.http_protocol import BoundedHttpProtocol

_BACKLOG = 1024
# After the last group is written only answers remain to be sent.
_GRACE_SECONDS = 5
_KEEP_ALIVE_SECONDS = 60


class _HttpServer(uvicorn.Server):
    """Leaves the signals to us: the group commit has to drain first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class IngestServer:
    """Call `serve` in a running loop and `stop` from any callback of that loop."""

    def __init__(
        self,
        ingest: GroupCommit,
        http_socket: socket.socket,
        grpc_address: str,
        origins: Collection[str] = (),
    ) -> None:
        self.ingest = ingest
        self.grpc = OtlpGrpc(ingest, grpc_address)
        self._socket = http_socket
        self._http = _HttpServer(_http_config(OtlpHttp(ingest, origins)))
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
        await self.grpc.start()
        commits = asyncio.create_task(self.ingest.run())
        http = asyncio.create_task(self._http.serve([self._socket]))
        stopping = asyncio.create_task(self._stopping.wait())
        ready()
        parts = {commits, http, stopping}
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        self.ingest.drain()
        await commits
        self._http.should_exit = True
        await asyncio.gather(http, self.grpc.stop(_GRACE_SECONDS))
        stopping.cancel()


def _http_config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        loop="none",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def listening_socket(family: int, address: Any) -> socket.socket:
    """Bound and listening, so that a busy port shows at once; raises OSError."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
