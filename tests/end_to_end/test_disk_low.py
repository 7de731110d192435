"""Below MIN_FREE_DISK_BYTES nothing more is taken, until there is room again."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.ledger import settle
from tests.end_to_end.load import ACKED, over_grpc, over_http
from tests.end_to_end.serving import Server, running

pytestmark = pytest.mark.slow

GIB = 1 << 30
# Others use the disk too, meanwhile: this much of it is for them.
SLACK_BYTES = GIB


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    free = shutil.disk_usage(folder).free
    if free < 4 * SLACK_BYTES:
        pytest.skip(f"the disk is nearly full: {free} bytes are free")
    least = {"MIN_FREE_DISK_BYTES": str(free - SLACK_BYTES)}
    with running(folder, **least) as started:
        yield started


def test_a_nearly_full_disk_is_a_retry_later_and_heals_by_itself(
    server, ledger, folder
):
    number = ledger.next_number()
    ledger.note("sent", number)
    body = ledger.body(number)
    with over_http(server) as http_post, over_grpc(server) as grpc_post:
        fill(folder / "filler")
        assert (http_post(body), grpc_post(body)) == ("503", "UNAVAILABLE")
        assert server.get_json("/api/v1/traces", range="all")["matched"] == 0
        (folder / "filler").unlink()
        assert (http_post(body), grpc_post(body)) == (ACKED, ACKED)
    ledger.note(ACKED, number)
    settle(server, ledger)


def fill(path: Path) -> None:
    """Takes room without writing it."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2 * SLACK_BYTES)
