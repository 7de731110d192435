"""The worst offenders of a window, by what requests waited for."""

import pytest
from hypothesis import example, given

from analysis.critical_path import critical_path
from analysis.offenders import (
    Place,
    merge_sums,
    offender_sums,
    sentence,
    worst_offenders,
)
from analysis.usual import NOTHING_USUAL, Quantiles, Usual
from tests.analysis.plain import forest, forests, node
from tests.builders import MS, span_id, trace_id

SERVER, CLIENT = 2, 3
SHOP, DB = Place("shop", "buy"), Place("db", "SELECT")
WAY = Place("shop", "ask", "db")


def request(number, own_ms, way_ms, query_ms, **more):
    """A request of the shop, which asks the database over a way that takes time."""
    fields = {"trace_id": trace_id(number)} | more
    end = own_ms + way_ms + query_ms
    return [
        node(1, 0, end * MS, kind=SERVER, service="shop", name="buy", **fields),
        node(
            2,
            own_ms * MS,
            end * MS,
            1,
            kind=CLIENT,
            service="shop",
            name="ask",
            **fields,
        ),
        node(
            3,
            (own_ms + way_ms) * MS,
            end * MS,
            2,
            kind=SERVER,
            service="db",
            name="SELECT",
            **fields,
        ),
    ]


def sums_of(*requests, usual=NOTHING_USUAL):
    of = forest(*(row for each in requests for row in each))
    return offender_sums(of, critical_path(of), usual)


def test_who_owns_most_of_what_requests_waited_for_comes_first():
    worst = worst_offenders(sums_of(request(1, 10, 30, 60), request(2, 20, 20, 60)))
    assert [each.place for each in worst] == [DB, WAY, SHOP]
    assert [each.share for each in worst] == pytest.approx([0.6, 0.25, 0.15])
    assert sentence(worst[0]) == (
        "db: SELECT is 60 % of what requests waited for, 60 ms each"
    )


def test_the_gap_between_client_and_server_is_owned_by_the_way_between():
    worst = worst_offenders(sums_of(request(1, 10, 80, 10)))
    assert worst[0].place == WAY
    assert sentence(worst[0]).startswith("the way from shop: ask to db is 80 %")


def test_sampled_requests_count_for_those_they_stand_for():
    owned = sums_of(request(1, 10, 30, 60, trace_state="ot=th:8"))[DB]
    assert (owned.hits, owned.on_path_nano) == (2, 120 * MS)


def test_excess_is_what_is_beyond_the_usual_of_the_span_or_of_the_gap():
    usual = Usual(
        {("db", "SELECT", SERVER): Quantiles(9 * MS, 19 * MS)},
        {("shop", "db"): Quantiles(4 * MS, 9 * MS)},
    )
    sums = sums_of(request(1, 10, 30, 60), usual=usual)
    assert sums[DB].excess_nano == 40 * MS
    assert sums[WAY].excess_nano == 20 * MS
    assert sums[SHOP].excess_nano is None
    assert "40 ms of it beyond the usual p95" in sentence(worst_offenders(sums)[0])


def test_exemplars_are_the_longest_and_the_median_span():
    requests = [request(number, 1, 1, 10 * number) for number in (3, 1, 2)]
    owned = sums_of(*requests)[DB]
    assert owned.longest == (30 * MS, trace_id(3).hex(), span_id(3).hex())
    assert owned.median == (20 * MS, trace_id(2).hex(), span_id(3).hex())


def test_only_so_many_are_named_as_are_asked_for():
    assert len(worst_offenders(sums_of(request(1, 1, 1, 1)), 2)) == 2


@given(forests())
@example([node(1, 0, 0), node(2, 0, 1, 1)])
def test_the_shares_of_all_add_up_to_one(rows):
    """Of nothing where every root is over at once, whatever runs outside of it."""
    found = forest(*rows)
    waited = bool((found.end - found.start)[found.roots].any())
    total = sum(each.share for each in worst_offenders(sums_of(rows), 1000))
    assert total == pytest.approx(1.0 if waited else 0.0)


@given(forests())
def test_sums_of_single_requests_merge_to_those_of_all(rows):
    ids = sorted({row["trace_id"] for row in rows})
    parts = [sums_of([row for row in rows if row["trace_id"] == id_]) for id_ in ids]
    merged, whole = merge_sums(parts), sums_of(rows)
    assert merged.keys() == whole.keys()
    for place, owned in whole.items():
        assert merged[place].on_path_nano == owned.on_path_nano
        assert merged[place].hits == owned.hits
        assert merged[place].longest.own_nano == owned.longest.own_nano


@given(forests())
def test_the_order_of_arrival_changes_no_sum(rows):
    assert sums_of(rows) == sums_of(rows[::-1])


def test_nothing_has_no_offenders():
    assert worst_offenders(sums_of()) == []
