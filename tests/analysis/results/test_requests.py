"""Verdicts, causes, offenders and repeats of requests, kept by minute and merged."""

import random

import pytest
from hypothesis import HealthCheck, given, settings

from analysis.findings import findings
from analysis.measured import (
    CAUSE,
    OFFENDER,
    REPEAT,
    REQUEST,
    SERIAL,
    VERDICT,
)
from analysis.results.changes import mark
from analysis.results.measures import HOUR, MINUTE, merged_details
from analysis.results.minutes import analyse_due
from analysis.results.reading import Minutes, read_measures
from analysis.results.usual import read_usual, read_usual_of
from analysis.usual import Quantiles
from tests.analysis.plain import forest, forests
from tests.analysis.results.test_minutes import (
    EVER,
    FIRST,
    NOW,
    START,
    analyse_all,
    results,
    store,
)
from tests.builders import MS, SECOND, T0, batch, span, span_id, trace_id
from traces.query import Window

__all__ = ["store"]
ALL = Window(T0 - 1, T0 + SECOND)


def request(number, at_seconds, ms=10, *, query_ms=None, failed=False):
    """A request of the gateway that waits for one query most of the time."""
    query_ms = ms - 2 if query_ms is None else query_ms
    start, status = START + int(at_seconds * SECOND), 2 * failed
    ids = {"trace_id": trace_id(number), "status_code": status}
    root, query = span_id(2 * number), span_id(2 * number + 1)
    return [
        span(span_id=root, start_time_unix_nano=start, ms=ms, name="buy", **ids),
        span(
            span_id=query,
            parent_span_id=root,
            service="db",
            kind=3,
            start_time_unix_nano=start + MS,
            ms=query_ms,
            name="SELECT",
            status_message="disk 7 is full" if failed else "",
            **ids,
        ),
    ]


def write(store, *requests):
    store.write(batch(*(row for each in requests for row in each)))
    analyse_all(store)


def found(kind, minutes=EVER):
    return {each.fields: each.merged for each in read_measures(kind, minutes)}


def test_a_request_is_judged_in_the_minute_of_its_entry_span(store):
    """Its other spans are in the next minute and it counts there for nothing."""
    late = request(1, 59.999, 2_000)
    write(store, late, *(request(n, 10 + n) for n in range(2, 9)))
    first, second = (Minutes(m, m + 1) for m in (FIRST, FIRST + 1))
    assert found(REQUEST, first)["gateway", "buy"].count == 8
    assert found(REQUEST, second) == found(VERDICT, second) == {}
    verdicts = found(VERDICT, first)
    assert verdicts["gateway", "buy", "normal"].count == 7
    bottleneck = verdicts["gateway", "buy", "bottleneck"]
    assert bottleneck.count == 1
    identity, sentence = merged_details(bottleneck.details)["slowest"]
    assert identity == trace_id(1).hex()
    assert sentence.startswith("db: SELECT took 2.0 s of 2.0 s; its usual median is ")


def test_what_was_measured_in_the_hours_before_is_usual(store):
    """A minute alone would find nothing strange in its only request."""
    write(store, *(request(n, 10 + n, 10) for n in range(1, 9)))
    write(store, request(20, 3_600, 100))
    usual = read_usual(FIRST + HOUR)
    assert usual.spans["gateway", "buy", 2] == pytest.approx(
        Quantiles(10 * MS, 10 * MS)
    )
    assert read_usual(FIRST + HOUR - 1).spans == {}
    now = found(VERDICT, Minutes(FIRST + HOUR, FIRST + HOUR + 1))
    assert list(now) == [("gateway", "buy", "bottleneck")]


def test_two_calls_that_overlap_by_jitter_are_seen_one_after_the_other(store, settings):
    spans = request(1, 10, 1000, query_ms=505)
    second = {"span_id": span_id(9), "name": "INSERT"}
    start = spans[0]["start_time_unix_nano"] + 500 * MS
    spans.append(spans[1] | second | {"start_time_unix_nano": start})
    write(store, spans)
    assert [fields[2:] for fields in found(SERIAL)] == [("db: SELECT", "db: INSERT")]
    settings.CRITICAL_PATH_OVERLAP_PERCENT = 0
    write(store, [span(trace_id=trace_id(3), start_time_unix_nano=start)])
    assert not found(SERIAL)


def test_of_what_no_hour_knows_the_last_minutes_tell(store):
    """And of what is asked for alone."""
    write(store, *(request(n, 10 * n, 10) for n in range(1, 12)))
    selects = ("db", "SELECT", 3)
    before, later = (read_usual_of([selects], FIRST + at) for at in (-1, 1))
    assert (before.usual.spans, before.of_late) == ({}, frozenset())
    assert later.usual.spans == {selects: pytest.approx(Quantiles(8 * MS, 8 * MS))}
    assert later.of_late == {selects}
    write(store, request(20, 3_600, 100))
    known = read_usual_of([selects, ("db", "never", 3)], FIRST + HOUR)
    assert list(known.usual.spans) == [selects]
    assert known.of_late == frozenset()


