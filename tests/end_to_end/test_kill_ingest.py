"""`kill -9` of ingest under load: nothing acknowledged is lost, nothing comes twice."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.end_to_end.ledger import require_visible, settle
from tests.end_to_end.load import NO_ANSWER, load, over_http
from tests.end_to_end.serving import Server, running

pytestmark = pytest.mark.slow

ROUNDS = 5
LONGEST_ROUND_SECONDS = 1.5
# Many small commits are many moments to die at.
SETTINGS = {"GROUP_COMMIT_MAX_WAIT_MS": "10", "COMPACTION_MIN_SEGMENTS": "2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def ingest(folder: Path) -> Iterator[Server]:
    """The receivers alone, so that the test itself restarts them."""
    server = Server(folder, "ingest", **SETTINGS)
    server.manage("migrate")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def web(ingest: Server, folder: Path) -> Iterator[Server]:
    """Pages over the same folder, which see all of it happen."""
    with running(folder, "web", **SETTINGS, HEALTH_CHECKS="database") as server:
        yield server


def test_nothing_acknowledged_is_lost_or_doubled(ingest, web, ledger):
    seed = time.time_ns()
    print(f"seed: {seed}")  # noqa: T201 - shown when the test fails
    moments = random.Random(seed)
    with load(ingest, ledger) as going:
        for _ in range(ROUNDS):
            going.await_acks(5)
            time.sleep(moments.uniform(0, LONGEST_ROUND_SECONDS))
            ingest.kill()
            ingest.start()
        going.await_acks(5)
    going.require_only(NO_ANSWER, "UNAVAILABLE")
    settle(web, ledger)


def test_what_was_merged_is_kept_as_well(ingest, web, ledger):
    compacted = web.manage("compact")
    assert compacted.returncode == 0, compacted.stderr
    settle(web, ledger)


def test_a_kill_while_segments_are_merged_loses_nothing(ingest, web, ledger):
    with ThreadPoolExecutor(1) as pool, load(ingest, ledger) as going:
        going.await_acks(20)
        # It goes on as long as there is something new to merge.
        compacting = pool.submit(web.manage, "compact")
        going.await_acks(20)
        ingest.kill()
        ingest.start()
        going.await_acks(5)
        going.stop()
        compacted = compacting.result()
    assert compacted.returncode == 0, compacted.stderr
    settle(web, ledger)


def test_what_was_on_disk_but_in_no_catalogue_is_shown_after_the_restart(
    ingest, web, ledger
):
    ingest.kill()
    ingest.start(CRASH_AT="write:folder-fsynced")
    number = ledger.next_number()
    ledger.note("sent", number)
    with over_http(ingest) as post:
        assert post(ledger.body(number)) == NO_ANSWER
    ingest.wait()
    assert number not in require_visible(web, ledger)
    ingest.start()
    assert number in require_visible(web, ledger)
