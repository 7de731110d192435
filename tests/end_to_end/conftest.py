"""A running server that the tests of a file share, and a ledger of what it was sent."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.ledger import Ledger
from tests.end_to_end.serving import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    kept = Ledger.new(tmp_path_factory.mktemp("ledger") / "ledger")
    yield kept
    kept.close()
