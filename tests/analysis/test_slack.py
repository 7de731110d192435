"""How much longer a span could run: held to the replay of its request."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.critical_path import critical_path
from analysis.slack import UNBOUNDED, slack
from tests.analysis.plain import by_id, forest, forests, node
from tests.analysis.test_what_if import plain_replay


def slacks(*spans):
    found = forest(*spans)
    return by_id(found, slack(found, critical_path(found)))


def roots_if(found, path, row, nano):
    nothing = np.zeros(len(found), bool)
    durations = plain_replay(found, path, nothing, 0, {row: nano}.items())
    return [durations[root] for root in found.roots.tolist()]


@given(forests(), st.sampled_from((0.0, 0.25)), st.data())
def test_a_span_that_takes_its_slack_delays_no_root_and_a_nanosecond_more_does(
    rows, overlap, data
):
    found = forest(*rows)
    path = critical_path(found, overlap_part=overlap)
    row = data.draw(st.integers(0, len(found) - 1))
    free = int(slack(found, path)[row])
    as_it_was = roots_if(found, path, row, 0)
    if free == UNBOUNDED:
        assert roots_if(found, path, row, 1_000) == as_it_was
        assert path.outside[row]
    else:
        assert roots_if(found, path, row, free) == as_it_was
        assert roots_if(found, path, row, free + 1) != as_it_was


@given(forests())
def test_there_is_none_on_the_path(rows):
    found = forest(*rows)
    path = critical_path(found)
    assert not slack(found, path)[path.on].any()


def test_a_parallel_call_could_run_until_the_longer_one_ends():
    spans = node(1, 0, 100), node(2, 10, 60, 1), node(3, 10, 95, 1)
    assert slacks(*spans) == {1: 0, 2: 35, 3: 0}


def test_what_waits_for_it_must_still_begin_in_time():
    """Two one after the other beside a longer one: the parent's 10 between them stay,
    and both have what is left."""
    spans = node(1, 0, 100), node(2, 0, 20, 1), node(3, 30, 60, 1), node(4, 0, 90, 1)
    assert slacks(*spans) == {1: 0, 2: 30, 3: 30, 4: 0}


def test_a_call_below_has_the_slack_of_what_it_is_part_of():
    spans = node(1, 0, 100), node(2, 0, 60, 1), node(3, 0, 90, 1), node(4, 5, 50, 2)
    assert slacks(*spans)[4] == 30


def test_what_nobody_waits_for_may_take_any_time():
    spans = node(1, 0, 10, kind=4), node(2, 2, 8, 1, kind=5), node(3, 3, 5, 2)
    assert slacks(*spans) == {1: 0, 2: UNBOUNDED, 3: UNBOUNDED}


def test_nothing_has_no_slack():
    found = forest()
    assert slack(found, critical_path(found)).tolist() == []
