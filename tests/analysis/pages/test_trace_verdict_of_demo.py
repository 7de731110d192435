"""The three kinds of requests of the demo, as the page of a trace tells of them."""

import pytest

from tests.analysis.test_demo_verdicts import recorded  # noqa: F401
from tests.builders import batch
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_each_kind_is_named(client, recorded):  # noqa: F811
    found = {}
    for kind in ("normal", "bottleneck", "cascade"):
        with use_store(MemoryStore()) as store:
            store.write(batch(*recorded[kind]))
            trace = recorded[kind][0]["trace_id"].hex()
            found[kind] = client.get(f"/trace/{trace}/verdict").context["judged"]
    labels = [found[kind].label for kind in found]
    assert labels == ["normal", "bottleneck", "cascade failure"]
    assert len(found["cascade"].failures) == 2
    assert found["cascade"].failures[0].top.label == "gateway: POST /api/checkout"
