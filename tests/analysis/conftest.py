"""A store whose spans are analysed, for the tests of results and pages."""

from datetime import timedelta

import duckdb
import pytest

from analysis.results.arrivals import mark_arrivals
from analysis.results.minutes import analyse_due
from tests.builders import batch
from tests.receivers.serving import await_until
from tests.store.segment_builders import make_store
from traces.store.current import use_store


@pytest.fixture
def store(tmp_path, db):
    store = make_store(tmp_path)
    with use_store(store):
        yield store
    await_until(lambda: is_closed(store))


def is_closed(store):
    """A page that a browser has left may still be asking."""
    try:
        store.engine.close()
    except duckdb.Error:
        return False
    return True


@pytest.fixture
def analysed(store):
    """Stores spans and analyses all there is."""

    def analyse(*spans):
        store.write(batch(*spans))
        mark_arrivals(store)
        analyse_due(store, float("inf"), settle=timedelta(0))

    return analyse
