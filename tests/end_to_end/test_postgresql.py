"""The server with its catalogue in PostgreSQL and its tasks in Redis, both of which
may go away."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.ledger import Ledger, found_numbers, settle
from tests.end_to_end.load import NO_ANSWER, load
from tests.end_to_end.serving import Server, running, status_of
from tests.services import PostgreSQL, postgresql, redis_server, wait_until

pytestmark = pytest.mark.slow

SETTINGS = {"COMPACTION_INTERVAL_SECONDS": "1", "COMPACTION_MIN_SEGMENTS": "2"}


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    with postgresql() as started:
        yield started


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, database: PostgreSQL
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with redis_server() as broker:
        urls = {"DATABASE_URL": database.url, "REDIS_URL": broker}
        with running(folder, **urls, **SETTINGS) as started:
            yield started


def test_what_is_acknowledged_is_found(server, ledger):
    with load(server, ledger) as going:
        going.await_acks(20)
    going.require_only()
    settle(server, ledger)
    assert not (server.data_dir / "catalogue.sqlite3").exists()


def test_the_worker_takes_its_tasks_from_redis_and_merges(server, ledger):
    segments = server.data_dir / "segments"
    wait_until(lambda: [*segments.glob("*/*/c-*.parquet")], "nothing was merged")
    settle(server, ledger)
    assert server.get_json("/healthz")["checks"]["worker"] == "ready"
    assert not (server.data_dir / "broker").exists()


def test_a_crash_of_the_database_under_load_loses_nothing(server, ledger, database):
    with load(server, ledger) as going:
        going.await_acks(5)
        database.stop("immediate")
        going.await_acks(3)
        database.start()
        going.await_acks(5)
    going.require_only("503", "UNAVAILABLE")
    await_acknowledged(server, ledger)
    settle(server, ledger)


def test_what_came_while_the_database_was_away_is_shown_without_new_load(
    server, ledger, database
):
    database.stop("immediate")
    try:
        with load(server, ledger) as going:
            going.await_acks(3)
        assert status_of(server.page("/api/v1/traces")) == 503
        assert status_of(server.page("/search")) == 503
    finally:
        database.start()
    await_acknowledged(server, ledger)
    settle(server, ledger)


def test_nothing_is_lost_when_server_and_database_are_killed_together(
    server, ledger, database
):
    with load(server, ledger) as going:
        going.await_acks(5)
        database.stop("immediate")
        going.await_acks(3)
        server.kill()
        database.start()
        server.start()
        going.await_acks(3)
    going.require_only("503", NO_ANSWER, "UNAVAILABLE")
    await_acknowledged(server, ledger)
    settle(server, ledger)


def await_acknowledged(server: Server, ledger: Ledger) -> None:
    acked = ledger.entries().acked
    wait_until(lambda: acked <= found_numbers(server, ledger), "not all is shown")
