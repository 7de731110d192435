"""Names beyond the limits of a minute: what is kept, and that nothing is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.findings import findings
from analysis.limits import OTHER_NAMES, OTHER_SERVICES, Limits, folded
from analysis.measured import (
    EDGE,
    EDGES,
    ENTRY,
    LEFT_OUT,
    NAMES,
    OFFENDER,
    OPERATION,
    REQUEST,
    SERVICES,
    VERDICT,
)
from tests.analysis.plain import forest, node
from tests.builders import trace_id
from traces.query import Window

ALL = Window(0, 2**63 - 1)
FEW = Limits(services=3, names_of_service=2, names=4, edges=3)


def call(number, service="a", name="GET", **more):
    """A request of one span, 10 ns long."""
    more = {"trace_id": trace_id(number), "kind": 2} | more
    return node(number, 0, 10, service=service, name=name, **more)


def calls(*names, service="a", first=1):
    return [call(first + at, service, name) for at, name in enumerate(names)]


def found(spans, limits=FEW):
    return findings(forest(*spans), ALL, limits=limits).measured


def counts(measured, kind):
    return {each.fields[:2]: each.count for each in measured if each.kind == kind}


def beyond(measured):
    chosen = (each for each in measured if each.kind == LEFT_OUT)
    return {each.fields: each.histogram.max_nano for each in chosen}


def test_within_the_limits_the_forest_stays_as_it_is():
    of = forest(*calls("x", "y"), *calls("x", "y", service="b", first=11))
    assert folded(of, FEW).forest is of


def test_the_names_of_most_spans_are_kept_and_the_rest_is_one():
    measured = found(calls("x", "y", "z", "y", "x", "x", "w"))
    kept = {("a", "x"): 3, ("a", "y"): 2, ("a", OTHER_NAMES): 2}
    assert counts(measured, OPERATION) == kept
    assert counts(measured, ENTRY) == counts(measured, REQUEST) == kept
    assert beyond(measured) == {(NAMES, "a"): 2}


def test_of_equals_the_first_in_the_alphabet_are_kept():
    measured = found(calls("z", "x", "y"))
    assert counts(measured, OPERATION).keys() == {
        ("a", "x"),
        ("a", "y"),
        ("a", OTHER_NAMES),
    }


def test_a_service_with_many_names_takes_no_room_of_another():
    many = calls(*map(str, range(50)))
    measured = found([*many, *calls("rare", service="b", first=100)])
    assert ("b", "rare") in counts(measured, OPERATION)


def test_services_beyond_the_limit_are_one():
    each = [call(n, f"s{n}", first) for n, first in enumerate("xxyyx", start=1)]
    measured = found([*each, call(9, "s5")])
    assert counts(measured, OPERATION) == {
        ("s1", "x"): 1,
        ("s2", "x"): 1,
        ("s5", "GET"): 1,
        ("s5", "x"): 1,
        (OTHER_SERVICES, OTHER_NAMES): 2,
    }
    # One of the edges from the user, to each of the services that are left.
    assert beyond(measured) == {
        (SERVICES,): 2,
        (NAMES, OTHER_SERVICES): 2,
        (EDGES,): 1,
    }


def test_edges_beyond_the_limit_lead_to_others():
    spans = [
        node(n, 0, 10, kind=3, attributes={"server.address": f"h{n // 2}"})
        for n in range(2, 12)
    ]
    measured = found(spans, FEW._replace(edges=4))
    edges = {each.fields[2]: each.count for each in measured if each.kind == EDGE}
    assert edges == {"h1": 2, "h2": 2, "h3": 2, "h4": 2, "others": 2}
    assert beyond(measured)[EDGES,] == 1


def test_spans_of_one_name_for_many_are_no_retries_and_no_repeats():
    parent = node(1, 0, 200, kind=2, name="top")
    children = [
        node(n, 10 * n, 10 * n + 5, parent=1, name=f"q{n}", kind=3)
        for n in range(2, 12)
    ]
    kinds = {each.kind for each in found([parent, *children])}
    assert not kinds & {"repeat", "edge-count"}


def test_a_failure_under_a_name_of_its_own_each_time_is_one_cause():
    spans = [call(n, name=f"GET /{n}", status_code=2) for n in range(1, 30)]
    causes = [each for each in found(spans) if each.kind == "cause"]
    assert len(causes) == 3
    assert sum(each.count for each in causes) == 29


def test_places_beyond_the_worst_are_one(monkeypatch):
    monkeypatch.setattr("analysis.offender_measures.MOST_OFFENDERS", 1)
    measured = found(calls("x", "x", "y"), Limits())
    assert counts(measured, OFFENDER) == {
        ("a", "x"): 2,
        (OTHER_SERVICES, OTHER_NAMES): 1,
    }
    assert beyond(measured) == {(OFFENDER,): 1}


NAMED = st.tuples(st.sampled_from("abcde"), st.sampled_from("uvwxyz"))
SIZES = st.integers(1, 6)


@settings(max_examples=30, deadline=None)
@given(st.lists(NAMED, min_size=1, max_size=30), st.builds(Limits, *[SIZES] * 4))
def test_whatever_is_folded_the_sums_are_the_same(names, limits):
    spans = [call(n, *each) for n, each in enumerate(names, start=1)]
    few, whole = found(spans, limits), found(spans, Limits())
    for kind in (OPERATION, ENTRY, REQUEST, VERDICT, OFFENDER):
        both = ([m for m in each if m.kind == kind] for each in (few, whole))
        one, other = (
            [sum(m.count for m in of), sum(m.histogram.sum_nano for m in of)]
            for of in both
        )
        assert one == pytest.approx(other)
    told = counts(few, OPERATION)
    own = [pair for pair in told if OTHER_NAMES not in pair]
    assert len(own) <= limits.names
    assert len({service for service, _ in own}) <= limits.services
    assert {m.fields for m in found(spans[::-1], limits)} == {m.fields for m in few}


def test_a_trace_that_begins_before_the_minute_keeps_its_names_in_order():
    early = [call(n, name=f"early{n}", trace_id=trace_id(n)) for n in range(1, 4)]
    late = [
        node(n, 100, 110, trace_id=trace_id(n), kind=2, name="late")
        for n in range(4, 8)
    ]
    start = late[0]["start_time_unix_nano"]
    measured = findings(
        forest(*early, *late), Window(start, start + 1), limits=FEW
    ).measured
    assert counts(measured, REQUEST) == {("a", "late"): 4}
