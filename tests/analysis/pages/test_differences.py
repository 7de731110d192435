"""The page of differences: planted answers, silence, links that hold, hostile names."""

import random
import time
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.builders import SECOND, span, span_id, trace_id
from traces.store.base import QueryTooExpensive, StoreUnavailable

HOSTILE = "<script>window.__x=1</script>\"'&"
OPERATION = {"service": "checkout", "name": "POST /pay", "kind": "server"}


def request(number, ms, *, failed=False, queries=1, ago=60, **attributes):
    """A request to checkout that calls payment so many times."""
    start = time.time_ns() - ago * SECOND
    of = {"trace_id": trace_id(number), "start_time_unix_nano": start}
    status = 2 if failed else 0
    return [
        span(
            span_id=span_id(number * 100),
            service="checkout",
            name="POST /pay",
            ms=ms,
            status_code=status,
            attributes=attributes,
            **of,
        ),
        *(
            span(
                span_id=span_id(number * 100 + 1 + n),
                parent_span_id=span_id(number * 100),
                service="payment",
                name="charge",
                kind=3,
                ms=1,
                **of,
            )
            for n in range(queries)
        ),
    ]


def incident(count=120, **more):
    """Enterprise tenants are slow; what they run is as usual."""
    chance = random.Random(1)
    return [
        each
        for n in range(1, count + 1)
        for each in request(
            n,
            500 if n % 10 == 0 and n % 50 else 20,
            tier="enterprise" if n % 10 == 0 else "free",
            region=chance.choice(["eu", "us"]),
            **more,
        )
    ]


def ask(client, **more):
    answer = client.get("/differences", OPERATION | {"range": "1h"} | more)
    return answer, answer.content.decode()


def test_the_slow_tail_differs_by_what_was_planted(client, analysed):
    analysed(*incident())
    answer, page = ask(client, pick="slow", slower="200ms")
    assert answer.status_code == 200
    assert answer.context["headline"] == (
        "10 of 10 slow spans have span.tier=enterprise; 2 of 110 others do"
    )
    assert answer.context["headline"] in page
    (row,) = answer.context["rows"]
    assert row.counts == (10, 10, 2, 110)


def test_a_percentile_of_the_operation_is_a_threshold(client, analysed):
    analysed(*incident())
    answer, page = ask(client, slower="p90")
    assert answer.context["counts"] == (10, 110)
    assert "p90 is" in page
    assert ask(client)[0].context["slower"] == "p95"


def test_the_slow_tail_of_two_durations_is_the_longer_one(client, analysed):
    analysed(*incident(kind_of="card"))
    # 8 % are slow: the p95 is theirs, and may be told as longer than any of them.
    answer, page = ask(client, slower="p95")
    assert answer.context["counts"] == (10, 110)
    assert "slow is what took" in page


def test_percentiles_that_are_not_known_yet_ask_for_a_duration(client, store):
    answer, page = ask(client, slower="p95")
    assert answer.status_code == 400
    assert "give a duration" in page


def test_what_failed_differs_by_where_it_failed(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 61)
            for each in request(
                n, 20, failed=n % 6 == 0, pod="ab"[n % 6 == 0 or n % 7 == 0]
            )
        )
    )
    answer, _ = ask(client, pick="failed")
    (row,) = answer.context["rows"]
    assert row.texts == ["span.pod=b"]
    assert row.sentence.startswith("10 of 10 failed spans have")


def test_a_condition_is_told_from_the_rest_without_its_own_key(client, analysed):
    analysed(*incident())
    answer, _ = ask(client, pick="where", where='span.tier = "enterprise"')
    assert answer.context["counts"] == (12, 108)
    assert answer.context["rows"] == []
    assert all(
        "tier" not in key for row in answer.context["symptoms"] for key in row.texts
    )


def test_calls_can_be_what_differs(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 101)
            for each in request(n, 300 if n <= 20 else 20, queries=9 if n <= 18 else 1)
        )
    )
    (row,) = ask(client, slower="200ms")[0].context["rows"]
    assert row.texts == ["payment charge called 9 to 16 times"]
    assert row.search == ""
    assert len(row.examples) == 3


