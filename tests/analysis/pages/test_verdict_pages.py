"""The pages of bottlenecks and failures: what they tell, and when they cannot."""

import time
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tests.builders import MS, SECOND, span, span_id, trace_id

HOSTILE = "<script>window.__x=1</script>\"'&"


def request(number, ms=10, *, failed=False, name="buy", query="SELECT"):
    start = time.time_ns() // (60 * SECOND) * 60 * SECOND - 120 * SECOND
    start += number * SECOND
    ids = {"trace_id": trace_id(number), "status_code": 2 * failed}
    root, below = span_id(2 * number), span_id(2 * number + 1)
    return [
        span(span_id=root, start_time_unix_nano=start, ms=ms, name=name, **ids),
        span(
            span_id=below,
            parent_span_id=root,
            service="db",
            kind=3,
            start_time_unix_nano=start + MS,
            ms=ms - 2,
            name=query,
            status_message="the disk is full" if failed else "",
            **ids,
        ),
    ]


def mixed(**more):
    """Eight normal requests, one slow, one failed."""
    ms = {9: 2_000}
    every = [request(n, ms.get(n, 10), failed=n == 10, **more) for n in range(1, 11)]
    return [row for each in every for row in each]


@pytest.mark.parametrize("page", ["/bottlenecks", "/failures"])
def test_without_requests_a_page_says_what_to_do(client, store, page):
    answer = client.get(page)
    assert answer.status_code == 200
    assert "No request was seen" in answer.content.decode()


@pytest.mark.parametrize("page", ["/bottlenecks", "/failures"])
def test_a_database_that_is_away_is_told(client, store, page):
    with patch(
        "analysis.results.reading.Subject.objects.filter", side_effect=OperationalError
    ):
        answer = client.get(page)
    assert answer.status_code == 503
    assert "Try again" in answer.content.decode()


@pytest.mark.parametrize("page", ["/bottlenecks", "/failures"])
def test_hostile_names_are_text(client, analysed, page):
    analysed(*mixed(name=HOSTILE, query=HOSTILE))
    content = client.get(page).content.decode()
    assert HOSTILE not in content
    assert "&lt;script&gt;window.__x=1&lt;/script&gt;" in content


def test_verdicts_have_shares_and_sentences_that_lead_to_traces(client, analysed):
    analysed(*mixed())
    answer = client.get("/bottlenecks")
    (row,) = answer.context["entries"]
    shares = {share.verdict: share.count for share in row.verdicts}
    assert shares == {"normal": 8, "bottleneck": 1, "cascade_failure": 1}
    page = answer.content.decode()
    assert "db: SELECT took 2.0 s of 2.0 s" in page
    assert f"/trace/{trace_id(9).hex()}" in page


def test_offenders_come_with_shares_that_add_up(client, analysed):
    analysed(*mixed())
    rows = client.get("/bottlenecks").context["offenders"]
    assert [(row.service, row.name) for row in rows] == [
        ("db", "SELECT"),
        ("gateway", "buy"),
    ]
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert rows[0].exemplars[0][2] == trace_id(9).hex()


def test_the_search_for_slow_spans_finds_them(client, analysed):
    analysed(*mixed())
    answer = client.get("/bottlenecks")
    found = client.get(f"/search{answer.context['slow_search']}").content.decode()
    assert trace_id(9).hex() in found
    assert trace_id(1).hex() not in found


def test_causes_are_told_with_share_first_seen_and_traces(client, analysed):
    analysed(*mixed())
    answer = client.get("/failures")
    (row,) = answer.context["rows"]
    assert row.sentence == (
        "db: SELECT (the disk is full) causes 100 % of the failures of gateway: buy"
    )
    assert (row.affected, row.cause.lift, row.reached) == (1, None, [("gateway", 1)])
    assert row.cause.first_seen_unix_nano % (60 * SECOND) == 0
    assert f"/trace/{trace_id(10).hex()}" in answer.content.decode()
    assert answer.context["failed"] == 1
    assert row.map_url.startswith("/map?range=1h&mark=db")
    assert row.map_url.endswith("&mark=gateway")


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({"service": "gateway", "entry": "buy"}, 1),
        ({"origin": "db"}, 1),
        ({"service": "elsewhere"}, 0),
        ({"origin": "gateway"}, 0),
    ],
)
def test_causes_are_chosen_by_entry_and_origin(client, analysed, chosen, count):
    analysed(*mixed())
    assert len(client.get("/failures", chosen).context["rows"]) == count
