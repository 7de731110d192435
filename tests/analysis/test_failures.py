"""Failure cascades: where they began, how far they went, and what is to blame."""

import pytest
from hypothesis import given

from analysis.blame import FailureClass
from analysis.critical_path import critical_path
from analysis.failure_sentence import label, sentence
from analysis.failures import Ending, failures
from tests.analysis.plain import forest, forests, node
from tests.builders import event, trace_id

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5


def failed(number, start, end, parent=0, message="", **more):
    return node(
        number, start, end, parent, status_code=2, status_message=message, **more
    )


def found_in(*spans):
    of = forest(*spans)
    return of, failures(of, critical_path(of))


def ids(of, rows):
    number = {row: id_ for id_, row in enumerate_ids(of)}
    return [number[row] for row in rows]


def enumerate_ids(of):
    every = [int.from_bytes(each) for each in of.spans["span_id"].to_pylist()]
    return [(id_, row) for row, id_ in enumerate(every)]


def only(*spans):
    """The one failure, as (id of its origin, ids of its chain, failure, forest)."""
    of, (failure,) = found_in(*spans)
    return ids(of, [failure.origin])[0], ids(of, failure.chain), failure, of


def test_a_trace_without_failures_has_none():
    assert found_in(node(1, 0, 10))[1] == []


def test_the_deepest_failed_span_is_the_origin_and_the_rest_is_its_chain():
    origin, chain, failure, _ = only(
        failed(1, 0, 100, kind=SERVER),
        failed(2, 10, 90, 1, kind=CLIENT),
        failed(3, 20, 80, 2, kind=SERVER, service="b"),
    )
    assert (origin, chain) == (3, [2, 1])
    assert failure.ending == Ending.REACHED
    assert failure.blame.responsible == "b"


def test_a_failure_whose_parent_did_not_fail_was_handled():
    origin, chain, failure, of = only(
        node(1, 0, 100), failed(2, 10, 50, 1), node(3, 60, 90, 1)
    )
    assert (origin, chain, failure.ending) == (2, [], Ending.HANDLED)
    assert "a: op1 went on without it" in sentence(of, failure)


def test_a_call_to_a_peer_without_spans_blames_the_peer():
    _, _, failure, of = only(
        failed(1, 0, 100, kind=SERVER, service="payment"),
        failed(
            2,
            10,
            50,
            1,
            "disk is full",
            kind=CLIENT,
            service="payment",
            attributes={"db.system": "mysql"},
        ),
    )
    assert failure.blame.failure_class == FailureClass.PEER
    assert (failure.blame.responsible, failure.blame.is_peer) == ("mysql", True)
    assert sentence(of, failure) == (
        "payment: op2 failed: mysql failed, which sends no spans of its own"
        " (disk is full); 1 span above failed with it, up to payment: op1"
    )


def test_of_failures_one_after_the_other_the_first_began_it():
    """What is called after a failure, and fails too, is often its handling."""
    of, found = found_in(
        failed(1, 0, 100), failed(2, 10, 40, 1, "no card"), failed(3, 50, 90, 1)
    )
    first, second = found
    assert ids(of, [first.origin, second.origin]) == [2, 3]
    assert (first.ending, second.ending) == (Ending.REACHED, Ending.LOWER)
    assert ids(of, first.lower) == [3]
    assert "a: op3 failed as well, but not first" in sentence(of, first)


def test_of_failures_side_by_side_the_last_on_the_critical_path_began_it():
    of, found = found_in(failed(1, 0, 100), failed(2, 10, 60, 1), failed(3, 15, 95, 1))
    assert [ids(of, [f.origin])[0] for f in found if f.chain] == [3]


def test_a_span_that_went_on_with_other_work_failed_by_itself():
    of, found = found_in(
        failed(1, 0, 100, message="bad total"),
        failed(2, 10, 40, 1, message="no cache"),
        node(3, 50, 90, 1, name="other"),
    )
    endings = {ids(of, [f.origin])[0]: f.ending for f in found}
    assert endings == {1: Ending.REACHED, 2: Ending.HANDLED}


def test_a_span_that_wrote_the_error_down_still_failed_by_it():
    origin, chain, *_ = only(
        failed(1, 0, 100, message="CardError: no card"),
        failed(2, 10, 40, 1, message="no card"),
        node(3, 50, 90, 1, name="write it down"),
    )
    assert (origin, chain) == (2, [1])


