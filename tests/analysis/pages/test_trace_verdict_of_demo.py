"""The three kinds of requests of the demo, as the page of a trace tells of them."""

import pytest

from tests.analysis.conftest import analysed, store
from tests.analysis.test_demo_verdicts import recorded
from tests.builders import batch

__all__ = ["analysed", "recorded", "store"]

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def told(client, recorded):
    """Verdict, sentence and note of each kind."""

    def tell():
        return {kind: judged(client, recorded[kind]) for kind in KINDS}

    return tell


KINDS = ("normal", "bottleneck", "cascade")


def judged(client, rows):
    trace = rows[0]["trace_id"].hex()
    return client.get(f"/trace/{trace}/verdict").context["judged"]


def everything(recorded):
    return [row for id_, rows in recorded.items() if len(id_) == 32 for row in rows]


def test_each_kind_is_named_before_anything_is_known(told, store, recorded):
    store.write(batch(*everything(recorded)))
    found = told()
    assert_named(found)
    assert "is not known" in found["normal"].sentence
    assert "is not known" in found["bottleneck"].sentence
    assert found["bottleneck"].note == "from 1.0 s on it counts as slow"


def test_each_kind_is_named_from_the_first_analysed_minute_on(told, analysed, recorded):
    analysed(*everything(recorded))
    found = told()
    assert_named(found)
    assert "its usual median is" in found["normal"].sentence
    assert "its usual median is" in found["bottleneck"].sentence
    assert found["bottleneck"].note.startswith("usual by the last hour")


def assert_named(found):
    labels = [found[kind].label for kind in KINDS]
    assert labels == ["normal", "bottleneck", "cascade failure"]
    assert found["bottleneck"].sentence.startswith("db: INSERT payments took 2.0 s")
    assert len(found["cascade"].failures) == 2
    assert found["cascade"].failures[0].top.label == "gateway: POST /api/checkout"
