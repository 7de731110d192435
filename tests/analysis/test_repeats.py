"""Repeated calls: which kind they are, what they cost, and what may run together."""

from itertools import count

import pytest
from hypothesis import given

from analysis.clusters import alike_below_one_span
from analysis.critical_path import critical_path
from analysis.fingerprints import fingerprints
from analysis.repeat_findings import repeat_findings
from analysis.repeat_findings import sentence as finding_sentence
from analysis.repeats import RepeatKind, Thresholds, repeats
from analysis.serial_calls import sentence, serial_pairs
from tests.analysis.plain import forest, forests, node
from tests.builders import MS, trace_id

CLIENT = 3
DB = {"db.system": "mysql", "server.address": "db"}


def query(number, start, end, statement="SELECT a WHERE b = ?", parent=1, **more):
    fields = {"attributes": DB | {"db.statement": statement}, "kind": CLIENT} | more
    return node(number, start * MS, end * MS, parent, **fields)


def root(end=1000, number=1, **more):
    return node(number, 0, end * MS, kind=2, **more)


def serial(statement=None, times=6, start=100, each=10, **more):
    """Queries one after the other."""
    return [
        query(
            10 + i,
            start + each * i,
            start + each * (i + 1) - 1,
            (statement or (lambda _: "SELECT a WHERE b = ?"))(i),
            **more,
        )
        for i in range(times)
    ]


def found_in(*spans, thresholds=None):
    of = forest(*spans)
    path = critical_path(of)
    return of, repeats(of, path, fingerprints(of), thresholds or Thresholds())


def kinds(*spans):
    return [each.kind for each in found_in(*spans)[1]]


def test_queries_after_the_query_for_the_list_are_n_plus_one():
    source = query(2, 10, 20, "SELECT list")
    of, (found,) = found_in(root(), source, *serial())
    assert found.kind == RepeatKind.N_PLUS_ONE
    assert of.start[found.source] == 10 * MS
    assert (found.count, found.on_path_nano) == (6, 54 * MS)
    assert found.saving_nano == 45 * MS


def test_queries_with_other_literals_are_n_plus_one():
    assert kinds(root(), *serial(lambda i: f"SELECT {i}")) == [RepeatKind.N_PLUS_ONE]


def test_the_same_query_again_and_again_is_an_identical_repeat():
    assert kinds(root(), *serial(lambda _: "SELECT 7")) == [RepeatKind.IDENTICAL]


def test_calls_at_the_same_time_are_a_fan_out():
    calls = [query(10 + i, 100, 200) for i in range(6)]
    assert kinds(root(), *calls) == [RepeatKind.FAN_OUT]


def test_calls_that_fail_until_one_does_not_are_a_retry_loop():
    calls = serial()
    for call in calls[:-1]:
        call["status_code"] = 2
    assert kinds(root(), *calls) == [RepeatKind.RETRY]


def test_calls_with_even_waits_between_are_polling():
    calls = [query(10 + i, 100 * i, 100 * i + 20) for i in range(6)]
    assert kinds(root(), *calls) == [RepeatKind.POLLING]


def test_repeats_of_which_nothing_more_is_known_are_just_that():
    uneven = [*serial(each=10), query(30, 400, 410)]
    assert kinds(root(), *uneven) == [RepeatKind.REPEATED]


def test_a_number_that_differs_between_requests_follows_a_result():
    other = {"trace_id": trace_id(2)}
    spans = [root(), *serial(times=6), root(**other), *serial(times=9, **other)]
    assert kinds(*spans) == [RepeatKind.N_PLUS_ONE] * 2


def test_calls_in_a_wrapper_each_are_told_of_instead_of_the_wrappers():
    number = count(50)
    spans = [root()]
    for i in range(6):
        wrapper = next(number)
        times = (100 + 10 * i) * MS, (110 + 10 * i) * MS
        spans.append(node(wrapper, *times, 1, name="load"))
        spans.append(query(next(number), 101 + 10 * i, 109 + 10 * i, parent=wrapper))
    found = found_in(*spans)[1]
    assert [(each.wrapped, each.what) for each in found] == [
        (True, "mysql: select a where b = ?")
    ]


def test_wrapped_calls_of_one_wrapper_kind_with_few_wrappers_are_found():
    spans = [root()]
    for i in range(2):
        spans.append(node(50 + i, 100 * i * MS, (100 * i + 90) * MS, 1, name="load"))
        spans += [
            query(
                60 + 10 * i + j, 100 * i + 20 * j, 100 * i + 20 * j + 19, parent=50 + i
            )
            for j in range(3)
        ]
    (found,) = found_in(*spans)[1]
    assert (found.wrapped, found.count) == (True, 6)


def test_the_server_spans_of_calls_are_not_told_of_again():
    source, calls = query(2, 10, 20, "SELECT list"), serial()
    servers = [
        call
        | {"kind": 2, "service_name": "db", "parent_span_id": call["span_id"]}
        | {"span_id": (900 + i).to_bytes(8)}
        for i, call in enumerate([source, *calls])
    ]
    assert kinds(root(), source, *calls, *servers) == [RepeatKind.N_PLUS_ONE]


