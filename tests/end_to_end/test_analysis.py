"""The same spans give the same measures, whoever analyses them, and whoever dies at it."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.builders import MS, SECOND
from tests.end_to_end.load import ACKED, over_http
from tests.end_to_end.serving import ROOT, Server, command_line, descendants, running
from tests.receivers.messages import protobuf, span_message
from tests.services import dying_with_us, redis_server, wait_until

pytestmark = pytest.mark.slow

SETTINGS = {"ANALYSIS_INTERVAL_SECONDS": "1"}
CELERY = [sys.executable, "-m", "celery", "--app", "tracing_ui", "--quiet", "worker"]
MINUTES, TRACES_PER_MINUTE = 5, 12
MINUTE_NANO = 60 * SECOND
SPANS_AT_ONCE = 30
MEASURES = """
    SELECT kind, fields, minutes, minute, count, failed, sum_nano, min_nano, max_nano,
        weight_squares, hex(buckets), hex(weights)
    FROM analysis_measure JOIN analysis_subject ON subject_id = analysis_subject.id
    ORDER BY kind, fields, minutes, minute"""
TO_DO = """
    SELECT (SELECT count(*) FROM analysis_changedminute)
        + (SELECT count(*) FROM traces_segment
            WHERE id NOT IN (SELECT segment_id FROM analysis_seensegment))"""
CLAIMED = """
    SELECT count(*) FROM analysis_changedminute
    WHERE minutes = 1 AND claimed_until > strftime('%Y-%m-%d %H:%M:%f', 'now')"""
# As if the minutes that a claim lasts had passed.
LET_CLAIMS_RUN_OUT = "UPDATE analysis_changedminute SET claimed_until = changed_at"


class Sent(NamedTuple):
    service: str
    span: Span


class Pair(NamedTuple):
    """Two servers that are sent the same; one has Redis, and `second` beside it."""

    alone: Server
    shared: Server
    second: "SecondWorker"


class SecondWorker:
    """A worker as it runs on its own, on the data of a server."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server, self.log = server, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*dying_with_us(signal.SIGTERM), *CELERY, "--loglevel", "INFO"],
                cwd=ROOT,
                env=self.server.environ,
                stdout=log,
                stderr=log,
            )

    def pids(self) -> list[int]:
        assert self.process
        return [self.process.pid, *descendants(self.process.pid)]

    def kill(self) -> None:
        if self.process:
            signal_all(self.pids(), signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    alone_in, shared_in = map(tmp_path_factory.mktemp, ("alone", "shared"))
    with (
        redis_server() as broker,
        running(alone_in, **SETTINGS) as alone,
        running(shared_in, REDIS_URL=broker, **SETTINGS) as shared,
        second_worker(shared, shared_in / "second.log") as second,
    ):
        yield Pair(alone, shared, second)


@contextmanager
def second_worker(server: Server, log: Path) -> Iterator[SecondWorker]:
    worker = SecondWorker(server, log)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()


def test_with_redis_and_two_workers_and_without_redis_the_measures_are_the_same(
    servers,
):
    """Spans come late and twice, to minutes that were analysed before."""
    punctual, late = in_two_parts(shop(seed=1, minute=0))
    send(servers, punctual)
    first = await_same_measures(servers)
    send(servers, late)
    measures = await_same_measures(servers)
    assert measures != first
    assert "analysed" in servers.second.log.read_text(), "the second worker idled"


def test_workers_that_are_killed_at_a_minute_change_nothing_in_the_measures(servers):
    minute = 30
    for part in in_two_parts(shop(seed=2, minute=minute)):
        send(servers, part)
    kill_workers_at_a_minute(servers)
    servers.second.start()
    with database(servers.shared, "rw") as connection, connection:
        connection.execute(LET_CLAIMS_RUN_OUT)
    measures = await_same_measures(servers)
    minutes = {number % 60 for _, _, length, number, *_ in measures if length == 1}
    assert minutes >= {*range(minute, minute + MINUTES)}


def shop(seed: int, minute: int) -> list[Sent]:
    """Traces of five spans, that start in minutes of an hour which is over: whatever
    was measured before it was not measured here, and all of it is merged by hour."""
    chance = random.Random(seed)
    hour = (time.time_ns() // (60 * MINUTE_NANO) - 2) * 60 * MINUTE_NANO
    start = hour + minute * MINUTE_NANO
    return [
        sent
        for _ in range(MINUTES * TRACES_PER_MINUTE)
        for sent in checkout(chance, start + chance.randrange(MINUTES * MINUTE_NANO))
    ]


def checkout(chance: random.Random, start: int) -> list[Sent]:
    trace, failed = chance.randbytes(16), chance.random() < 0.2
    ids = [chance.randbytes(8) for _ in range(5)]
    query_ms = chance.choice([3, 40, 2_500])
    end = 20 + query_ms

    def one(service: str, at: int, parent: int | None, **fields: Any) -> Sent:
        from_ms, to_ms = fields.pop("ms")
        code = Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET
        message = span_message(
            trace_id=trace,
            span_id=ids[at],
            parent_span_id=b"" if parent is None else ids[parent],
            start_time_unix_nano=start + from_ms * MS,
            end_time_unix_nano=start + to_ms * MS,
            status=Status(code=code),
            **fields,
        )
        return Sent(service, message)

    query = {"db.system.name": "postgresql", "db.query.text": "SELECT 1"}
    client, server = Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER
    return [
        one("gateway", 0, None, name="POST /buy", kind=server, ms=(0, end)),
        one("gateway", 1, 0, name="POST", kind=client, ms=(2, end - 2)),
        one("payment", 2, 1, name="POST /pay", kind=server, ms=(4, end - 4)),
        one("payment", 3, 2, name="check", ms=(5, 8)),
        one(
            "payment",
            4,
            2,
            name="SELECT",
            kind=client,
            ms=(8, 8 + query_ms),
            attributes=query,
        ),
    ]


def in_two_parts(spans: list[Sent]) -> tuple[list[Sent], list[Sent]]:
    """A third comes late, and with it another third once more."""
    chance = random.Random(len(spans))
    shuffled = chance.sample(spans, len(spans))
    third = len(shuffled) // 3
    return shuffled[third:], shuffled[: 2 * third]


def send(servers: Pair, spans: list[Sent]) -> None:
    """In requests of a service and some ten spans each, to both servers."""
    for server in (servers.alone, servers.shared):
        with over_http(server) as post:
            for begin in range(0, len(spans), SPANS_AT_ONCE):
                some = spans[begin : begin + SPANS_AT_ONCE]
                for service in sorted({each.service for each in some}):
                    own = [each.span for each in some if each.service == service]
                    assert post(protobuf(*own, service=service)) == ACKED


def await_same_measures(servers: Pair) -> list[Any]:
    """All there are, of both, once nothing is left to do."""
    for server in (servers.alone, servers.shared):
        server.wait_until(
            lambda server=server: ask(server, TO_DO) == [(0,)], "minutes wait"
        )
    alone, shared = (ask(one, MEASURES) for one in (servers.alone, servers.shared))
    assert {row[2] for row in alone} == {1, 60}
    assert shared == alone
    return alone


def kill_workers_at_a_minute(servers: Pair) -> None:
    """Both, while one has claimed a minute; frozen first, so that it cannot end it."""

    def killed() -> bool:
        if ask(servers.shared, CLAIMED) == [(0,)]:
            return False
        pids = worker_pids(servers)
        signal_all(pids, signal.SIGSTOP)
        if ask(servers.shared, CLAIMED) == [(0,)]:
            signal_all(pids, signal.SIGCONT)
            return False
        signal_all(pids, signal.SIGKILL)
        servers.second.kill()
        return True

    wait_until(lambda: any(killed() for _ in range(100)), "no minute was claimed")


def worker_pids(servers: Pair) -> list[int]:
    assert servers.shared.process
    below = descendants(servers.shared.process.pid)
    return [
        *(pid for pid in below if "worker" in command_line(pid)),
        *servers.second.pids(),
    ]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def ask(server: Server, question: str) -> list[Any]:
    with database(server, "ro") as connection:
        return connection.execute(question).fetchall()


def database(server: Server, mode: str) -> "closing[sqlite3.Connection]":
    file = server.data_dir / "catalogue.sqlite3"
    address = f"file:{file}?mode={mode}"
    return closing(sqlite3.connect(address, uri=True, timeout=30))