def test_a_time_is_told_from_the_one_before(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 31)
            for each in request(n, 20, build="new" if n > 2 else "old")
        ),
        *(
            each
            for n in range(31, 61)
            for each in request(n, 20, ago=1000, build="old")
        ),
    )
    answer, _ = ask(client, pick="before", range="15m")
    assert answer.context["counts"] == (30, 30)
    assert answer.context["rows"][0].sentence == (
        "28 of 30 spans of this time have span.build=new; 0 of 30 others do"
    )


def test_what_a_search_found_is_told_from_other_traces(client, analysed):
    analysed(*incident())
    search = {"pick": "search", "range": "1h", "min_duration": "200ms"}
    answer = client.get("/differences", search)
    (row,) = answer.context["rows"]
    assert row.sentence.startswith("10 of 10 traces found have span.tier=enterprise")
    found = client.get(row.search).content.decode()
    assert trace_id(10).hex() in found
    assert trace_id(50).hex() not in found


def test_a_brush_is_told_from_the_time_it_was_drawn_in(client, analysed):
    analysed(
        *(each for n in range(1, 13) for each in request(n, 20, ago=600, host="x")),
        *(
            each
            for n in range(13, 61)
            for each in request(n, 20, ago=60, host="yz"[n % 2])
        ),
    )
    now = time.time_ns()
    brush = {
        "pick": "search",
        "range": "custom",
        "from": str(now - 700 * SECOND),
        "to": str(now - 500 * SECOND),
        "max_duration": "1s",
    }
    assert not client.get("/differences", brush).context["found"].is_enough
    wider = {"rest_from": str(now - 3600 * SECOND), "rest_to": str(now)}
    answer = client.get("/differences", brush | wider)
    assert answer.context["counts"] == (12, 48)
    assert answer.context["symptoms"][0].texts == ["span.host=x"]


def test_a_search_for_a_service_alone_is_told_from_all_others(client, analysed):
    analysed(
        *incident(20),
        *(
            span(trace_id=trace_id(n), start_time_unix_nano=time.time_ns() - SECOND)
            for n in range(900, 910)
        ),
    )
    answer = client.get("/differences", {"pick": "search", "service": "checkout"})
    assert answer.context["counts"] == (20, 10)


def test_every_search_behind_a_row_finds_its_traces(client, analysed):
    analysed(*incident())
    (row,) = ask(client, slower="200ms")[0].context["rows"]
    assert parse_qs(urlsplit(row.search).query)["range"] == ["custom"]
    found = client.get(row.search).content.decode()
    assert "10</b> traces match" in found


@pytest.mark.parametrize("value", [7, True, 1.5, "7", "true", "-", "", "a\"b\\'c"])
def test_a_search_finds_values_of_every_type(client, analysed, value):
    analysed(
        *(
            each
            for n in range(1, 61)
            for each in request(
                n, 300 if n <= 10 else 20, key=value if n <= 11 else "other"
            )
        )
    )
    row = ask(client, slower="200ms")[0].context["rows"][0]
    assert "10</b> traces match" in client.get(row.search).content.decode()


def test_a_search_finds_ranges_and_what_is_missing(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 101)
            for each in request(
                n, 300 if n > 85 else 20, items=n, **({} if n > 87 else {"key": 1})
            )
        )
    )
    answer, _ = ask(client, slower="200ms")
    shown = answer.context["rows"] + answer.context["symptoms"]
    for row in shown:
        found = client.get(row.search).content.decode()
        assert f"{row.counts[0]}</b> traces match" in found
    assert {"no span.key", "span.items>85"} <= {
        text for row in shown for text in row.texts
    }


def test_silence_says_that_nothing_differs_beyond_chance(client, analysed):
    chance = random.Random(3)
    analysed(
        *(
            each
            for n in range(1, 101)
            for each in request(
                n, 300 if n % 5 == 0 else 20, region=chance.choice("abc")
            )
        )
    )
    answer, page = ask(client, slower="200ms")
    assert answer.context["rows"] == []
    assert "Nothing differs beyond chance" in page


def test_too_few_say_how_many_are_needed(client, analysed):
    analysed(*incident(20))
    assert "Too few to compare" in ask(client, slower="200ms")[1]


