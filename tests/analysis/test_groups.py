"""Groups of rows, held to a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.groups import group

numbers = st.one_of(st.integers(0, 3), st.integers(-(2**61), 2**61))


@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 2))))
def test_groups_are_what_a_dictionary_makes_of_the_rows(rows):
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    found = group(*columns)
    distinct = sorted(set(rows))
    assert len(found) == len(distinct)
    assert found.of.tolist() == [distinct.index(row) for row in rows]
    assert found.first.tolist() == [rows.index(each) for each in distinct]
