"""The slow service or edge that was planted comes first, and nothing else is blamed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.histogram import histogram_of
from analysis.slower import Requests, Times, slower
from tests.builders import MS

REQUESTS = Requests(1000, 24_000, 100 * MS)
NAMES = ("front", "cart", "pay", "mail")


def times(now_ms, usual_ms, count=100):
    """Evenly from half of it to one and a half."""

    def around(ms, number):
        values = np.linspace(0.5, 1.5, number) * ms * MS
        return histogram_of(values.astype(np.int64), np.ones(number))

    return Times(around(now_ms, count), around(usual_ms, 24 * count))


def own(**now_ms):
    return {(name, "op"): times(now_ms.get(name, 20), 20, 1000) for name in NAMES}


def gaps(**now_ms):
    ways = [("front", "cart"), ("front", "pay"), ("cart", "pay"), ("pay", "mail")]
    return {way: times(now_ms.get("_".join(way), 5), 5, 500) for way in ways}


def ends(found):
    return [(each.service, each.callee) for each in found]


def test_in_usual_times_nothing_is_blamed():
    assert slower(REQUESTS, own(), gaps()) == []


def test_a_slow_service_is_named_with_its_evidence():
    (found,) = slower(REQUESTS, own(pay=120), gaps())
    assert (found.service, found.callee, found.name) == ("pay", "", "op")
    assert found.usual_p95_nano == pytest.approx(29 * MS, rel=0.02)
    assert found.excess_nano == pytest.approx(90 * MS, rel=0.05)
    assert found.beyond == 1
    assert found.sentence.startswith("pay costs a request 9")


def test_a_slow_edge_is_named_itself():
    found = slower(REQUESTS, own(), gaps(front_pay=80))
    assert ends(found) == [("front", "pay")]
    assert "the way from front to pay" in found[0].sentence


def test_a_service_most_of_whose_edges_are_slow_is_blamed_for_them():
    found = slower(REQUESTS, own(), gaps(front_pay=80, cart_pay=80, pay_mail=80))
    assert ends(found) == [("pay", "")]
    assert found[0].worst_edge is not None


def test_a_service_that_was_always_slow_is_not_blamed():
    always = own(pay=120) | {("mail", "op"): times(900, 900, 1000)}
    assert ends(slower(REQUESTS, always, gaps())) == [("pay", "")]


def test_what_no_usual_is_known_of_is_not_blamed():
    new = own() | {("new", "op"): Times(times(900, 20, 1000).now)}
    assert slower(REQUESTS, new, gaps()) == []
    assert slower(Requests(10, 0, 1), own(pay=900), gaps()) == []


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(NAMES), st.floats(5, 40), st.data())
def test_whatever_service_is_planted_comes_first(name, factor, data):
    shares = data.draw(st.fixed_dictionaries({n: st.floats(0.8, 1.2) for n in NAMES}))
    now = {each: 20 * share for each, share in shares.items()} | {name: 20 * factor}
    assert slower(REQUESTS, own(**now), gaps())[0].service == name


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(gaps())), st.floats(5, 40))
def test_whatever_edge_is_planted_comes_first(way, factor):
    found = slower(REQUESTS, own(), gaps(**{"_".join(way): 5 * factor}))
    assert (found[0].service, found[0].callee) == way
