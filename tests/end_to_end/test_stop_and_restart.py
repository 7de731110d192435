"""The whole server killed, stopped and started again under load; batches sent twice."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.ledger import require_visible, settle
from tests.end_to_end.load import GRPC_STOPPING, NO_ANSWER, load, send_once
from tests.end_to_end.serving import Server, running

pytestmark = pytest.mark.slow

# The tests themselves say when segments are merged.
SETTINGS = {"COMPACTION_INTERVAL_SECONDS": "3600", "COMPACTION_MIN_SEGMENTS": "2"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), **SETTINGS) as started:
        yield started


@pytest.fixture
def server(shared: Server) -> Server:
    """Up, also after a test that failed while it was down."""
    if shared.process is None:
        shared.start()
    return shared


def test_nothing_is_lost_when_all_processes_are_killed_at_once(server, ledger):
    with load(server, ledger) as going:
        going.await_acks(20)
        server.kill()
        server.start()
        going.await_acks(5)
    going.require_only(NO_ANSWER, "UNAVAILABLE")
    settle(server, ledger)


def test_the_killed_catalogue_is_whole(server):
    path = Path(server.data_dir / "catalogue.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_is_clean_and_loses_nothing(server, ledger, number):
    with load(server, ledger) as going:
        going.await_acks(20)
        assert server.stop(number) == 0
        going.stop()
    # It says so when it had to kill a part that took longer than 30 seconds.
    assert "Killed:" not in server.output()
    assert server.output().rstrip().endswith("Stopped.")
    going.require_only("503", NO_ANSWER, "UNAVAILABLE", GRPC_STOPPING)
    server.start()
    settle(server, ledger)


def test_what_is_sent_again_is_counted_once(server, ledger):
    number = ledger.next_number()
    send_once(server, ledger, number)
    require_visible(server, ledger)
    server.stop()
    server.start()
    send_once(server, ledger, number)
    require_visible(server, ledger)
    compact(server)
    require_visible(server, ledger)
    send_once(server, ledger, number)
    settle(server, ledger)
    compact(server)
    settle(server, ledger)


def compact(server: Server) -> None:
    """All of it, into one segment."""
    compacted = server.manage("compact")
    assert compacted.returncode == 0, compacted.stderr
    assert " became 1;" in compacted.stdout
