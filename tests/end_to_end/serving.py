"""The server as a person runs it, `manage.py serve`, with ways to ask and to kill it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.services import LOOPBACK, dying_with_us, free_ports
from tracing_ui.supervise.listening import PORT_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
READ_STORE = [sys.executable, "-m", "tests.end_to_end.read_store"]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
PATIENCE_SECONDS = 120


class Server:
    """One data folder and its ports, which stay the same through restarts.

    `command` is what runs: `serve`, or one process of it alone.
    """

    def __init__(self, folder: Path, command: str = "serve", **settings: str) -> None:
        self.command = command
        self.data_dir = folder / "data"
        self.log = folder / f"{command}.log"
        self.ports = dict(
            zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)
        )
        given = {name: str(port) for name, port in self.ports.items()}
        self.environ = {**os.environ, "DATA_DIR": str(self.data_dir), **given}
        self.environ |= settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *prefix: str, **settings: str) -> None:
        """`prefix` is a program to run it under; the settings are for this time only.
        Returns when it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*dying_with_us(signal.SIGTERM), *prefix, *MANAGE, self.command],
                env=self.environ | settings,
                stdout=log,
                stderr=log,
            )
        self.wait_until(self.is_ready, "it did not become ready")

    def is_ready(self) -> bool:
        if self.command == "ingest":
            return status_of(f"{self.otlp_http}/healthz") == 200
        return status_of(self.page("/healthz")) == 200

    def wait_until(self, condition: Any, complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            gone = self.process is None or self.process.poll() is not None
            assert not gone, f"it ended: {self.output()}"
            assert time.monotonic() < deadline, f"{complaint}: {self.output()}"
            time.sleep(0.1)

    def output(self) -> str:
        return self.log.read_text()[-5_000:]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process
        code = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return code

    def kill(self) -> None:
        """All processes at once, as when the machine stops; nobody gets to react."""
        if self.process is None:
            return
        # Frozen, the supervisor can neither stop nor restart the others.
        self.process.send_signal(signal.SIGSTOP)
        for pid in [*descendants(self.process.pid), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()

    def pid_of(self, command: str) -> int:
        """The process `manage.py <command>` below this one."""
        assert self.process
        pids = [self.process.pid, *descendants(self.process.pid)]
        return next(pid for pid in pids if command_line(pid)[-1:] == [command])

    def kill_part(self, command: str) -> None:
        os.kill(self.pid_of(command), signal.SIGKILL)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another `manage.py` on the same folder, in a process of its own."""
        return self.run([*MANAGE, *arguments])

    def run(
        self, command: Sequence[str], stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Any program with the server's settings, from the project's folder."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def read_store(self, trace_ids: Iterable[str]) -> Any:
        """OTLP JSON of these traces, read by a fresh process."""
        read = self.run(READ_STORE, "\n".join(trace_ids))
        assert read.returncode == 0, read.stderr
        return json.loads(read.stdout)

    @property
    def otlp_http(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['OTLP_HTTP_PORT']}"

    @property
    def otlp_grpc(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['OTLP_GRPC_PORT']}"

    def page(self, path: str, **parameters: Any) -> str:
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        return f"http://{LOOPBACK}:{self.ports['WEB_PORT']}{path}{query}"

    def get(self, path: str, **parameters: Any) -> str:
        return get(self.page(path, **parameters))

    def get_json(self, path: str, **parameters: Any) -> Any:
        return json.loads(self.get(path, **parameters))

    def follow(self, url: str) -> Any:
        """The JSON of an address that an answer named."""
        return json.loads(get(url))

    def require_sound(self) -> None:
        """`manage.py verify` finds nothing wrong."""
        verified = self.manage("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


@contextmanager
def running(folder: Path, command: str = "serve", **settings: str) -> Iterator[Server]:
    server = Server(folder, command, **settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error.code} {error.read()!r}") from None


def status_of(url: str) -> int:
    """0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def descendants(pid: int) -> list[int]:
    """Children before their own children."""
    children = children_of(pid)
    return children + [below for child in children for below in descendants(child)]


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def command_line(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    return []
