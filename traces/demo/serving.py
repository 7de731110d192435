"""The life of one service's process: serve or consume until told to stop, then flush.

A process is told to stop by the end of its standard input. The parent holds the other
end of that pipe, so the kernel closes it however the parent dies: no orphans.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from traces.demo import environment
from traces.demo.quiet import quieten_logs
from traces.demo.telemetry import start_telemetry, trace_requests_to

MAX_BODY_BYTES = 64 * 1024

stopping = threading.Event()


class QuietRequest(WSGIRequestHandler):
    """A request that writes no access log."""

    timeout = 5

    def log(self, *_arguments: object, **_options: object) -> None:
        """Says nothing."""

    def connection_dropped(self, *_arguments: object, **_options: object) -> None:
        """A caller that gave up waiting is part of the show."""


class Server(ThreadedWSGIServer):
    """Werkzeug's threaded server that finishes what it serves before it closes."""

    daemon_threads = False


def run_service(
    name: str, app: Flask, consume: Callable[[], None] | None = None
) -> None:
    """Serves `app`, and runs `consume` beside it, until told to stop."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.add_url_rule("/healthz", view_func=healthz)
    trace_requests_to(app)
    with traced_process(name), serving(app):
        (consume or stopping.wait)()


def healthz() -> dict[str, str]:
    """Answers once the service does; not traced."""
    return {"status": "ok"}


@contextmanager
def traced_process(name: str) -> Iterator[None]:
    """Telemetry around a body that ends when `stopping` is set; flushed at the end."""
    quieten_logs(name)
    stop_when_told()
    provider = start_telemetry(name)
    try:
        yield
    finally:
        provider.shutdown()


@contextmanager
def serving(app: Flask) -> Iterator[None]:
    """Serves `app` on the socket inherited from the parent, in threads."""
    listener = int(os.environ[environment.LISTEN_FD])
    server = Server("127.0.0.1", 0, app, QuietRequest, fd=listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def stop_when_told() -> None:
    """Sets `stopping` when the parent has closed our standard input, or is gone."""
    threading.Thread(target=_await_end_of_input, daemon=True).start()


def _await_end_of_input() -> None:
    # Not sys.stdin: its lock, held by a reading thread, stops the interpreter's exit.
    while os.read(0, 1024):
        pass
    stopping.set()