def test_many_calls_of_several_kinds_to_one_peer_are_chatty():
    calls = [query(10 + i, 20 * i, 20 * i + 15, f"SELECT c{i % 7}") for i in range(25)]
    _, found = found_in(root(600), *calls)
    assert [each.kind for each in found] == [RepeatKind.CHATTY]
    assert (found[0].what, found[0].count) == ("a calls mysql:db", 25)


def test_what_costs_too_little_is_not_told():
    assert kinds(root(10_000), *serial(each=2)) == []


@pytest.mark.parametrize(("least", "told"), [(6, 1), (7, 0)])
def test_how_many_calls_are_many_is_a_setting(least, told):
    found = found_in(root(), *serial(), thresholds=Thresholds(least_calls=least))[1]
    assert len(found) == told


def test_of_very_many_only_the_dearest_are_told():
    names = [{"statement": lambda _, at=at: f"SELECT c{at}"} for at in range(3)]
    calls = [
        row | {"span_id": (100 * at + i).to_bytes(8)}
        for at in range(3)
        for i, row in enumerate(
            serial(**names[at], times=5, start=100 + 200 * at, each=10 + at)
        )
    ]
    of, found = found_in(root(), *calls, thresholds=Thresholds(most_told=2))
    assert [each.what[-2:] for each in found] == ["c2", "c1"]
    assert len(of) == 16


def test_a_finding_tells_of_all_requests_at_once():
    spans = []
    for number, times in ((1, 5), (2, 7), (3, 9), (4, 0)):
        trace = {"trace_id": trace_id(number)}
        spans += [root(1000 + times, **trace), *serial(times=times, **trace)]
    of, found = found_in(*spans)
    (finding,) = repeat_findings(of, found)
    assert (finding.median_calls, finding.most_calls, finding.share) == (7, 9, 0.75)
    assert finding.correlation == pytest.approx(1)
    assert finding.exemplars[0] == trace_id(3).hex()
    assert finding_sentence(finding) == (
        "N+1: mysql: select a where b = ? is called 7 times (at most 9) under a: op1 in"
        " 75 % of the requests; one call could save 54 ms"
    )


@given(forests())
def test_clusters_are_what_a_dictionary_makes_of_the_siblings(rows):
    of = forest(*rows)
    found = alike_below_one_span(of, critical_path(of), of.name, 2)
    plain: dict = {}
    for row, parent in enumerate(of.parent.tolist()):
        if parent >= 0:
            plain.setdefault((parent, int(of.name[row])), []).append(row)
    direct = sorted(rows for rows in plain.values() if len(rows) >= 2)
    told = [
        found.rows[begin:end].tolist()
        for begin, end, wrapped in zip(
            found.begin, found.begin[1:], found.wrapped, strict=False
        )
        if not wrapped
    ]
    assert sorted(told) == direct
    for cluster, begin, end in zip(
        range(len(found)), found.begin, found.begin[1:], strict=False
    ):
        members = found.rows[begin:end]
        covered = {t for r in members for t in range(of.start[r], of.end[r])}
        assert found.union_nano[cluster] == len(covered)


@given(forests())
def test_the_order_of_arrival_changes_no_repeat(rows):
    low = Thresholds(least_calls=2, least_share=0.01, least_nano=1)
    assert (
        found_in(*rows, thresholds=low)[1] == found_in(*rows[::-1], thresholds=low)[1]
    )


def pairs_of(*spans):
    of = forest(*spans)
    return serial_pairs(of, critical_path(of), fingerprints(of))


def two(number, first, second):
    trace = {"trace_id": trace_id(number)}
    return [
        root(**trace),
        node(2, first[0] * MS, first[1] * MS, 1, name="rates", **trace),
        node(3, second[0] * MS, second[1] * MS, 1, name="stock", **trace),
    ]


def test_calls_never_seen_otherwise_are_said_to_be_in_this_order():
    (pair,) = pairs_of(*two(1, (10, 110), (120, 320)))
    assert (pair.first, pair.second, pair.witness) == ("a: rates", "a: stock", None)
    assert pair.saving_nano == 100 * MS
    assert sentence(pair).endswith("were always seen in this order")


def test_an_overlap_that_is_taken_for_jitter_is_no_witness():
    of = forest(*two(1, (10, 123), (120, 320)))
    (pair,) = serial_pairs(of, critical_path(of, overlap_part=0.01), fingerprints(of))
    assert (pair.first, pair.second, pair.witness) == ("a: rates", "a: stock", None)


@pytest.mark.parametrize("otherwise", [((150, 250), (10, 140)), ((10, 90), (50, 990))])
def test_a_request_that_did_otherwise_shows_that_neither_waits(otherwise):
    pairs = pairs_of(*two(1, (10, 110), (120, 320)), *two(2, *otherwise))
    (pair,) = (each for each in pairs if each.first == "a: rates")
    assert pair.witness == trace_id(2).hex()
    assert "may run together" in sentence(pair)