def test_a_caller_that_timed_out_blames_what_was_slow_in_its_callee():
    origin, chain, failure, of = only(
        failed(1, 0, 1000, kind=SERVER),
        failed(2, 0, 1000, 1, "timed out", kind=CLIENT),
        node(3, 10, 5000, 2, kind=SERVER, service="b"),
        node(4, 20, 200, 3, kind=CLIENT, service="b"),
        node(5, 210, 4900, 3, kind=CLIENT, service="b", name="SELECT"),
    )
    assert (origin, chain) == (5, [1])
    assert failure.timed_out
    assert failure.blame.failure_class == FailureClass.SLOW
    assert sentence(of, failure).startswith("b: SELECT took 4.7 µs, and a: op2 gave up")


def test_children_that_a_timeout_cut_short_are_consequences():
    origin, _, failure, of = only(
        failed(2, 0, 1000, 0, kind=CLIENT, message="deadline exceeded"),
        failed(3, 10, 1500, 2, "canceled", kind=SERVER, service="b"),
        failed(4, 20, 1400, 3, "context canceled", kind=CLIENT, service="b"),
    )
    assert origin == 4
    assert sorted(ids(of, failure.consequences)) == [3, 4]


def test_calls_that_give_up_after_the_same_time_have_timed_out_without_a_word():
    spans = []
    for number in range(1, 4):
        trace = {"trace_id": trace_id(number)}
        spans += [
            failed(1, 0, 1000, kind=CLIENT, name="ask", **trace),
            node(2, 5, 2000, 1, kind=SERVER, service="b", name="answer", **trace),
        ]
    of, found = found_in(*spans)
    assert [label(of, f.origin) for f in found] == ["b: answer"] * 3


def healthy(count):
    return [
        row
        for number in range(10, 10 + count)
        for row in (
            node(1, 0, 100, kind=CLIENT, name="ask", trace_id=trace_id(number)),
            node(2, 9, 90, 1, kind=2, service="b", name="x", trace_id=trace_id(number)),
        )
    ]


def test_a_server_span_that_is_always_there_and_is_missing_was_not_reached():
    peer = {"peer.service": "b"}
    lone = failed(1, 0, 100, kind=CLIENT, name="ask", attributes=peer)
    assert only(lone)[2].blame.failure_class == FailureClass.PEER
    _, _, failure, _ = only(*healthy(20), lone)
    assert failure.blame.failure_class == FailureClass.UNREACHABLE
    assert failure.blame.responsible == "b"


def test_a_span_that_failed_before_its_usual_calls_says_so():
    early = failed(1, 0, 10, kind=CLIENT, name="ask")
    server = failed(2, 2, 8, 1, kind=SERVER, service="a", name="ask")
    failure = only(*healthy(20), early, server)[2]
    assert "before it called what it usually calls" in failure.blame.reason


def test_a_retry_that_succeeds_is_handled_and_costs_time():
    _, _, failure, of = only(
        node(1, 0, 100),
        failed(2, 10, 20, 1, name="ask"),
        failed(3, 30, 40, 1, name="ask"),
        node(4, 50, 60, 1, name="ask"),
    )
    assert failure.ending == Ending.HANDLED
    assert failure.retry.succeeded
    assert failure.retry.cost_nano == 40
    assert ids(of, failure.retry.attempts) == [2, 3]
    assert "2 attempts failed until one succeeded, which cost 40 ns" in sentence(
        of, failure
    )


def test_a_retry_that_never_succeeds_is_one_failure():
    origin, chain, failure, _ = only(
        failed(1, 0, 100),
        failed(2, 10, 20, 1, name="ask"),
        failed(3, 30, 40, 1, name="ask"),
        failed(4, 50, 60, 1, name="ask"),
    )
    assert (origin, chain) == (4, [1])
    assert len(failure.retry.attempts) == 3


def test_what_was_cancelled_after_an_error_beside_it_is_its_consequence():
    origin, _, failure, of = only(
        failed(1, 0, 100),
        failed(2, 10, 50, 1, "disk is full"),
        failed(3, 10, 60, 1, "operation was cancelled"),
    )
    assert origin == 2
    assert ids(of, failure.consequences) == [3]


