"""Latencies by operation, held to a histogram of each operation alone."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given

from analysis.histogram import histogram_of
from analysis.latency import Operation, operation_latencies, starts_in
from tests.analysis.plain import forest, forests, node
from tests.builders import T0, trace_id


def latencies(*spans):
    found = forest(*spans)
    every = np.ones(len(found), bool)
    return {each.operation: each for each in operation_latencies(found, every)}


@given(forests())
def test_each_operation_has_what_its_spans_alone_would_have(rows):
    expected = defaultdict(list)
    for row in rows:
        key = Operation(row["service_name"], row["name"], row["kind"])
        expected[key].append(row)
    found = latencies(*rows)
    assert found.keys() == expected.keys()
    for operation, own in expected.items():
        latency = found[operation]
        durations = [r["duration_nano"] for r in own if r["duration_nano"] >= 0]
        alone = histogram_of(np.array(durations, np.int64), np.ones(len(durations)))
        assert latency.count == len(own)
        assert latency.failed == sum(row["status_code"] == 2 for row in own)
        assert latency.histogram.buckets.tolist() == alone.buckets.tolist()
        assert latency.histogram.weights.tolist() == alone.weights.tolist()
        assert latency.histogram.min_nano == alone.min_nano
        assert latency.histogram.max_nano == alone.max_nano
        assert latency.histogram.sum_nano == alone.sum_nano


def test_exemplars_are_the_slowest_trace_and_one_that_failed():
    spans = [
        node(n, 0, n * 10, trace_id=trace_id(n), name="x", status_code=2 * (n == 1))
        for n in (1, 2, 3)
    ]
    (latency,) = latencies(*spans).values()
    assert latency.slowest == trace_id(3)
    assert latency.failed_exemplar == trace_id(1)


def test_a_sampled_span_counts_for_those_that_were_not_kept():
    sampled = node(1, 0, 10, name="x", trace_state="ot=th:c")
    (latency,) = latencies(sampled, node(2, 0, 90, name="x")).values()
    assert latency.count == pytest.approx(5)
    assert latency.histogram.quantile(0.8) == pytest.approx(10, rel=0.02)


def test_spans_are_chosen_by_their_start():
    found = forest(node(1, 0, 10), node(2, 5, 10), node(3, 9, 30))
    assert starts_in(found, T0 + 5, T0 + 9).tolist() == [False, True, False]


def test_nothing_has_no_latency():
    assert latencies() == {}