def test_of_many_spans_a_part_is_looked_at_and_it_is_said(client, analysed):
    analysed(*incident())
    with patch("analysis.results.populations.MOST_ROWS", 30):
        answer, page = ask(client, slower="200ms")
    assert answer.context["counts"] == (10, 110)
    assert answer.context["found"].chance.rest_rows == 30
    assert "80 of 110 others, evenly" in page
    assert answer.context["headline"].startswith("about 10 of 10")


def test_of_many_traces_a_sample_tells_what_was_called_and_it_is_said(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 301)
            for each in request(
                n,
                500 if n % 3 == 0 else 20,
                queries=4 if n % 3 == 0 else 1,
                tier="enterprise" if n % 3 == 0 and n % 5 else "free",
            )
        )
    )
    with patch("analysis.results.populations.MOST_TRACED", 40):
        answer, page = ask(client, slower="200ms")
    found = [*answer.context["rows"], *answer.context["symptoms"]]
    by_text = {row.texts[0]: row for row in found}
    exact = by_text["span.tier=enterprise"]
    assert exact.counts == (80, 100, 0, 200)
    assert exact.sentence.startswith("80 of 100")
    estimated = by_text["payment charge called 3 to 4 times"]
    assert estimated.counts == (100, 100, 0, 200)
    assert estimated.sentence.startswith("about 100 of 100")
    assert "about 100 of 100" in page
    assert "about 80 of 100" not in page
    assert "40 of 100 selected and 40 of 200 others" in page
    assert "of what is sampled" in page


def test_traces_that_are_too_large_are_left_out_and_it_is_said(client, analysed):
    analysed(*incident())
    with patch("analysis.results.populations.MOST_SPANS", 100):
        answer, page = ask(client, slower="200ms")
    assert "whose traces are too large" in page
    assert answer.context["found"].chance.selected_rows > 0


def test_shared_ids_and_nested_requests_are_rows_of_their_own(client, analysed):
    spans = incident(60)
    halves = [dict(each) | {"kind": 3, "service_name": "edge"} for each in spans[:20:2]]
    inner = [
        dict(each) | {"span_id": span_id(10**6 + n), "parent_span_id": each["span_id"]}
        for n, each in enumerate(spans[::2])
    ]
    analysed(*spans, *halves, *inner)
    assert sum(ask(client, slower="200ms")[0].context["counts"]) == 120


def test_names_of_strangers_are_text(client, analysed):
    analysed(
        *(
            each
            for n in range(1, 61)
            for each in request(
                n, 300 if n <= 10 else 20, **{HOSTILE: HOSTILE if n < 12 else "x"}
            )
        )
    )
    answer, page = ask(client, slower="200ms")
    assert answer.context["rows"]
    assert "<script>window" not in page
    for key in ("service", "name", "kind", "pick", "slower", "where", "range", "from"):
        answer = client.get("/differences", OPERATION | {key: HOSTILE})
        assert answer.status_code in (200, 400)
        assert "<script>window" not in answer.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"slower": "x"},
        {"slower": "p999"},
        {"pick": "where"},
        {"pick": "where", "where": "((("},
        {"pick": "search", "where": "((("},
        {"pick": "before", "range": "all"},
        {"range": "never"},
    ],
)
def test_a_wrong_question_is_400_with_advice(client, store, wrong):
    answer, page = ask(client, **wrong)
    assert answer.status_code == 400
    assert 'role="alert"' in page


def test_without_a_question_it_says_where_to_find_one(client, store):
    assert "Choose what to compare" in client.get("/differences").content.decode()


@pytest.mark.parametrize("error", [StoreUnavailable("away"), QueryTooExpensive("dear")])
def test_a_store_that_is_away_is_503(client, store, error):
    with patch("analysis.pages.differences.read_population", side_effect=error):
        answer, _ = ask(client, slower="1ms")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_an_operation_and_a_filtered_search_lead_here(client, analysed):
    analysed(*incident(), *request(999, 20, failed=True))
    page = client.get("/operation", OPERATION | {"range": "1h"}).content.decode()
    for pick in ("slow", "failed", "before"):
        assert f"pick={pick}" in page
    assert "pick=search" in client.get("/search?min_duration=1ms").content.decode()
    assert "pick=search" not in client.get("/search").content.decode()
