"""A store whose spans are analysed, for the tests of results and pages."""

from datetime import timedelta

import pytest

from analysis.results.arrivals import mark_arrivals
from analysis.results.minutes import analyse_due
from tests.builders import batch
from tests.store.segment_builders import make_store
from traces.store.current import use_store


@pytest.fixture
def store(tmp_path, db):
    store = make_store(tmp_path)
    with use_store(store):
        yield store
    store.engine.close()


@pytest.fixture
def analysed(store):
    """Stores spans and analyses all there is."""

    def analyse(*spans):
        store.write(batch(*spans))
        mark_arrivals(store)
        analyse_due(store, float("inf"), settle=timedelta(0))

    return analyse
