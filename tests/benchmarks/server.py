"""The real processes, as `manage.py serve` starts them, on a folder of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import command_line, cpu_seconds, read_stats
from tracing_ui.supervise.listening import PORT_VARIABLES

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 120
STOP_SECONDS = 60
ROLES = {"ingest": "ingest", "web": "web", "worker": "celery"}
# So that the files that a merge replaced are gone when the disk is measured.
# Analyses are measured by themselves, and are not to disturb the rest.
SETTINGS = {"SEGMENT_GRACE_SECONDS": "5", "ANALYSIS_INTERVAL_SECONDS": "86400"}
CALLERS_SETTINGS = ("DATABASE_URL", "REDIS_URL", "HOST", "DEBUG", "SECRET_KEY")


class NotReady(Exception):
    """The server did not come up; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds so far, of each role and its children."""

    ingest: float
    web: float
    worker: float


class Server:
    """Used as a context: starts on entry, is ready, stops on exit."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._log = folder / "serve.log"
        kept = {k: v for k, v in os.environ.items() if k not in CALLERS_SETTINGS}
        ports = dict(
            zip(PORT_VARIABLES, map(str, free_ports(len(PORT_VARIABLES))), strict=True)
        )
        own = {"DATA_DIR": str(folder / "data"), "LOG_LEVEL": "WARNING"}
        self.environ = {**kept, **SETTINGS, **ports, **own, **settings}

    def __enter__(self) -> "Server":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._await_ready()
            self.pids = self._find_roles()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.environ['WEB_PORT']}"

    @property
    def otlp_url(self) -> str:
        return f"http://127.0.0.1:{self.environ['OTLP_HTTP_PORT']}/v1/traces"

    @property
    def segment_folder(self) -> Path:
        return Path(self.environ["DATA_DIR"]) / "segments"

    def costs(self) -> Costs:
        return Costs(**{role: cpu_seconds(pid) for role, pid in self.pids.items()})

    def run_python(self, module: str, *arguments: str) -> Any:
        """What a module prints as JSON, in a process with this server's settings."""
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr.decode()[-4000:]}")
        return json.loads(done.stdout)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotReady(self._log.read_text(errors="replace")[-4000:])
            time.sleep(0.5)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"{self.web_url}/healthz", timeout=10
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _find_roles(self) -> dict[str, int]:
        children = [
            pid
            for pid, stat in read_stats().items()
            if stat.parent == self._process.pid
        ]
        return {role: _find(children, word) for role, word in ROLES.items()}


def _find(pids: list[int], word: str) -> int:
    found = [pid for pid in pids if word in command_line(pid)]
    if len(found) != 1:
        raise NotReady(f"{len(found)} processes of `serve` run {word}")
    return found[0]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def folder_bytes(folder: Path) -> int:
    """Of all files; those that go away meanwhile are left out."""
    sizes = 0
    for path in folder.rglob("*"):
        try:
            sizes += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return sizes
