"""Own times, gaps between client and server, and what is usual."""

import numpy as np
from hypothesis import given

from analysis.self_time import gaps, own_times
from analysis.usual import (
    Quantiles,
    Usual,
    learn_usual,
    usual_of_gaps,
    usual_of_spans,
)
from tests.analysis.plain import by_id, forest, forests, node

SERVER, CLIENT = 2, 3


def call():
    return (
        node(1, 0, 100, kind=CLIENT),
        node(2, 20, 70, 1, kind=SERVER, service="b"),
    )


def test_the_own_time_of_a_client_with_its_server_is_the_gap():
    found = forest(*call())
    assert by_id(found, own_times(found)) == {1: 50, 2: 50}
    assert gaps(found).clients.tolist() == [0]


def test_a_client_with_two_servers_or_with_one_at_home_has_no_gap():
    twice = forest(*call(), node(3, 30, 60, 1, kind=SERVER, service="c"))
    home = forest(node(1, 0, 9, kind=CLIENT), node(2, 1, 5, 1, kind=SERVER))
    assert not len(gaps(twice).clients)
    assert not len(gaps(home).clients)


def test_what_is_usual_is_known_by_row_or_not_at_all():
    found = forest(*call())
    usual = Usual(
        {("a", "op1", CLIENT): Quantiles(1, 2)}, {("a", "b"): Quantiles(3, 4)}
    )
    spans, between = usual_of_spans(found, usual), usual_of_gaps(found, usual)
    assert spans.p95[0] == 2
    assert np.isnan(spans.p95[1])
    assert between.p50[0] == 3
    assert np.isnan(between.p50[1])


@given(forests())
def test_learnt_quantiles_are_the_nearest_ranks_of_a_sorted_list(rows):
    found = forest(*rows)
    plain: dict = {}
    for row in range(len(found)):
        key = (
            found.services[found.service[row]],
            found.names[found.name[row]],
            int(found.kind[row]),
        )
        plain.setdefault(key, []).append(int(found.end[row] - found.start[row]))
    for key, quantiles in learn_usual(found).spans.items():
        ordered = sorted(plain.pop(key))
        ranks = [-(-len(ordered) * per_cent // 100) - 1 for per_cent in (50, 95)]
        assert list(quantiles) == [ordered[rank] for rank in ranks]
    assert not plain


def test_what_is_learnt_of_gaps_is_by_edge():
    assert learn_usual(forest(*call())).gaps == {("a", "b"): Quantiles(50, 50)}


def test_nothing_teaches_nothing():
    assert learn_usual(forest()) == Usual()
