"""The segment store keeps the contract with its catalogue in PostgreSQL."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from tests.services import postgresql
from tests.store.contract import StoreContract
from tests.store.segment_builders import compacted, make_store
from traces.models import Segment
from traces.store.segments import SegmentStore
from tracing_ui.databases import database_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def catalogue_in_postgresql(django_db_setup, django_db_blocker):
    """The default database is another until the module's last test is done."""
    with postgresql() as server, django_db_blocker.unblock():
        config = connections.settings["default"] | database_config(server.url, Path())
        usual_config, usual = connections.settings["default"], connections["default"]
        connections.settings["default"] = config
        del connections["default"]
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            connections["default"].close()
            connections.settings["default"] = usual_config
            connections["default"] = usual


@pytest.fixture
def store(tmp_path, catalogue_in_postgresql, django_db_blocker):
    with django_db_blocker.unblock():
        assert connections["default"].vendor == "postgresql"
        Segment.objects.all().delete()
        store = make_store(tmp_path)
        yield store
        store.engine.close()


class TestFreshSegments(StoreContract):
    pass


class TestCompactedSegments(StoreContract):
    def settle(self, store: SegmentStore) -> None:
        compacted(store)
