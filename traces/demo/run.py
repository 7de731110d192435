"""Starts the shop's processes, knows when they are ready, and ends them in order."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from traces.demo import environment
from traces.demo.queue import pending

WEB_SERVICES = ("gateway", "auth", "payment", "database", "orders")
QUEUE_SERVICES = ("email",)
# One service already speaks today's HTTP attribute names, as in a fleet being upgraded.
NEW_HTTP_NAMES = ("auth",)
READY_TIMEOUT_SECONDS = 60.0
DRAIN_TIMEOUT_SECONDS = 10.0
STOP_TIMEOUT_SECONDS = 15.0
BACKLOG = 128
PROJECT = Path(__file__).resolve().parents[2]


class ShopFailed(Exception):
    """A process of the shop did not start or ended by itself."""


class Shop:
    """The running shop: entered, its processes serve; left, they have flushed and ended.

    `endpoint` and `protocol` are what OTEL_EXPORTER_OTLP_ENDPOINT and _PROTOCOL take.
    """

    def __init__(self, endpoint: str, protocol: str = "grpc") -> None:
        self.endpoint = endpoint
        self.protocol = protocol
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="shop-")
        self.spool = Path(self._folder.name)
        try:
            self._start()
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def gateway_url(self) -> str:
        """Where customers call."""
        return self.urls["gateway"]

    def check(self) -> None:
        """`ShopFailed` if a process has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise ShopFailed(f"the {name} process ended by itself")

    def drain(self) -> None:
        """Waits, for a while, until the queue is empty."""
        deadline = time.monotonic() + DRAIN_TIMEOUT_SECONDS
        while pending(self.spool) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _start(self) -> None:
        # Listening before any child runs: no port can be lost to someone else, and a
        # call to a service that still starts waits in its backlog.
        listeners = {name: _listener() for name in WEB_SERVICES}
        self.urls = {name: _url(listener) for name, listener in listeners.items()}
        for name in WEB_SERVICES + QUEUE_SERVICES:
            self.children[name] = self._child(name, listeners.get(name))
        for listener in listeners.values():
            listener.close()

    def _child(
        self, name: str, listener: socket.socket | None
    ) -> subprocess.Popen[bytes]:
        inherited = () if listener is None else (listener.fileno(),)
        return subprocess.Popen(
            [sys.executable, "-m", f"traces.demo.{name}"],
            cwd=PROJECT,
            env=self._environment(name, inherited),
            stdin=subprocess.PIPE,
            pass_fds=inherited,
            # Ctrl-C is for the parent alone; it ends the children in order.
            process_group=0,
        )

    def _environment(self, name: str, inherited: tuple[int, ...]) -> dict[str, str]:
        shop = {environment.url_of(peer): url for peer, url in self.urls.items()}
        shop[environment.SPOOL] = str(self.spool)
        shop[environment.OTLP_PROTOCOL] = self.protocol
        shop[environment.OTLP_ENDPOINT] = self.endpoint
        shop[environment.HTTP_NAMES] = "http" if name in NEW_HTTP_NAMES else ""
        shop[environment.GRPC_VERBOSITY] = "NONE"
        shop["NO_PROXY"] = _no_proxy()
        if inherited:
            shop[environment.LISTEN_FD] = str(inherited[0])
        return _without_telemetry() | shop

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        waiting = list(WEB_SERVICES)
        while waiting:
            self.check()
            if time.monotonic() > deadline:
                raise ShopFailed(f"{waiting[0]} did not start in time")
            if _answers(self.urls[waiting[0]]):
                waiting.pop(0)

    def _stop(self) -> None:
        self.drain()
        for child in self.children.values():
            _tell_to_stop(child)
        for child in self.children.values():
            _end(child)
        self._folder.cleanup()


def _without_telemetry() -> dict[str, str]:
    """Our environment less its OTEL_ variables: the shop is set up by its own."""
    return {key: value for key, value in os.environ.items() if key[:5] != "OTEL_"}


def _no_proxy() -> str:
    names = ("127.0.0.1", "localhost", os.environ.get("NO_PROXY"))
    return ",".join(name for name in names if name)


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            session.get(f"{url}/healthz", timeout=1)
        except requests.RequestException:
            return False
    return True


def _tell_to_stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
