"""C6: a batch that is sent three times, across a restart and a merge, counts once."""

import pytest

from tests.builders import T0, batch, span, span_id, trace_id
from tests.store.segment_builders import compacted, make_store
from traces.query import Attribute, Condition, Field, Op, TraceQuery, Window

EVER = Window(0, 2**62)
SPANS = [
    span(
        trace_id=trace_id(n % 3 + 1),
        span_id=span_id(n),
        parent_span_id=span_id(n - 3) if n > 3 else None,
        status_code=2 * (n == 5),
        attributes={"order": n, "shop": "a"},
        ms=n,
    )
    for n in range(1, 10)
]


def answers(store):
    """What every question of the contract says."""
    failed = Condition(Field.STATUS_CODE, Op.EQ, 2)
    ids = [trace_id(n) for n in (1, 2, 3)]
    everything = store.find_traces(TraceQuery(EVER))
    return {
        "spans": [row["span_id"] for row in store.get_traces(ids).to_pylist()],
        "traces": everything.traces,
        "matched": everything.matched,
        "failed": store.find_traces(TraceQuery(EVER, failed)).traces,
        "points": store.find_points(TraceQuery(EVER), 10),
        "services": store.get_service_statistics(EVER),
        "values": store.get_attribute_values(Attribute("shop"), EVER),
    }


@pytest.mark.django_db
def test_c6_a_batch_sent_three_times_counts_once_everywhere(tmp_path):
    store = make_store(tmp_path)
    store.write(batch(*SPANS))
    once = answers(store)
    assert once["matched"] == 3
    assert once["services"][0].span_count == 9
    store.write(batch(*SPANS))
    assert answers(store) == once
    compacted(store)
    assert answers(store) == once
    store.engine.close()
    store = make_store(tmp_path)  # as after a restart
    store.write(batch(*reversed(SPANS)))
    assert answers(store) == once
    compacted(store)
    assert answers(store) == once
    assert store.get_traces([trace_id(1)])["start_time_unix_nano"][0].as_py() == T0
    store.engine.close()
