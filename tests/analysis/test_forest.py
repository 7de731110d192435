"""Many traces in one forest: parents found, ids told apart, cycles broken."""

from hypothesis import given

from tests.analysis.plain import by_id, forest, forests, node
from tests.builders import trace_id


def parents(*spans):
    """Span name: name of the parent."""
    found = forest(*spans)
    names = [found.names[at] for at in found.name]
    return {
        name: names[row] if row >= 0 else None
        for name, row in zip(names, found.parent.tolist(), strict=True)
    }


def test_a_parent_is_looked_for_in_its_own_trace():
    here = node(1, 0, 10), node(2, 1, 5, 1)
    there = node(2, 0, 3, 1, trace_id=trace_id(2), name="other")
    assert parents(*here, there) == {"op1": None, "op2": "op1", "other": None}


def test_a_span_that_is_its_own_parent_is_a_root():
    assert parents(node(1, 0, 10, 1)) == {"op1": None}


def test_a_cycle_is_broken_at_its_earliest_span():
    spans = node(1, 5, 9, 3), node(2, 0, 9, 1), node(3, 3, 9, 2)
    assert parents(*spans) == {"op2": None, "op3": "op2", "op1": "op3"}


def test_a_shared_id_is_two_halves_of_one_call():
    client = node(1, 0, 10, kind=3, service="a", name="client")
    server = node(1, 2, 8, kind=2, service="b", name="server")
    below = node(2, 3, 5, 1, service="b", name="below")
    beside = node(3, 3, 5, 1, service="a", name="beside")
    assert parents(client, server, below, beside) == {
        "client": None,
        "server": "client",
        "below": "server",
        "beside": "client",
    }


def test_the_server_half_of_a_child_names_the_client_halfs_parent():
    root = node(1, 0, 20, kind=2, service="a", name="root")
    client = node(2, 1, 10, 1, kind=3, service="a", name="client")
    server = node(2, 2, 8, 1, kind=2, service="b", name="server")
    assert parents(root, client, server) == {
        "root": None,
        "client": "root",
        "server": "client",
    }


def test_spans_of_one_kind_that_share_an_id_all_stay():
    first = node(1, 0, 10, name="first")
    second = node(1, 2, 8, name="second")
    child = node(2, 3, 4, 1, name="child")
    assert parents(first, second, child) == {
        "first": None,
        "second": None,
        "child": "first",
    }


@given(forests())
def test_every_span_is_in_one_level_and_below_its_parent(rows):
    found = forest(*rows)
    depth = {}
    for level, members in enumerate(found.levels):
        for row in members.tolist():
            assert row not in depth
            depth[row] = level
    assert len(depth) == len(found) == len(rows)
    for row, parent in enumerate(found.parent.tolist()):
        assert depth[row] == (depth[parent] + 1 if parent >= 0 else 0)
        assert parent < 0 or found.trace[parent] == found.trace[row]


def test_a_negative_duration_is_kept_and_not_used():
    found = forest(node(1, 5, 2))
    assert by_id(found, found.duration_nano) == {1: -3}
    assert by_id(found, found.end - found.start) == {1: 0}


def test_nothing_is_a_forest_too():
    assert len(forest()) == 0
