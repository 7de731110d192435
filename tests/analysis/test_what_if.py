"""Replay: what shortening some spans would change, and what it cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.critical_path import critical_path
from analysis.profile import profile
from analysis.what_if import Latency, latency, latency_if, replay
from tests.analysis.plain import by_id, forest, forests, node
from tests.analysis.test_profile import request

PARTS = st.floats(0, 1)
OVERLAPS = st.sampled_from((0.0, 0.25, 1.0))


def replayed(chosen, part, *spans):
    found = forest(*spans)
    rows = np.isin(found.name, [found.names.index(f"op{n}") for n in chosen])
    return by_id(found, replay(found, critical_path(found), rows, part))


def plain_replay(of, path, chosen, part, longer=()):
    """The model as it is told, span by span; `longer` are rows with more own time at
    their end."""
    more = dict(longer)
    children: dict[int, list[int]] = {}
    for row in path.siblings.row.tolist():
        children.setdefault(int(of.parent[row]), []).append(row)

    def shorter(row, nano):
        return nano - round(nano * part) if chosen[row] else nano

    def duration(row):
        ends: list[int] = []
        replayed_ends: list[int] = []
        for child in children.get(row, []):
            start = int(path.start[child])
            done = [at for at, end in enumerate(ends) if end <= start]
            anchor = max((ends[at] for at in done), default=int(path.start[row]))
            moved = max((replayed_ends[at] for at in done), default=0)
            ends.append(int(path.end[child]))
            replayed_ends.append(moved + shorter(row, start - anchor) + duration(child))
        last = max(ends, default=int(path.start[row]))
        after = shorter(row, int(path.end[row]) - last) + more.get(row, 0)
        return max(replayed_ends, default=0) + after

    return [duration(row) for row in range(len(of))]


def some_rows(found, data):
    return np.array(
        data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))),
        bool,
    )


@given(forests(), st.data(), PARTS, OVERLAPS)
def test_the_columns_answer_what_the_plain_replay_answers(rows, data, part, overlap):
    found = forest(*rows)
    path = critical_path(found, overlap_part=overlap)
    chosen = some_rows(found, data)
    expected = plain_replay(found, path, chosen, part)
    assert replay(found, path, chosen, part).tolist() == expected


@given(forests(), st.data(), OVERLAPS)
def test_no_change_replays_every_span_exactly(rows, data, overlap):
    found = forest(*rows)
    path = critical_path(found, overlap_part=overlap)
    chosen = some_rows(found, data)
    again = replay(found, path, chosen, 0)
    assert again.tolist() == (path.end - path.start).tolist()


@given(forests(), st.data(), PARTS)
def test_the_gain_is_never_more_than_what_is_owned_on_the_path(rows, data, part):
    found = forest(*rows)
    path, chosen = critical_path(found), some_rows(found, data)
    gain = ((path.end - path.start) - replay(found, path, chosen, part))[found.roots]
    own = np.bincount(
        found.trace, weights=np.where(chosen, path.self_nano, 0), minlength=1
    )
    gained = np.bincount(found.trace[found.roots], weights=gain, minlength=len(own))
    assert (gain >= 0).all()
    assert (gained <= own).all()


@given(forests(), PARTS)
def test_shrinking_what_is_off_the_path_changes_no_request(rows, part):
    found = forest(*rows)
    path = critical_path(found)
    again = replay(found, path, ~path.on, part)
    assert again[found.roots].tolist() == (path.end - path.start)[found.roots].tolist()


def test_an_entrys_percentiles_are_replayed_from_its_requests():
    rows = [row for n in range(1, 101) for row in request(n, 2 * n, ("child", 0, n))]
    found = profile(forest(*rows), "a", "entry")
    assert latency(found) == Latency(101, 100, 190, 198)
    assert latency_if(found, "a", "child", 1) == Latency(50.5, 50, 95, 99)
    assert latency_if(found, "a", "child", 0) == latency(found)
    assert latency_if(found, "a", "nothing", 1) == latency(found)
    assert latency(profile(forest(*rows), "a", "child")) is None


def test_what_comes_after_moves_up():
    spans = node(1, 0, 30), node(2, 0, 10, 1), node(3, 12, 30, 1)
    assert replayed([2], 0.5, *spans) == {1: 25, 2: 5, 3: 18}


def test_a_twin_beside_it_takes_away_the_gain():
    """A [0,10] then B [10,30], with C [0,25] beside: without A the root gains 5."""
    spans = node(1, 0, 30), node(2, 0, 10, 1), node(3, 10, 30, 1), node(4, 0, 25, 1)
    assert replayed([2], 1, *spans)[1] == 25


def test_a_parent_that_gets_faster_leaves_what_it_calls_as_it_is():
    assert replayed([1], 1, node(1, 0, 30), node(2, 5, 15, 1))[1] == 10


def test_all_of_an_operation_gets_faster_at_once():
    spans = [node(1, 0, 30)]
    spans += [node(n, 10 * n - 20, 10 * n - 10, 1, name="op2") for n in (2, 3, 4)]
    assert replayed([2], 0.5, *spans)[1] == 15


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_deep_and_wide_traces_neither_recurse_nor_overflow(part):
    wide = [node(1, 0, 80_000)]
    wide += [node(i + 2, 4 * i, 4 * i + 4, 1) for i in range(5_000)]
    deep = [node(1, 0, 40_000)]
    deep += [node(i, 2 * i, 40_000 - 2 * i, i - 1) for i in range(2, 5_000)]
    for spans in (wide, deep):
        found = forest(*spans)
        path = critical_path(found)
        every = np.ones(len(found), bool)
        length = int(found.end[0] - found.start[0])
        assert replay(found, path, every, part)[0] == length * (1 - part)
