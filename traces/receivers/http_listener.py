"""uvicorn on a socket that is bound already, within somebody else's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from traces.receivers.http_protocol import BoundedHttpProtocol

BACKLOG = 1024
_KEEP_ALIVE_SECONDS = 60


class _HttpServer(uvicorn.Server):
    """Leaves the signals to us: the group commit has to drain first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpListener:
    """Serves an ASGI application; see `server.Listener`."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        self._app = app
        self._socket = listening
        self._server: _HttpServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        self._server = _HttpServer(_config(self._app))
        self._task = asyncio.create_task(self._server.serve([self._socket]))

    async def ended(self) -> None:
        assert self._task
        await asyncio.shield(self._task)

    def close_intake(self) -> None:
        """Every request is answered, so there is nothing to take in quickly."""

    async def stop(self, grace_seconds: float) -> None:
        assert self._server
        assert self._task
        self._server.config.timeout_graceful_shutdown = int(grace_seconds)
        self._server.should_exit = True
        await self._task


def _config(app: Any) -> uvicorn.Config:
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
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


def listening_socket(family: int, address: Any) -> socket.socket:
    """Bound and listening, so that a busy port shows at once; raises OSError."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
