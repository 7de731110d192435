"""The profile of an entry operation, held to the same sums span by span."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.profile import ALL, profile
from analysis.profile_change import change
from analysis.requests import BAND_COUNT, quantile, requests_to
from tests.analysis.plain import forest, forests, node, walk
from tests.builders import trace_id


def request(number, duration, *children, **more):
    """A trace of its own: an entry with children (name, start, end)."""
    first = 100 * number
    rows = [node(first, 0, duration, name="entry", **more)]
    rows += [
        node(first + at, start, end, first, name=name)
        for at, (name, start, end) in enumerate(children, 1)
    ]
    return [row | {"trace_id": trace_id(number)} for row in rows]


def hundred():
    """Requests of 1..100 ns, each with a child for its first half."""
    rows = []
    for number in range(1, 101):
        rows += request(number, 2 * number, ("child", 0, number))
    return forest(*rows)


def path_names(found, path):
    steps = found.paths.steps(path)
    services, names = found.forest.services, found.forest.names
    return tuple(
        (services[found.paths.service[step]], names[found.paths.name[step]])
        for step in steps
    )


def plain_sums(of, service, name):
    """By path: on-path time, hits and errors, from the walk as it is told."""
    own: defaultdict[int, int] = defaultdict(int)
    for row, start, end in walk(of):
        own[row] += end - start
    told: defaultdict[tuple[tuple[str, str], ...], Any] = defaultdict(
        lambda: np.zeros(3)
    )
    for row in range(len(of)):
        path, above = [], row
        while above >= 0:
            path.append((of.services[of.service[above]], of.names[of.name[above]]))
            above = int(of.parent[above])
        if path[-1] == (service, name):
            told[tuple(path[::-1])] += own[row], 1, of.failed[row]
    return {path: tuple(values) for path, values in told.items()}


@given(forests())
def test_the_columns_answer_what_plain_sums_answer(rows):
    of = forest(*rows)
    found = profile(of, "a", "x")
    given_sums = {
        path_names(found, path): (
            found.sums.on_path_nano[path, ALL],
            found.sums.hits[path, ALL],
            found.sums.failed[path, ALL],
        )
        for path in range(len(found.paths))
    }
    assert given_sums == plain_sums(of, "a", "x")


@given(forests(), st.sampled_from((0.0, 0.25, 1.0)))
def test_paths_add_up_to_the_durations_in_every_band(rows, overlap):
    found = profile(forest(*rows), "a", "x", overlap_part=overlap)
    assert found.sums.on_path_nano.sum(axis=0).tolist() == found.band_nano.tolist()
    assert (found.sums.self_nano >= 0).all()
    assert found.band_weight[ALL] == found.band_weight[:BAND_COUNT].sum()


@given(forests())
def test_the_difference_of_bands_adds_up_to_that_of_their_means(rows):
    found = profile(forest(*rows), "a", "x")
    told = change(found, 0, 1)
    if found.band_weight[0] and found.band_weight[1]:
        means = found.mean_nano(1) - found.mean_nano(0)
        assert told.delta_nano.sum() == pytest.approx(means, abs=1e-6)
    else:
        assert not told.delta_nano.any()


def test_a_hundred_requests_fill_the_bands():
    found = profile(hundred(), "a", "entry")
    assert found.band_weight.tolist() == [50, 40, 9, 1, 100]
    assert found.mean_nano(3) == 200
    assert found.requests.duration_nano.tolist() == [2 * n for n in range(1, 101)]


def test_too_few_requests_leave_the_slowest_band_empty():
    rows = [row for n in (1, 2) for row in request(n, n)]
    found = profile(forest(*rows), "a", "entry")
    assert found.band_weight.tolist() == [1, 1, 0, 0, 2]
    assert found.mean_nano(3) == 0


def test_exemplars_are_the_longest_and_the_median_visit_by_band():
    found = profile(hundred(), "a", "entry")
    child = next(p for p in range(2) if len(found.paths.steps(p)) == 2)
    ids = [found.trace_id(r) for r in found.slowest[child].tolist()]
    assert ids == [trace_id(n) for n in (50, 90, 99, 100, 100)]
    assert found.trace_id(found.typical[child, ALL]) == trace_id(50)
    assert found.trace_id(found.typical[child, 0]) == trace_id(25)


def test_a_path_that_is_never_on_the_critical_path_has_no_exemplar():
    rows = request(1, 30, ("beside", 0, 10), ("main", 0, 30))
    found = profile(forest(*rows), "a", "entry")
    beside = next(p for p in range(3) if path_names(found, p)[-1] == ("a", "beside"))
    assert found.slowest[beside].tolist() == [-1] * (BAND_COUNT + 1)
    assert found.sums.self_nano[beside, ALL] == 10


def test_a_sampled_request_counts_for_those_it_stands_for():
    rows = [*request(1, 10), *request(2, 40, trace_state="ot=th:c")]
    found = profile(forest(*rows), "a", "entry")
    assert found.band_weight[ALL] == 5
    assert found.mean_nano(ALL) == (10 + 4 * 40) / 5
    requests = found.requests
    assert quantile(requests.duration_nano, requests.weight, 0.5) == 40
    assert quantile(requests.duration_nano, requests.weight, 0.2) == 10


def test_an_unknown_operation_has_no_requests():
    found = profile(hundred(), "a", "nothing")
    assert len(found.requests) == len(found.paths) == 0
    assert found.band_weight.tolist() == [0] * (BAND_COUNT + 1)
    assert quantile(found.requests.duration_nano, found.requests.weight, 0.5) is None


def test_an_empty_forest_has_no_requests():
    assert len(requests_to(forest(), "a", "x")) == 0
    assert len(profile(forest(), "a", "x").paths) == 0


def test_calls_that_mostly_outlive_their_callers_are_not_waited_for():
    """One that does once is a skewed clock; twenty that do are fire-and-forget."""
    for count, own in ((19, 5), (20, 10)):
        rows = []
        for number in range(1, count + 1):
            rows += request(number, 10, ("log", 5, 50))
        found = profile(forest(*rows), "a", "entry")
        assert found.sums.on_path_nano[0, ALL] / count == own


def test_a_caller_that_gave_up_did_wait():
    """A timeout: the caller fails while what it called goes on."""
    rows = []
    for number in range(1, 31):
        rows += request(number, 10, ("query", 5, 50), status_code=2)
    found = profile(forest(*rows), "a", "entry")
    assert found.sums.on_path_nano[:, ALL].tolist() == [150, 150]


def test_more_calls_and_slower_calls_are_told_apart():
    """p0-50 has one call of 10, the rest two of 10 or one of 20."""
    fast = [request(n, 10, ("c", 0, 10)) for n in range(1, 6)]
    slow = [request(n, 20, ("c", 0, 10), ("c", 10, 20)) for n in range(6, 11)]
    slower = [request(n, 20, ("c", 0, 20)) for n in range(6, 11)]
    for others, expected in ((slow, (10, 0)), (slower, (0, 10))):
        rows = [row for each in (*fast, *others) for row in each]
        told = change(profile(forest(*rows), "a", "entry"), 0, 1)
        found = told.more_calls_nano.sum(), told.slower_calls_nano.sum()
        assert found == pytest.approx(expected)


def test_a_difference_says_what_chance_could_do():
    found = profile(hundred(), "a", "entry")
    told = change(found, 0, 1)
    assert (told.low_nano < told.delta_nano).all()
    assert (told.delta_nano < told.high_nano).all()
    assert not told.may_be_chance.any()
    assert change(found, 0, 1).low_nano.tolist() == told.low_nano.tolist()


def test_the_order_of_arrival_changes_nothing():
    rows = [row for n in range(1, 9) for row in request(n, n % 3 + 5, ("c", 1, 4))]
    first, second = (
        profile(forest(*given_rows), "a", "entry") for given_rows in (rows, rows[::-1])
    )
    assert first.sums.on_path_nano.tolist() == second.sums.on_path_nano.tolist()
    assert first.slowest.tolist() == second.slowest.tolist()
