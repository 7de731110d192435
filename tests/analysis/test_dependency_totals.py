"""Records per minute add up what the edges tell one by one."""

import random
from collections import Counter, defaultdict
from typing import Any

import numpy as np
from hypothesis import given

from analysis.dependencies import edges
from analysis.dependency_totals import MINUTE_NANO, aggregate
from analysis.forest import build_forest
from analysis.histogram import histogram_of
from tests.analysis.edges import told
from tests.analysis.plain import analysed, forest, node
from tests.analysis.plain_dependencies import connected
from tests.builders import T0, trace_id

FLAGS = ("failed", "failed_client", "failed_server", "inferred", "caller_missing")
SECOND = 10**9


def request(number=1, at=0, end=9, service="a", **more):
    """A trace of one SERVER span, which a user calls."""
    return node(
        1, at, at + end, kind=2, service=service, trace_id=trace_id(number), **more
    )


def totals(*spans):
    return aggregate(edges(forest(*spans)))


def key_of(edge_or_record, at, minute):
    ends = edge_or_record.caller, edge_or_record.callee, edge_or_record.type
    return int(minute), *(int(each[at]) for each in ends)


@given(connected())
def test_records_are_what_counting_edge_by_edge_gives(rows):
    every = edges(forest(*rows))
    found = aggregate(every)
    counted: dict[Any, Any] = defaultdict(Counter)
    edges_of = defaultdict(list)
    for at in range(len(every)):
        start = int(every.start_time_unix_nano[at])
        key = key_of(every, at, start // MINUTE_NANO * MINUTE_NANO)
        weight = float(every.weight[at])
        counted[key]["calls"] += weight
        counted[key]["retries"] += weight * bool(every.retry[at])
        for flag in FLAGS:
            counted[key][flag] += weight * bool(getattr(every, flag)[at])
        edges_of[key].append(at)
    keys = [key_of(found, at, found.minute_unix_nano[at]) for at in range(len(found))]
    assert sorted(keys) == sorted(counted)
    for record, key in enumerate(keys):
        for name, value in counted[key].items():
            assert getattr(found, name)[record] == value, name
        for name in ("client", "server", "gap"):
            histogram = getattr(found, name)[record]
            same_histogram(every, edges_of[key], name, histogram)


def same_histogram(every, rows, name, histogram):
    nano = getattr(every, f"{name}_nano")[rows]
    alone = histogram_of(nano[nano >= 0], every.weight[rows][nano >= 0])
    assert histogram.buckets.tolist() == alone.buckets.tolist()
    assert np.allclose(histogram.weights, alone.weights)


def test_minutes_are_apart():
    found = totals(request(1), request(2, 59 * SECOND), request(3, 61 * SECOND))
    minutes = [(T0 + at * SECOND) // MINUTE_NANO for at in (0, 59, 61)]
    expected = Counter(each * MINUTE_NANO for each in minutes)
    counts = zip(found.minute_unix_nano.tolist(), found.calls.tolist(), strict=True)
    assert dict(counts) == expected


def test_counts_are_weighted():
    found = totals(request(1, trace_state="ot=th:8"), request(2, status_code=2))
    assert (found.calls[0], found.failed[0]) == (3, 1)
    assert found.weight_squares[0] == 5


def test_exemplars_are_the_slowest_call_and_the_slowest_that_failed():
    failed = request(2, end=5, status_code=2), request(3, end=7, status_code=2)
    found = totals(request(1, end=9), *failed)
    assert found.slowest_trace_id.to_pylist() == [trace_id(1)]
    assert found.failed_trace_id.to_pylist() == [trace_id(3)]


def test_where_nothing_failed_there_is_no_such_exemplar():
    assert totals(request()).failed_trace_id.to_pylist() == [None]


def test_retries_are_counted_apart():
    more = {"kind": 3, "name": "get", "attributes": told(peer__service="x")}
    tries = (node(n, n * 10, n * 10 + 5, 1, status_code=2, **more) for n in (2, 3))
    found = totals(node(1, 0, 99, kind=2), *tries)
    assert sorted(zip(found.calls, found.retries, strict=True)) == [(1, 0), (2, 1)]


@given(connected())
def test_the_order_of_arrival_changes_no_record(rows):
    table = analysed(*rows)
    order = random.Random(1).sample(range(len(rows)), len(rows))
    first, second = (
        aggregate(edges(build_forest(each))) for each in (table, table.take(order))
    )
    assert first.nodes == second.nodes
    assert first.calls.tolist() == second.calls.tolist()
    assert first.slowest_trace_id.equals(second.slowest_trace_id)
    assert [h.weights.tolist() for h in first.client] == [
        h.weights.tolist() for h in second.client
    ]


def test_edges_of_one_minute_are_chosen_by_their_start():
    every = edges(forest(request(1), request(2, 61 * SECOND)))
    chosen = every.only(every.start_time_unix_nano < T0 + SECOND)
    assert chosen.trace_id.to_pylist() == [trace_id(1)]
    assert aggregate(chosen).calls.tolist() == [1]


def test_no_edge_makes_no_record():
    assert len(totals()) == 0


def test_times_at_the_end_of_what_fits_are_counted():
    """Hostile: a start near the highest number of nanoseconds."""
    late = request(at=2**63 - 1 - T0 - SECOND)
    assert totals(late).calls.tolist() == [1]
