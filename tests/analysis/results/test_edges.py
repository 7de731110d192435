"""Edges of a map over several minutes: counts add up, the slowest call is the slowest."""

import pytest

from analysis.edges import EdgeType
from analysis.peers import NodeType
from analysis.results.changes import minute_of
from analysis.results.edges import read_edge, read_edges, read_times
from analysis.results.reading import Minutes
from tests.analysis.map_data import fill
from tests.builders import MS, SECOND, T0, span, span_id, trace_id

EVER = Minutes(minute_of(T0), minute_of(T0) + 600)
DATABASE = {"db.system": "postgresql", "server.address": "db"}
TO_DATABASE = ("gateway", 0, "postgresql:db", NodeType.DATABASE, EdgeType.DATABASE)


def query(number, minute, ms, **more):
    """A trace of a request that asks the database, so many minutes after T0."""
    own = {"trace_id": trace_id(number), "start_ms": minute * 60_000}
    return (
        span(span_id=span_id(1), ms=ms + 1, **own),
        span(
            span_id=span_id(2),
            parent_span_id=span_id(1),
            kind=3,
            ms=ms,
            attributes=DATABASE,
            **own | more,
        ),
    )


@pytest.fixture
def queries(analysed):
    """Three minutes, of which the second has the slowest query; two failed."""
    analysed(
        *query(1, 0, 5),
        *query(2, 1, 500),
        *query(3, 2, 7, status_code=2),
        *query(4, 2, 9, status_code=2),
    )


def test_calls_and_failures_of_all_minutes_add_up(queries):
    found = read_edge(EVER, TO_DATABASE)
    assert (found.edge.calls, found.edge.failed) == (4, 2)
    assert found.counts == {"failed_client": 2}


def test_the_caller_tells_of_a_callee_without_spans(queries):
    times = read_edge(EVER, TO_DATABASE).times
    assert times.server.count == 0
    assert times.histogram.max_nano == 500 * MS


def test_exemplars_are_the_slowest_of_all_minutes_and_one_that_failed(queries):
    found = read_edge(EVER, TO_DATABASE)
    assert found.slowest_trace_id == trace_id(2).hex()
    assert found.failed_trace_id == trace_id(4).hex()


def test_retries_of_all_minutes_add_up(analysed):
    def tries(number, minute):
        own = {"trace_id": trace_id(number), "start_ms": minute * 60_000}
        call = {"parent_span_id": span_id(1), "kind": 3, "attributes": DATABASE}
        later = {"trace_id": trace_id(number), "start_ms": minute * 60_000 + 20}
        return (
            span(span_id=span_id(1), ms=50, **own),
            span(span_id=span_id(2), ms=5, name="q", status_code=2, **call, **own),
            span(span_id=span_id(3), ms=5, name="q", **call, **later),
        )

    analysed(*tries(1, 0), *tries(2, 1))
    assert read_edge(EVER, TO_DATABASE).counts["retries"] == 2


def test_the_gap_is_of_calls_whose_ends_both_tell(analysed):
    analysed(
        span(span_id=span_id(1), kind=3, ms=30, service="a"),
        span(span_id=span_id(2), parent_span_id=span_id(1), ms=10, service="b"),
    )
    (edge,) = read_edges(EVER)
    assert read_edge(EVER, edge.fields).gap.max_nano == 20 * MS


def test_times_are_read_of_the_edges_asked_for_the_callers_only_if_needed(analysed):
    analysed(
        *query(1, 0, 5),
        span(span_id=span_id(3), trace_id=trace_id(1), kind=3, ms=30, service="a"),
        span(
            span_id=span_id(4),
            trace_id=trace_id(1),
            parent_span_id=span_id(3),
            ms=10,
            service="b",
        ),
    )
    call = ("a", 0, "b", 0, EdgeType.CALL)
    found = read_times(EVER, [call, TO_DATABASE], both=[])
    assert found.keys() == {call, TO_DATABASE}
    assert found[call].server.max_nano == 10 * MS
    assert found[call].client.count == 0
    assert found[TO_DATABASE].client.max_nano == 5 * MS
    assert read_times(EVER, [call], both=[call])[call].client.max_nano == 30 * MS


def test_times_are_read_of_more_edges_than_one_question_takes(db):
    fields = [("a", 0, f"b{at}", 0, 0) for at in range(1_001)]
    last = minute_of(T0)
    fill(fields, 1, (last + 1) * 60 * SECOND)
    found = read_times(EVER, fields, both=fields)
    assert all(len(each.server.buckets) for each in found.values())
    assert [each.fields for each in read_edges(EVER)] == sorted(fields)


def test_an_edge_that_was_not_seen_is_none(queries):
    assert read_edge(EVER, ("x", 0, "y", 0, 0)) is None
