"""The critical path: the exact rule by columns, held to the rule in plain Python."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import critical_path as critical_path_module
from analysis.critical_path import critical_path, segments
from tests.analysis.plain import by_id, forest, forests, node, walk
from tests.builders import trace_id

# Parts of a parent's time by which children that follow each other may overlap.
PARTS = st.sampled_from((0.0, 0.1, 0.25, 0.5, 1.0))


def self_times(*spans, part=0.0):
    found = forest(*spans)
    return by_id(found, critical_path(found, overlap_part=part).self_nano)


@given(forests(), PARTS)
def test_the_columns_answer_what_the_plain_walk_answers(rows, part):
    found = forest(*rows)
    parts = segments(found, critical_path(found, overlap_part=part))
    given_parts = zip(parts.row, parts.start, parts.end, strict=True)
    assert sorted(map(tuple, given_parts)) == sorted(walk(found, part))


@given(forests(), PARTS)
def test_the_path_of_a_trace_adds_up_to_its_roots(rows, part):
    found = forest(*rows)
    path = critical_path(found, overlap_part=part)
    roots = found.roots
    lengths = (found.end - found.start)[roots]
    assert path.self_nano.sum() == lengths.sum()
    per_trace = np.bincount(found.trace, weights=path.self_nano)
    assert (
        per_trace.tolist()
        == (
            np.bincount(found.trace[roots], weights=lengths, minlength=len(per_trace))
        ).tolist()
    )
    assert (path.self_nano >= 0).all()
    assert not path.self_nano[~path.on].any()


@given(forests(), PARTS)
def test_the_order_of_arrival_changes_nothing(rows, part):
    forward, backward = forest(*rows), forest(*reversed(rows))
    ids = [
        f.spans["trace_id"].to_pylist() + f.spans["span_id"].to_pylist()
        for f in (forward, backward)
    ]
    assert ids[0] == ids[1]
    own = [
        critical_path(f, overlap_part=part).self_nano.tolist()
        for f in (forward, backward)
    ]
    assert own[0] == own[1]


@given(forests(), PARTS)
def test_without_overlap_what_may_overlap_changes_nothing(rows, part):
    """Children that are moved behind each other, whatever is below them."""
    found = in_turn(forest(*rows))
    exact, tolerant = (critical_path(found, overlap_part=p) for p in (0.0, part))
    assert exact.self_nano.tolist() == tolerant.self_nano.tolist()
    assert exact.end.tolist() == tolerant.end.tolist()


def in_turn(found):
    start, end = found.start.copy(), found.end.copy()
    busy_until: dict = {}
    for row, parent in enumerate(found.parent.tolist()):
        length = end[row] - start[row]
        start[row] = max(start[row], busy_until.get(parent, 0))
        end[row] = busy_until[parent] = start[row] + length
    return replace(found, start=start, end=end)


def test_serial_children_own_their_time_even_when_they_touch():
    spans = node(1, 0, 30), node(2, 0, 10, 1), node(3, 10, 30, 1)
    assert self_times(*spans) == {1: 0, 2: 10, 3: 20}


def test_of_parallel_children_the_last_to_end_is_on_the_path():
    spans = node(1, 0, 30), node(2, 5, 25, 1), node(3, 5, 28, 1)
    assert self_times(*spans) == {1: 7, 2: 0, 3: 23}


JITTER = node(1, 0, 1000), node(2, 0, 505, 1), node(3, 500, 1000, 1)


def test_children_that_overlap_a_little_follow_each_other():
    assert self_times(*JITTER) == {1: 500, 2: 0, 3: 500}
    assert self_times(*JITTER, part=0.01) == {1: 0, 2: 500, 3: 500}


@pytest.mark.parametrize(
    "spans",
    [
        (node(1, 0, 1000), node(2, 0, 511, 1), node(3, 500, 1000, 1)),
        (*JITTER, node(4, 503, 504, 1)),
        (*JITTER, node(4, 500, 900, 1)),
        (*JITTER, node(4, 100, 505, 1)),
        (node(1, 0, 1000), node(2, 500, 505, 1), node(3, 500, 1000, 1)),
        (node(1, 0, 1000), node(2, 0, 1000, 1), node(3, 995, 1000, 1)),
        (node(1, 0, 1000), node(2, 0, 505, 1), node(3, 500, 501, 1)),
    ],
)
def test_other_overlaps_are_no_jitter(spans):
    """Too long; a third one starts or ends in it; both start, or both end, together; one
    within the other."""
    assert self_times(*spans, part=0.01) == self_times(*spans)


def test_very_deep_down_every_overlap_counts(monkeypatch):
    spans = (node(9, 0, 1000), *(row | {} for row in JITTER))
    spans[1]["parent_span_id"] = spans[0]["span_id"]
    assert self_times(*spans, part=0.01)[2] == 500
    monkeypatch.setattr(critical_path_module, "DEEPEST_OVERLAP", 1)
    assert self_times(*spans, part=0.01)[2] == 0


def test_what_is_below_a_child_ends_with_it():
    spans = (*JITTER, node(4, 10, 505, 2), node(5, 501, 504, 2))
    assert self_times(*spans, part=0.01) == {1: 0, 2: 10, 3: 500, 4: 490, 5: 0}


def test_a_child_that_outlives_its_parent_is_clipped():
    assert self_times(node(1, 0, 10), node(2, 5, 50, 1)) == {1: 5, 2: 5}


def test_a_child_outside_its_parent_is_left_out_with_all_below_it():
    spans = node(1, 0, 10), node(2, 20, 30, 1), node(3, 2, 8, 2)
    assert self_times(*spans) == {1: 10, 2: 0, 3: 0}


def test_a_consumer_under_its_producer_is_not_waited_for():
    spans = node(1, 0, 10, kind=4), node(2, 2, 8, 1, kind=5)
    assert self_times(*spans) == {1: 10, 2: 0}


def test_a_span_without_length_is_on_the_path_and_owns_nothing():
    found = forest(node(1, 0, 10), node(2, 4, 4, 1))
    path = critical_path(found)
    assert by_id(found, path.on) == {1: True, 2: True}
    assert by_id(found, path.self_nano) == {1: 10, 2: 0}


def test_an_orphan_has_a_path_of_its_own():
    found = forest(node(1, 0, 10), node(2, 2, 5, parent=9))
    assert by_id(found, critical_path(found).self_nano) == {1: 10, 2: 3}
    assert by_id(found, found.orphan) == {1: False, 2: True}


def test_a_start_at_zero_and_the_end_of_time_are_plain_numbers():
    last = 2**63 - 1
    spans = node(1, 0, 10), node(2, 0, 10, 1)
    for row in spans:
        row |= {"start_time_unix_nano": 0, "duration_nano": last}
    assert self_times(*spans) == {1: 0, 2: last}


def test_deep_and_wide_traces_neither_recurse_nor_overflow():
    wide = [node(1, 0, 200_000)]
    wide += [node(i + 2, 2 * i, 2 * i + 2, 1) for i in range(20_000)]
    deep = [
        node(i, i, 100_000 - i, i - 1, trace_id=trace_id(2)) for i in range(1, 20_000)
    ]
    found = forest(*wide, *deep)
    path = critical_path(found, overlap_part=0.01)
    assert path.self_nano.sum() == 200_000 + (100_000 - 2)
    assert path.on.all()
