"""Verdicts: what is judged by its usual is told from what is slow for all we know."""

import pytest
from hypothesis import given

from analysis.critical_path import critical_path
from analysis.failures import failures
from analysis.usual import (
    NOTHING_USUAL,
    Quantiles,
    Usual,
    learn_usual,
    operations_of,
)
from analysis.verdict import Thresholds, Verdict, in_question, judge
from tests.analysis.plain import forest, forests, node
from tests.builders import MS, trace_id

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
USUAL = Usual(
    {
        ("payment", "POST /pay", SERVER): Quantiles(90 * MS, 110 * MS),
        ("payment", "SELECT", CLIENT): Quantiles(10 * MS, 12 * MS),
    }
)


def payment(query_ms, rest_ms=70, number=1, **more):
    """A request that spends `rest_ms` itself and `query_ms` in a query."""
    trace = {"trace_id": trace_id(number), "service": "payment"}
    end = query_ms + rest_ms
    return [
        node(1, 0, end * MS, kind=SERVER, name="POST /pay", **trace),
        node(
            2,
            rest_ms * MS,
            end * MS,
            1,
            kind=CLIENT,
            name="SELECT",
            **trace,
            **more,
        ),
    ]


def judged(*spans, usual=USUAL, **thresholds):
    of = forest(*spans)
    path = critical_path(of)
    return judge(of, path, failures(of, path), usual, Thresholds(**thresholds))


def told(*spans, **more):
    found = judged(*spans, **more)
    return found.verdict(0), found.sentence(0)


def test_a_request_that_took_its_usual_time_is_normal():
    assert told(*payment(11)) == (
        Verdict.NORMAL,
        "payment: POST /pay took 81 ms and did not fail; its usual median is 90 ms and"
        " its p95 110 ms",
    )


def test_a_span_far_beyond_its_usual_is_the_bottleneck():
    found = judged(*payment(2000))
    assert found.verdict(0) == Verdict.BOTTLENECK
    assert found.sentence(0) == (
        "payment: SELECT took 2.0 s of 2.1 s; its usual p95 is 12 ms"
    )
    assert found.culprit.tolist() == [1]
    assert found.own_nano.tolist() == [2000 * MS]
    assert found.excess_nano.tolist() == [1990 * MS]


def test_a_bottleneck_need_not_reach_the_threshold():
    assert told(*payment(400))[0] == Verdict.BOTTLENECK


def test_what_is_always_slow_is_normal():
    slow = {("payment", "SELECT", CLIENT): Quantiles(1900 * MS, 2100 * MS)}
    slow |= {("payment", "POST /pay", SERVER): Quantiles(1950 * MS, 2200 * MS)}
    assert told(*payment(2000), usual=Usual(slow))[0] == Verdict.NORMAL


def test_slow_requests_so_frequent_that_they_move_the_p95_are_still_told():
    often = {("payment", "SELECT", CLIENT): Quantiles(12 * MS, 2100 * MS)}
    often |= {("payment", "POST /pay", SERVER): Quantiles(90 * MS, 2200 * MS)}
    verdict, sentence = told(*payment(2000), usual=Usual(often))
    assert verdict == Verdict.BOTTLENECK
    assert sentence.endswith("its usual median is 12 ms and its p95 2.1 s")


def test_a_p95_as_long_as_the_span_itself_is_told_with_the_median():
    often = {("payment", "SELECT", CLIENT): Quantiles(12 * MS, 1990 * MS)}
    sentence = told(*payment(2000), usual=Usual(often))[1]
    assert sentence.endswith("its usual median is 12 ms and its p95 2.0 s")


@pytest.mark.parametrize(
    ("query_ms", "verdict"), [(900, Verdict.NORMAL), (1100, Verdict.BOTTLENECK)]
)
def test_of_what_is_not_known_the_threshold_decides(query_ms, verdict):
    assert told(*payment(query_ms), usual=NOTHING_USUAL)[0] == verdict


def test_the_threshold_is_a_setting():
    verdict, sentence = told(
        *payment(200), usual=NOTHING_USUAL, slow_span_nano=150 * MS
    )
    assert verdict == Verdict.BOTTLENECK
    assert sentence.endswith("its usual time is not known")


def test_a_late_span_in_a_request_that_was_in_time_holds_nothing_up():
    assert told(*payment(60, rest_ms=30))[0] == Verdict.NORMAL


def test_a_slow_span_that_nobody_waited_for_is_no_bottleneck():
    trace = {"service": "payment"}
    spans = [
        *payment(11),
        node(3, 5 * MS, 6 * MS, 1, kind=PRODUCER, **trace),
        node(4, 6 * MS, 9000 * MS, 3, kind=CONSUMER, **trace),
    ]
    assert told(*spans)[0] == Verdict.NORMAL


