"""Walks up many trees at the same time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.ancestry import climb, highest


@st.composite
def trees(draw):
    """Parents, each of a lower row; and which rows go up."""
    size = draw(st.integers(1, 12))
    parent = [draw(st.integers(-1, row - 1)) for row in range(size)]
    goes_up = [above >= 0 and draw(st.booleans()) for above in parent]
    return np.array(parent), np.array(goes_up)


def walk(parent, goes_up, row):
    """The rows of one walk, one step after the other."""
    rows = [row]
    while goes_up[rows[-1]]:
        rows.append(int(parent[rows[-1]]))
    return rows


@given(trees())
def test_every_row_finds_where_its_walk_ends(tree):
    parent, goes_up = tree
    ends = [walk(parent, goes_up, row)[-1] for row in range(len(parent))]
    assert highest(parent, goes_up).tolist() == ends


@given(trees(), st.data())
def test_a_climb_sees_what_its_walks_see(tree, data):
    parent, goes_up = tree
    start = data.draw(st.lists(st.integers(0, len(parent) - 1), max_size=4))
    seen = climb(parent, goes_up, np.array(start, np.int64))
    expected = {at for row in start for at in walk(parent, goes_up, row)}
    assert set(np.flatnonzero(seen).tolist()) == expected


def test_a_chain_of_100_000_is_walked_in_few_rounds():
    parent = np.arange(100_000) - 1
    assert highest(parent, parent >= 0).tolist()[-1] == 0


def test_a_long_chain_below_many_walks_is_climbed_once():
    chain = np.arange(1000) - 1
    many = np.full(1000, 999)
    parent = np.concatenate((chain, many))
    assert climb(parent, parent >= 0, np.arange(1000, 2000)).all()