def test_a_failed_consumer_is_an_impact_of_its_own():
    origin, chain, failure, of = only(
        node(1, 0, 100, kind=PRODUCER),
        failed(2, 50, 200, 1, kind=CONSUMER, service="b"),
        failed(3, 60, 190, 2, service="b"),
    )
    assert (origin, chain, failure.ending) == (3, [2], Ending.APART)
    assert sentence(of, failure).endswith("nobody waited for it")


@pytest.mark.parametrize(
    ("attributes", "failure_class", "responsible"),
    [
        ({"http.status_code": 404}, FailureClass.REJECTED, "a"),
        ({"rpc.grpc.status_code": 5}, FailureClass.REJECTED, "a"),
        ({"http.response.status_code": 429}, FailureClass.OVERLOAD, "b"),
        ({"http.response.status_code": 503}, FailureClass.OVERLOAD, "b"),
        (
            {"rpc.response.status_code": "RESOURCE_EXHAUSTED"},
            FailureClass.OVERLOAD,
            "b",
        ),
        ({"error.type": "ValueError"}, FailureClass.ERROR, "a"),
    ],
)
def test_the_callee_did_not_fail_but_the_call_did(
    attributes, failure_class, responsible
):
    _, _, failure, _ = only(
        failed(1, 0, 100, kind=CLIENT, attributes=attributes),
        node(2, 10, 90, 1, kind=SERVER, service="b"),
    )
    assert failure.blame.failure_class == failure_class
    assert failure.blame.responsible == responsible


@pytest.mark.parametrize(
    ("message", "failure_class", "is_peer"),
    [
        ("QueuePool limit of size 5 reached", FailureClass.EXHAUSTED, False),
        ("connection refused", FailureClass.UNREACHABLE, True),
        ("read timed out", FailureClass.SLOW, True),
        ("syntax error", FailureClass.PEER, True),
    ],
)
def test_what_a_peer_without_spans_did_is_told_by_the_words(
    message, failure_class, is_peer
):
    failure = only(failed(1, 0, 100, message=message, kind=CLIENT))[2]
    assert failure.blame.failure_class == failure_class
    assert failure.blame.is_peer == is_peer


def test_the_signature_is_the_same_for_errors_that_differ_in_numbers():
    signatures = {
        only(failed(1, 0, 9, message=f"order {number} is lost"))[2].signature
        for number in (1, 22, 333)
    }
    assert {s.error for s in signatures} == {"order <n> is lost"}


def test_the_type_of_an_exception_goes_before_its_message():
    raised = event(
        "exception", **{"exception.type": "KeyError", "exception.message": "x"}
    )
    signature = only(failed(1, 0, 9, events=[raised]))[2].signature
    assert (signature.error, signature.templated) == ("KeyError", False)


@given(forests())
def test_every_failed_span_is_told_of_at_most_once(rows):
    of, found = found_in(*rows)
    told = [row for f in found for row in (f.failed, *f.chain)]
    assert len(told) == len(set(told))
    assert all(of.failed[row] for row in told)
    for failure in found:
        path = [failure.failed, *failure.chain]
        assert [int(of.parent[row]) for row in path[:-1]] == path[1:]
        assert sentence(of, failure)


@given(forests())
def test_a_trace_fails_by_one_failure_exactly_when_its_root_failed(rows):
    of, found = found_in(*rows)
    reached = [f.top for f in found if f.ending == Ending.REACHED]
    assert sorted(reached) == [row for row in of.roots.tolist() if of.failed[row]]


@given(forests())
def test_the_order_of_arrival_changes_no_failure(rows):
    told = [
        [(f.failed, f.origin, f.chain, f.signature) for f in found_in(*order)[1]]
        for order in (rows, rows[::-1])
    ]
    assert told[0] == told[1]


def test_deep_and_wide_failures_neither_recurse_nor_take_for_ever():
    deep = [failed(i, i, 90_000 - i, i - 1, "timed out") for i in range(1, 10_000)]
    wide = [failed(i, 10 * i, 10 * i + 5, 10_001) for i in range(10_002, 20_000)]
    top = failed(10_001, 0, 10**7)
    assert len(found_in(*deep, *wide, top)[1]) >= 2