def test_many_usual_spans_of_one_operation_are_a_bottleneck_together():
    spans = payment(10)
    spans[0]["duration_nano"] = 500 * MS
    spans += [
        node(
            10 + i,
            (100 + 10 * i) * MS,
            (110 + 10 * i) * MS,
            1,
            kind=CLIENT,
            name="SELECT",
            service="payment",
        )
        for i in range(30)
    ]
    verdict, sentence = told(*spans)
    assert verdict == Verdict.BOTTLENECK
    assert sentence == (
        "31 spans of payment: SELECT took 310 ms of 500 ms together; each may be usual"
    )


def test_a_late_request_without_a_culprit_says_so():
    spans = payment(10)
    steps = [
        node(10 + i, (100 + 40 * i) * MS, (140 + 40 * i) * MS, 1, service="payment")
        for i in range(10)
    ]
    spans[0]["duration_nano"] = 500 * MS
    verdict, sentence = told(*spans, *steps)
    assert verdict == Verdict.NORMAL
    assert sentence.endswith("but no one span accounts for it")


def test_time_between_client_and_server_is_called_the_way():
    spans = payment(2000)
    spans.append(
        node(3, 2060 * MS, 2069 * MS, 2, kind=SERVER, service="db", name="SELECT")
    )
    assert "the way between payment: SELECT and its server" in told(*spans)[1]


def test_a_failed_request_is_a_cascade_from_its_origin():
    spans = payment(2000, status_code=2, status_message="disk is full")
    spans[0]["status_code"] = 2
    found = judged(*spans)
    assert found.verdict(0) == Verdict.CASCADE_FAILURE
    assert found.culprit.tolist() == [1]
    assert "disk is full" in found.sentence(0)


def test_a_handled_failure_leaves_a_request_normal():
    assert told(*payment(11, status_code=2))[0] == Verdict.NORMAL


def test_a_failure_apart_from_the_request_is_not_hidden():
    spans = [
        *payment(11),
        node(3, 5 * MS, 6 * MS, 1, kind=PRODUCER, service="payment"),
        node(4, 7 * MS, 8 * MS, 3, kind=CONSUMER, service="mail", status_code=2),
    ]
    verdict, sentence = told(*spans)
    assert verdict == Verdict.CASCADE_FAILURE
    assert sentence.endswith("nobody waited for it")


@given(forests())
def test_a_request_is_judged_the_same_alone_and_among_others(rows):
    """Without calls: what is usual for those is learnt from the other traces. And so is
    what a failed span usually does, which sentences of failures tell."""
    rows = [row | {"kind": 1} for row in rows]
    among = judged(*rows, least_excess_nano=1, slow_span_nano=5)
    for trace, id_ in enumerate(sorted({row["trace_id"] for row in rows})):
        own = [row for row in rows if row["trace_id"] == id_]
        alone = judged(*own, least_excess_nano=1, slow_span_nano=5)
        assert alone.verdict(0) == among.verdict(trace)
        if alone.verdict(0) != Verdict.CASCADE_FAILURE:
            assert alone.sentence(0) == among.sentence(trace)


@given(forests())
def test_every_request_has_a_verdict_a_sentence_and_a_culprit_of_its_own(rows):
    found = judged(*rows, least_excess_nano=1, slow_span_nano=5)
    for trace in range(len(found)):
        culprit = int(found.culprit[trace])
        assert (culprit < 0) == (found.verdict(trace) == Verdict.NORMAL)
        assert culprit < 0 or found.forest.trace[culprit] == trace
        assert found.sentence(trace)


@given(forests(), forests())
def test_all_else_may_be_unknown_but_the_usual_of_what_is_in_question(rows, others):
    of, limits = forest(*rows), Thresholds(least_excess_nano=1, slow_span_nano=5)
    path, usual = critical_path(of), learn_usual(forest(*others))
    found = failures(of, path)
    asked = operations_of(of, in_question(of, path, limits))
    few = Usual({key: usual.spans[key] for key in asked if key in usual.spans})
    known, by_few = (judge(of, path, found, each, limits) for each in (usual, few))
    assert known.culprit.tolist() == by_few.culprit.tolist()
    for trace in range(len(known)):
        assert known.verdict(trace) == by_few.verdict(trace)
        assert known.sentence(trace) == by_few.sentence(trace)


def test_in_question_are_the_request_and_what_owns_much_of_it():
    of = forest(*payment(600, rest_ms=70), node(9, 0, 5 * MS, 1, service="payment"))
    assert operations_of(of, in_question(of, critical_path(of))) == [
        ("payment", "POST /pay", SERVER),
        ("payment", "SELECT", CLIENT),
    ]


@pytest.mark.parametrize(
    ("query_ms", "more", "row"),
    [(11, {}, 0), (2000, {}, 1), (2000, {"status_code": 2}, None)],
)
def test_a_sentence_is_of_one_span_unless_it_tells_of_a_failure(query_ms, more, row):
    spans = payment(query_ms, **more)
    spans[0] |= more
    assert judged(*spans).told_of(0) == row


def test_nothing_is_judged_too():
    assert len(judged()) == 0
