"""A PostgreSQL and a Redis of a test's own: child processes in a folder of their own,
on a unix socket or a loopback port, dead when the test process is."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import redis

PATIENCE_SECONDS = 60
LOOPBACK = "127.0.0.1"
# How pg_ctl names the ways to stop.
STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class PostgreSQL:
    """An empty cluster; `url` is for DATABASE_URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        # It refuses to run as root.
        self.account = "postgres" if os.geteuid() == 0 else None
        if self.account:
            shutil.chown(folder, self.account)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres")

    def _run(self, program: str, *options: str) -> None:
        command = [postgres_program(program), f"--pgdata={self.cluster}", *options]
        prefix = dying_with_us(signal.SIGKILL, self.account)
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd="/")

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgres://postgres@{quote(str(self.folder), safe='')}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        # What is killed here is a process, never the machine: the page cache stays.
        options = ["-c", "fsync=off", "-c", "listen_addresses=", "-k", str(self.folder)]
        program = [postgres_program("postgres"), "-D", str(self.cluster), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*dying_with_us(signal.SIGQUIT, self.account), *program],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        wait_until(self.answers, "PostgreSQL does not answer")

    def stop(self, how: str = "fast") -> None:
        if self.process:
            self.process.send_signal(STOP_SIGNALS[how])
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    def answers(self) -> bool:
        with suppress(psycopg2.OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    def execute(self, statement: str) -> None:
        """Outside a transaction, so that CREATE DATABASE works too."""
        connection = psycopg2.connect(host=str(self.folder), user="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    # Not in pytest's own folder: another account has to reach it, and a socket's
    # path must be short.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = PostgreSQL(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def postgres_program(name: str) -> str:
    """Debian keeps them out of the PATH, in a folder a version."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(places[-1]) if places else shutil.which(name)
    assert found, f"{name} is missing: run scripts/install-system"
    return found


@contextmanager
def redis_server() -> Iterator[str]:
    """The REDIS_URL of an empty server that keeps nothing."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        options = ["--port", str(port), "--bind", LOOPBACK, "--dir", folder]
        options += ["--save", "", "--appendonly", "no"]
        process = subprocess.Popen(
            [*dying_with_us(signal.SIGKILL), "redis-server", *options],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: redis_answers(port), "Redis does not answer")
            yield f"redis://{LOOPBACK}:{port}/0"
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def redis_answers(port: int) -> bool:
    with redis.Redis(LOOPBACK, port) as client, suppress(redis.ConnectionError):
        return bool(client.ping())
    return False


def free_ports(count: int) -> list[int]:
    """Below the range of outgoing connections: a client that keeps trying a port of
    that range while its server is down may end up connected to itself."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 12_000):
        if len(found) == count:
            break
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind((LOOPBACK, port))
            found.append(port)
    assert len(found) == count
    return found


def dying_with_us(number: signal.Signals, account: str | None = None) -> list[str]:
    """A program in front of another: the signal comes when the test process is gone.

    No `preexec_fn` and no `user=`: with them Python forks, and a fork breaks what
    gRPC has running in this process.
    """
    name = number.name.removeprefix("SIG")
    become = [f"--reuid={account}", f"--regid={account}", "--init-groups"]
    return ["setpriv", "--pdeathsig", name, *(become if account else [])]


def wait_until(condition: Callable[[], Any], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)
