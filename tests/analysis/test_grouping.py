"""Rows in groups by whatever columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.grouping import groups

rows = st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-1, 3)))


@given(rows)
def test_groups_are_numbered_by_their_first_rows(pairs):
    columns = np.array(pairs, np.int64).reshape(-1, 2).T
    found = groups(*columns)
    firsts = [pairs.index(each) for each in dict.fromkeys(pairs)]
    assert found.first.tolist() == firsts
    assert [pairs[firsts[number]] for number in found.number] == pairs
