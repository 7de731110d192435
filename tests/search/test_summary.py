"""Each service's share of a trace."""

import pytest

from tests.builders import MS, batch, span, span_id, trace_id
from traces.query import TraceQuery, Window
from traces.search import summary
from traces.search.summary import affordable, covered_nano, self_times, shares_of
from traces.store.memory import MemoryStore

EVERYTHING = TraceQuery(Window(0, 2**63 - 1))


def checkout(**root):
    return batch(
        span(span_id=span_id(1), ms=100, service="gateway", **root),
        span(span_id=span_id(2), parent_span_id=span_id(1), start_ms=10, ms=60, service="payment", **root),
        span(span_id=span_id(3), parent_span_id=span_id(1), start_ms=50, ms=80, service="db", **root),
    )  # fmt: skip


def test_self_time_leaves_out_what_children_cover():
    times = self_times(checkout())[trace_id(1)]
    assert times == {"gateway": 10 * MS, "payment": 60 * MS, "db": 80 * MS}


def test_a_span_that_ends_before_it_starts_has_no_self_time():
    assert self_times(batch(span(ms=-5)))[trace_id(1)] == {"gateway": 0}


@pytest.mark.parametrize(
    ("intervals", "covered"),
    [([], 0), ([(0, 5), (3, 8)], 8), ([(-5, 2), (9, 99)], 3), ([(1, 9), (2, 3)], 8)],
)
def test_intervals_are_joined_and_clipped(intervals, covered):
    assert covered_nano(intervals, (0, 10)) == covered


def test_shares_fill_the_bar_largest_first():
    store = MemoryStore()
    store.write(checkout())
    traces = store.find_traces(EVERYTHING).traces
    shares = shares_of(store, traces)[trace_id(1)]
    assert [part.service_name for part in shares.parts] == ["db", "payment", "gateway"]
    assert sum(part.width for part in shares.parts) == pytest.approx(1)
    assert shares.parts[1].start == pytest.approx(shares.parts[0].width)
    assert shares.by_self_time


def test_a_trace_too_large_to_read_is_shared_out_by_spans(monkeypatch):
    monkeypatch.setattr(summary, "MAX_SPANS_OF_A_TRACE", 2)
    store = MemoryStore()
    store.write(checkout())
    traces = store.find_traces(EVERYTHING).traces
    shares = shares_of(store, traces)[trace_id(1)]
    assert not shares.by_self_time
    assert [part.width for part in shares.parts] == [pytest.approx(1 / 3)] * 3


def test_no_more_spans_are_read_than_allowed(monkeypatch):
    store = MemoryStore()
    for number in (1, 2, 3):
        store.write(checkout(trace_id=trace_id(number)))
    monkeypatch.setattr(summary, "MAX_SPANS_READ", 6)
    assert len(affordable(store.find_traces(EVERYTHING).traces)) == 2
