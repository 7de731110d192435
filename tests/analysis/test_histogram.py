"""Exponential histograms: exact buckets, bounded error, merging that changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.histogram import (
    BASE,
    EMPTY,
    RELATIVE_ERROR,
    ZERO_BUCKET,
    bucket_of,
    histogram_of,
    merge,
)

durations = st.lists(st.integers(0, 2**62), min_size=1, max_size=60)
weights = st.sampled_from((1.0, 2.0, 10.0, 1024.0))


def of(values, weight=None):
    array = np.array(values, np.int64)
    return histogram_of(array, np.ones(len(array)) if weight is None else weight)


def exact(values, q):
    ordered = sorted(values)
    return ordered[max(math.ceil(q * len(ordered) * (1 - 1e-12)) - 1, 0)]


@given(st.integers(1, 2**62))
def test_a_bucket_holds_what_is_above_its_base_power_and_up_to_the_next(value):
    bucket = int(bucket_of(np.array([value]))[0])
    assert BASE**bucket * (1 - 1e-9) < value <= BASE ** (bucket + 1) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("value", "bucket"), [(0, ZERO_BUCKET), (1, -1), (2, 31), (4, 63)]
)
def test_powers_of_two_are_upper_bounds_exactly(value, bucket):
    assert bucket_of(np.array([value])).tolist() == [bucket]


@given(durations, st.sampled_from((0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)))
def test_every_percentile_is_within_the_promised_error(values, q):
    assert RELATIVE_ERROR < 0.011
    assert of(values).quantile(q) == pytest.approx(
        exact(values, q), rel=RELATIVE_ERROR + 1e-9
    )


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=60))
def test_a_slow_tail_holds_whole_buckets_and_is_never_empty(values):
    histogram = of(values)
    for q in (0.0, 0.5, 0.95, 0.99, 1.0):
        tail = histogram.tail_nano(q)
        within, below = bucket_of(np.array([tail, max(tail - 1, 0)]))
        assert below < within or tail == 0
        assert max(values) >= tail


@pytest.mark.parametrize(
    ("values", "slow"),
    [
        # The p95 is within the slowest bucket, which holds more than a twentieth.
        ([10] * 88 + [2070] * 12, 12),
        # The p95 is within the usual, and a tail is beyond it.
        ([10] * 96 + [2070] * 4, 4),
        # By buckets of about 2 %.
        (list(range(1, 101)), 6),
        ([10] * 100, 100),
    ],
)
def test_a_slow_tail_is_as_near_as_can_be_to_the_part_that_was_asked_for(values, slow):
    tail = of(values).tail_nano(0.95)
    assert sum(value >= tail for value in values) == slow


@given(st.lists(st.tuples(st.integers(0, 2**40), weights), min_size=1, max_size=40))
def test_a_weight_counts_as_so_many_spans(pairs):
    values = np.array([value for value, _ in pairs], np.int64)
    weighted = histogram_of(values, np.array([weight for _, weight in pairs]))
    repeated = of([value for value, weight in pairs for _ in range(int(weight))])
    assert weighted.count == repeated.count
    for q in (0.5, 0.95, 0.99):
        assert weighted.quantile(q) == repeated.quantile(q)


@given(durations, durations)
def test_merging_is_as_if_all_had_been_in_one(first, second):
    together, merged = of(first + second), merge([of(first), EMPTY, of(second)])
    assert merged.buckets.tolist() == together.buckets.tolist()
    assert merged.weights.tolist() == together.weights.tolist()
    assert (merged.min_nano, merged.max_nano) == (together.min_nano, together.max_nano)
    assert merged.sum_nano == pytest.approx(together.sum_nano)


def test_nothing_has_no_percentiles():
    assert merge([]) is EMPTY
    assert EMPTY.quantile(0.5) is None
    assert EMPTY.interval(0.5) is None
    assert EMPTY.mean_nano == 0


def test_few_values_have_wide_intervals():
    few, many = of([10, 20, 30] * 3), of([10, 20, 30] * 3_000)
    assert few.interval(0.5)[1] > many.interval(0.5)[1]


def test_heavy_weights_are_worth_fewer_values():
    weighted = histogram_of(np.array([1, 2]), np.array([100.0, 1.0]))
    assert weighted.count == 101
    assert weighted.effective_count == pytest.approx(1.02, rel=0.01)
