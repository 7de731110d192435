"""Comparing requests path by path: nothing is lost, what moved is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare import NONE, compare, profile
from analysis.critical_path import critical_path
from analysis.subtrees import owners, subtrees
from tests.analysis.plain import forest, forests, node
from tests.builders import trace_id


def of(*spans, request_per_root=False):
    return profile(forest(*spans), request_per_root=request_per_root)


def by_name(comparison):
    return {change.steps[-1][1]: change for change in comparison.changes}


def test_a_trace_and_itself_do_not_differ():
    spans = node(1, 0, 100), node(2, 10, 60, 1), node(3, 60, 90, 1, status_code=2)
    found = compare(of(*spans), of(*spans))
    assert found.is_none
    assert found.moves == []


def test_a_call_that_takes_longer_comes_first_with_its_time():
    before = of(node(1, 0, 100), node(2, 10, 20, 1), node(3, 30, 90, 1))
    after = of(node(1, 0, 190), node(2, 10, 110, 1), node(3, 120, 180, 1))
    found = compare(before, after)
    assert found.duration_nano == 90
    first = found.changes[0]
    assert first.steps == (("a", "op1"), ("a", "op2"))
    assert first.on_path_nano == 90
    assert first.calls_nano == 0
    assert by_name(found)["op3"].is_none
    assert not found.is_none


def test_more_calls_are_told_from_slower_ones():
    query = [node(n, 10 * n, 10 * n + 8, 1, name="query") for n in range(2, 5)]
    before = of(node(1, 0, 100), query[0])
    after = of(node(1, 0, 100), *query)
    change = by_name(compare(before, after))["query"]
    assert (change.before.count, change.after.count) == (1, 3)
    assert change.on_path_nano == change.calls_nano == 16


def test_what_is_new_and_what_is_gone_are_there_with_nothing_on_the_other_side():
    before = of(node(1, 0, 100), node(2, 10, 20, 1))
    after = of(node(1, 0, 100), node(3, 10, 40, 1))
    changes = by_name(compare(before, after))
    assert changes["op2"].after == changes["op3"].before == NONE
    assert changes["op3"].on_path_nano == changes["op3"].calls_nano == 30


def test_an_operation_that_is_called_from_elsewhere_has_moved():
    caller = node(2, 10, 90, 1)
    before = of(node(1, 0, 100), caller, node(3, 20, 30, 2), node(4, 21, 22, 3))
    after = of(node(1, 0, 100), caller, node(3, 20, 30, 1), node(4, 21, 22, 3))
    (move,) = compare(before, after).moves
    assert move.before == (("a", "op1"), ("a", "op2"), ("a", "op3"))
    assert move.after == (("a", "op1"), ("a", "op3"))


def test_many_requests_are_compared_by_their_means():
    def requests(*durations):
        return of(
            *(
                node(n, 0, nano, trace_id=trace_id(n), name="GET")
                for n, nano in enumerate(durations, 1)
            )
        )

    found = compare(requests(10, 30), requests(50, 60, 70))
    assert (found.before.requests, found.after.requests) == (2, 3)
    assert found.duration_nano == pytest.approx(40)
    (change,) = found.changes
    assert change.before.count == change.after.count == pytest.approx(1)


def test_a_sampled_request_counts_for_those_it_stands_for():
    spans = [
        node(1, 0, 10, trace_id=trace_id(1), trace_state="ot=th:c", name="GET"),
        node(2, 0, 60, trace_id=trace_id(2), name="GET"),
    ]
    assert of(*spans).duration_nano == pytest.approx((4 * 10 + 60) / 5)


def test_a_deep_chain_and_a_broad_trace_are_compared():
    chain = [node(n, n, 10_000 - n, n - 1) for n in range(1, 3_000)]
    broad = [node(1, 0, 9_000), *(node(n, n, n + 1, 1) for n in range(2, 3_000))]
    found = compare(of(*chain), of(*broad))
    assert sum(c.on_path_nano for c in found.changes) == pytest.approx(9_000 - 9_998)


@given(forests(), forests(), st.booleans())
def test_changes_add_up_to_the_change_of_the_whole(one, other, request_per_root):
    before, after = (
        of(*spans, request_per_root=request_per_root) for spans in (one, other)
    )
    found = compare(before, after)
    whole = after.duration_nano - before.duration_nano
    assert sum(c.on_path_nano for c in found.changes) == pytest.approx(whole, abs=1e-6)
    assert compare(before, before).is_none
    back = compare(after, before)
    assert sorted(-c.on_path_nano for c in back.changes) == pytest.approx(
        sorted(c.on_path_nano for c in found.changes)
    )


@given(forests(), st.data())
def test_subtrees_are_the_spans_below_with_what_they_had(spans, data):
    whole = forest(*spans)
    tops = np.array(
        sorted(data.draw(st.sets(st.integers(0, len(whole) - 1)))), np.int64
    )
    part, rows = subtrees(whole, tops)
    assert rows[part.roots].tolist() == tops.tolist()
    wanted = set(tops.tolist())
    for row in range(len(whole)):
        above, found = row, False
        while above != -1:
            found |= above in wanted
            above = int(whole.parent[above])
        assert (row in rows.tolist()) == found
    for name in ("start", "end", "kind", "failed", "service", "name", "weight"):
        assert getattr(part, name).tolist() == getattr(whole, name)[rows].tolist()
    below = np.flatnonzero(part.parent >= 0)
    assert rows[part.parent[below]].tolist() == whole.parent[rows[below]].tolist()
    roots = part.roots[owners(part)]
    assert all(part.parent[roots] == -1)
    own = critical_path(part).self_nano
    lengths = (part.end - part.start)[part.roots]
    assert own.sum() == lengths.sum()
