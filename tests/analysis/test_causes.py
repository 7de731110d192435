"""Causes over many traces: shares of an entry's failed requests, lift, blast radius."""

import pytest
from hypothesis import given

from analysis.causes import (
    cause_records,
    merge_records,
    rank_causes,
    sentence,
)
from analysis.critical_path import critical_path
from analysis.entries import Entry, entry_rows
from analysis.failures import failures
from tests.analysis.plain import by_id, forest, forests, node
from tests.builders import SECOND, T0, trace_id

SHOP = Entry("shop", "buy")


def records_of(*spans):
    of = forest(*spans)
    return cause_records(of, failures(of, critical_path(of)))


def request(number, *, by="", well=False, entry="buy", start=0, **more):
    """A request of the shop that calls a service, which fails with an error."""
    trace = {"trace_id": trace_id(number)} | more
    bad = {"status_code": 2}
    root = {"service": "shop", "name": entry, **trace, **({} if well else bad)}
    spans = [node(1, start, start + 100, **root)]
    if by:
        error = {"service": by, "name": "do", "status_message": f"no {number}", **bad}
        spans.append(node(2, start + 10, start + 50, 1, **error, **trace))
    return spans


def ranked(*requests, entry=None):
    return rank_causes(records_of(*(row for each in requests for row in each)), entry)


def test_a_cause_is_told_by_its_share_of_the_failed_requests():
    requests = [request(n, by="stock" if n % 4 else "bank") for n in range(1, 9)]
    causes = ranked(*requests, *(request(n, well=True) for n in range(20, 30)))
    told = [(c.signature.service, c.affected, c.share) for c in causes]
    assert told == [("stock", 6, 0.75), ("bank", 2, 0.25)]
    assert sentence(causes[0]) == (
        "stock: do (no <n>) causes 75 % of the failures of shop: buy"
    )


def test_lift_tells_what_fails_anyway_from_what_matters():
    """An error of every request, which most of them get over, is no cause."""
    bad = [request(n, by="bank") for n in range(1, 5)]
    noisy = [request(n, by="ads", well=n > 5) for n in range(5, 15)]
    lift = {c.signature.service: c.lift for c in ranked(*bad, *noisy)}
    assert lift["bank"] is None
    assert lift["ads"] < 1


def test_an_error_that_shares_no_request_with_a_failing_entry_is_no_cause_of_it():
    elsewhere = [request(n, by="cdn", entry="look") for n in range(1, 80)]
    causes = ranked(*elsewhere, request(90, by="bank"), entry=SHOP)
    assert [c.signature.service for c in causes] == ["bank"]


def test_the_blast_radius_is_every_entry_that_fails_by_it():
    causes = ranked(request(1, by="bank"), request(2, by="bank", entry="refund"))
    assert {c.entries for c in causes} == {(SHOP, Entry("shop", "refund"))}


def test_sampled_requests_count_for_those_they_stand_for():
    causes = ranked(request(1, by="bank", trace_state="ot=th:8"), request(2, by="x"))
    assert [(c.affected, c.share) for c in causes] == [(2, 2 / 3), (1, 1 / 3)]


def test_messages_of_one_place_and_class_are_one_cause():
    first, second = request(1, by="bank"), request(2, by="bank")
    first[1]["status_message"] = "broke"
    assert len(ranked(first, second)) == 1


def test_a_cause_names_when_it_was_first_seen_and_the_first_traces():
    requests = [request(n, by="bank", start=n * SECOND) for n in range(9, 0, -1)]
    (cause,) = ranked(*requests)
    assert cause.first_seen_unix_nano == T0 + SECOND
    assert [id_ for _, id_ in cause.exemplars] == [
        trace_id(n).hex() for n in range(1, 6)
    ]


def test_the_entry_is_the_longest_root_and_no_orphan_if_it_can_be():
    of = forest(node(1, 0, 10), node(2, 0, 50), node(3, 0, 90, parent=9))
    assert by_id(of, of.orphan)[3]
    assert of.names[of.name[entry_rows(of)[0]]] == "op2"


@given(forests())
def test_the_shares_of_an_entrys_causes_add_up_to_one(rows):
    records = records_of(*rows)
    shares: dict = {}
    for cause in rank_causes(records):
        shares[cause.entry] = shares.get(cause.entry, 0) + cause.share
    failing = {at.entry for at, each in records.requests.items() if each.failed}
    assert shares == pytest.approx(dict.fromkeys(failing, 1.0))


@given(forests())
def test_records_of_single_traces_merge_to_those_of_all(rows):
    """Without calls: what is usual for those is learnt from the other traces."""
    rows = [row | {"kind": 1} for row in rows]
    parts = [
        records_of(*(row for row in rows if row["trace_id"] == id_))
        for id_ in {row["trace_id"] for row in rows}
    ]
    assert merge_records(parts) == records_of(*rows)
