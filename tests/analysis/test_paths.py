"""Call paths and service paths, numbered over many traces."""

import random
from collections import Counter

import pytest
from hypothesis import given

from analysis import paths as module
from analysis.forest import build_forest
from analysis.paths import call_paths, path_keys, service_paths
from tests.analysis.plain import analysed, forest, forests, node
from tests.builders import trace_id

HALF = "ot=th:8"


def call_counts(found):
    """Path of (service, name): number of its spans."""
    path, table = call_paths(found)
    return Counter(
        tuple(
            (found.services[table.service[step]], found.names[table.name[step]])
            for step in table.steps(number)
        )
        for number in path.tolist()
    )


def service_counts(found):
    """Path of services: (calls, failed, traces)."""
    counted = service_paths(found)
    columns = counted.calls, counted.failed, counted.traces
    return {
        "".join(
            found.services[counted.paths.service[step]]
            for step in counted.paths.steps(number)
        ): tuple(column[number] for column in columns)
        for number in range(len(counted.paths))
    }


def above(found, row):
    """Rows from the root to this one."""
    rows = []
    while row >= 0:
        rows.append(row)
        row = int(found.parent[row])
    return rows[::-1]


def test_equal_paths_of_different_traces_have_one_number():
    root, child = node(1, 0, 9, name="x"), node(2, 1, 5, 1, name="y", service="b")
    again = node(1, 3, 9, name="x", trace_id=trace_id(2))
    assert call_counts(forest(root, child, again)) == {
        (("a", "x"),): 2,
        (("a", "x"), ("b", "y")): 1,
    }


def test_one_name_under_two_parents_is_two_paths():
    spans = node(1, 0, 9), node(2, 1, 5, 1), node(3, 1, 5, 2, name="z")
    found = call_counts(forest(*spans, node(4, 6, 7, 1, name="z")))
    assert found[("a", "op1"), ("a", "z")] == 1
    assert found[("a", "op1"), ("a", "op2"), ("a", "z")] == 1


@given(forests())
def test_call_paths_are_what_the_parents_tell(rows):
    found = forest(*rows)
    assert call_counts(found) == Counter(
        tuple(
            (found.services[found.service[at]], found.names[found.name[at]])
            for at in above(found, row)
        )
        for row in range(len(found))
    )


def test_a_path_continues_one_of_a_lower_number():
    _, table = call_paths(forest(node(1, 0, 9), node(2, 1, 5, 1), node(3, 1, 2, 2)))
    assert table.parent.tolist() == [-1, 0, 1]
    assert table.depth.tolist() == [1, 2, 3]


def test_services_in_a_row_count_once():
    spans = node(1, 0, 9), node(2, 1, 8, 1), node(3, 2, 7, 2, service="b")
    back = node(4, 3, 6, 3, service="a", status_code=2)
    assert service_counts(forest(*spans, back)) == {
        "a": (1, 0, 1),
        "ab": (1, 0, 1),
        "aba": (1, 1, 1),
    }


def test_two_calls_in_one_trace_are_one_trace():
    spans = node(1, 0, 9), *(node(n, 1, 5, 1, service="b") for n in (2, 3))
    assert service_counts(forest(*spans))["ab"] == (2, 0, 1)


def test_a_path_weighs_what_its_rarest_span_weighs():
    root = node(1, 0, 9, trace_state=HALF)
    assert service_counts(forest(root, node(2, 1, 5, 1, service="b"))) == {
        "a": (2, 0, 2),
        "ab": (2, 0, 2),
    }


@given(forests())
def test_service_paths_are_counted_as_by_hand(rows):
    found = forest(*rows)
    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    traces: dict[str, set[int]] = {}
    for row in range(len(found)):
        parent = found.parent[row]
        if parent >= 0 and found.service[parent] == found.service[row]:
            continue
        path = ""
        for at in above(found, row):
            service = found.services[found.service[at]]
            path += "" if path.endswith(service) else service
        calls[path] += 1
        failed[path] += int(found.failed[row])
        traces.setdefault(path, set()).add(int(found.trace[row]))
    assert service_counts(found) == {
        path: (calls[path], failed[path], len(traces[path])) for path in calls
    }


@given(forests())
def test_the_order_of_arrival_changes_no_path(rows):
    first = forest(*rows)
    table = analysed(*rows)
    order = random.Random(1).sample(range(len(rows)), len(rows))
    second = build_forest(table.take(order))
    assert call_counts(first) == call_counts(second)
    assert keys(first) == keys(second)


def keys(found):
    path, table = call_paths(found)
    every = path_keys(table, found.services, found.names)
    return [every[number] for number in path]


def test_a_key_is_the_same_in_another_forest():
    own = node(5, 0, 9, name="y", service="b", trace_id=trace_id(9))
    alone = keys(forest(own))
    among = keys(forest(node(1, 0, 9), node(2, 1, 5, 1), own))
    assert alone[0] in among
    assert len(set(among)) == 3


def test_names_that_could_run_together_have_keys_of_their_own():
    """Hostile names: what separates a service from a name may be in either."""
    pairs = ("a", "b"), ("a:b", ""), ("", "ab"), ("ab", ""), ("1:a", "b"), ("a\0", "b")
    spans = [
        node(n, 0, 9, service=service, name=name, trace_id=trace_id(n))
        for n, (service, name) in enumerate(pairs, 1)
    ]
    assert len(set(keys(forest(*spans)))) == len(pairs)


def test_beyond_the_limit_spans_are_on_the_path_of_their_ancestor(monkeypatch):
    monkeypatch.setattr(module, "DEEPEST", 3)
    chain = [node(n, n, 99, n - 1) for n in range(1, 8)]
    path, table = call_paths(forest(*chain))
    assert table.depth.tolist() == [1, 2, 3]
    assert path.tolist() == [0, 1, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("count", [call_paths, service_paths])
def test_no_span_has_no_path(count):
    assert count(forest()) is not None


def test_a_chain_of_thousands_of_spans_has_a_path_of_limited_length():
    """Hostile: a very deep trace."""
    _, table = call_paths(forest(*(node(n, n, 9999, n - 1) for n in range(1, 3000))))
    assert table.depth.max() == module.DEEPEST