def test_what_was_seen_a_few_times_is_not_usual(store):
    write(store, *(request(n, 10 + n, 10) for n in range(1, 5)))
    assert not read_usual_of([("db", "SELECT", 3)], FIRST).usual.spans


def test_causes_are_counted_with_requests_that_end_well(store):
    write(
        store,
        *(request(n, n, failed=n < 3) for n in range(1, 5)),
        request(5, 70, failed=True),
    )
    key = ("gateway", "buy", "db", "SELECT", "peer", "disk <n> is full", 1)
    cause = found(CAUSE)[key]
    assert (cause.count, cause.failed) == (3, 3)
    assert found(REQUEST)["gateway", "buy"].failed == 3
    details = merged_details(cause.details)
    assert details["traces"][0][1] in {trace_id(n).hex() for n in (1, 2, 5)}


def test_offenders_own_all_that_requests_waited_for(store):
    write(store, *(request(n, n * 40, 10) for n in range(1, 5)))
    owned = found(OFFENDER)
    sums = {key: each.histogram.sum_nano / MS for key, each in owned.items()}
    assert sums == {("db", "SELECT", ""): 32, ("gateway", "buy", ""): 8}
    longest = merged_details(owned["db", "SELECT", ""].details)["longest"]
    assert longest[0] == 8 * MS


def test_repeats_and_serial_calls_are_merged_over_minutes(store):
    def listing(number, at):
        start = START + at * SECOND
        root = span_id(1000 * number)
        ids = {"trace_id": trace_id(number), "service": "shop"}
        below = {"parent_span_id": root, "kind": 3}

        def query(place, text, ms):
            return span(
                span_id=span_id(1000 * number + place + 1),
                start_time_unix_nano=start + place * 20 * MS,
                ms=ms,
                name=text,
                attributes={"db.system": "sqlite", "db.statement": text},
                **below,
                **ids,
            )

        repeated = [query(n, f"SELECT x WHERE id = {n}", 15) for n in range(1, 8)]
        return [
            span(span_id=root, start_time_unix_nano=start, ms=200, name="list", **ids),
            query(0, "SELECT all", 15),
            *repeated,
        ]

    write(store, listing(1, 5), listing(2, 70))
    ((fields, repeat),) = found(REPEAT).items()
    assert fields[:4] == ("shop", "list", "shop", "list")
    assert fields[-1] == "N+1"
    assert repeat.count == 2
    assert repeat.histogram.sum_nano == 2 * 7 * 15 * MS
    ((_, pair),) = found(SERIAL).items()
    assert pair.count == 2
    assert merged_details(pair.details)["trace"] in {trace_id(n).hex() for n in (1, 2)}


def test_a_minute_that_is_analysed_again_gives_the_same_rows(store):
    write(store, *(request(n, n * 7, 10 * n, failed=n % 4 == 0) for n in range(1, 30)))
    once = results()
    mark(MINUTE, range(FIRST, FIRST + 5))
    analyse_due(store, float("inf"), settle=NOW)
    assert results() == once


def test_spans_that_arrive_in_any_order_and_in_pieces_give_the_same_rows(store):
    rows = [row for n in range(1, 20) for row in request(n, n, n * 5, failed=n > 15)]
    whole = Window(START, START + 60 * SECOND)
    at_once = {
        (each.kind, each.fields): (each.count, each.failed, each.details)
        for each in findings(forest(*rows), whole).measured
    }
    random.Random(3).shuffle(rows)
    for begin in range(0, len(rows), 7):
        write(store, rows[begin : begin + 7])
    kinds = {kind for kind, _ in at_once}
    assert {CAUSE, OFFENDER, REQUEST, VERDICT} <= kinds
    in_pieces = {
        (kind, fields): (each.count, each.failed, merged_details(each.details))
        for kind in kinds
        for fields, each in found(kind).items()
    }
    assert in_pieces == at_once


def told(spans):
    return [
        (each.kind, each.fields, each.count, each.failed, each.details)
        for each in sorted(
            findings(forest(*spans), ALL).measured,
            key=lambda each: (each.kind, str(each.fields)),
        )
    ]


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(forests())
def test_no_order_of_spans_changes_what_is_measured(spans):
    shuffled = [*spans]
    random.Random(len(spans)).shuffle(shuffled)
    assert told(shuffled) == told(spans)
    keys = [(kind, fields) for kind, fields, *_ in told(spans)]
    assert len(keys) == len(set(keys))
