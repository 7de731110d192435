"""The page that compares: two traces, one and the usual, two times of an operation."""

import time
from unittest.mock import patch

import pytest

from tests.builders import SECOND, span, span_id, trace_id
from traces.store.base import StoreUnavailable

HOSTILE = "<script>window.__x=1</script>\"'&"


def request(number, ms=20, queries=1, *, ago=60, query="SELECT", each_ms=5):
    start = time.time_ns() - ago * SECOND
    base = 1000 * number
    of = {"trace_id": trace_id(number)}
    return [
        span(
            span_id=span_id(base), name="GET /", ms=ms, start_time_unix_nano=start, **of
        ),
        *(
            span(
                span_id=span_id(base + 1 + n),
                parent_span_id=span_id(base),
                service="db",
                name=query,
                kind=3,
                start_time_unix_nano=start + n * each_ms * 10**6,
                ms=each_ms,
                **of,
            )
            for n in range(queries)
        ),
    ]


def compared(client, **more):
    answer = client.get("/compare", more)
    return answer, answer.content.decode()


def ids(*numbers):
    return dict(zip("ab", (trace_id(n).hex() for n in numbers), strict=False))


def test_two_traces_are_compared_by_what_they_waited_for(client, analysed):
    analysed(*request(1), *request(2, ms=80, queries=14))
    answer, page = compared(client, **ids(1, 2))
    assert answer.status_code == 200
    assert answer.context["headline"] == (
        "The second took 60 ms longer: +65 ms in db SELECT, from 1 to 14 spans."
    )
    assert [row.name for row in answer.context["rows"]] == ["SELECT", "GET /"]
    assert "+65 ms by more calls" in page


def test_a_trace_and_itself_do_not_differ(client, analysed):
    analysed(*request(1, queries=3))
    answer, page = compared(client, **ids(1, 1))
    assert answer.context["rows"] == []
    assert "Nothing differs." in page


def test_a_trace_is_compared_with_what_is_usual(client, analysed):
    analysed(
        *(each for n in range(2, 12) for each in request(n)),
        *request(1, ms=90, queries=16),
    )
    answer, page = compared(client, **ids(1))
    usual, own = answer.context["sides"]
    assert usual.profile.requests == 10
    assert own.trace_id == trace_id(1).hex()
    assert "10 of gateway GET /" in page
    assert answer.context["headline"].startswith("It took 70 ms longer than usual: ")
    assert answer.context["rows"][0].pairs[0] == ("1", "16")


def test_without_others_there_is_no_usual(client, analysed):
    analysed(*request(1))
    answer, page = compared(client, **ids(1))
    assert answer.status_code == 404
    assert "another trace" in page


def test_a_time_range_is_compared_with_the_one_before(client, analysed):
    analysed(
        *(each for n in range(1, 6) for each in request(n, ago=60, ms=40, queries=6)),
        *(each for n in range(6, 9) for each in request(n, ago=1000)),
    )
    operation = {"service": "gateway", "name": "GET /", "kind": "server"}
    answer, _ = compared(client, **operation, range="15m")
    before, after = answer.context["sides"]
    assert (before.profile.requests, after.profile.requests) == (3, 5)
    assert answer.context["change"] == "+20 ms"
    assert "A request took 20 ms longer than before" in answer.context["headline"]
    assert "0 requests before, 5 in it" in compared(client, **operation, range="5m")[1]
    assert compared(client, **operation, range="all")[0].status_code == 400


def test_what_is_called_from_elsewhere_is_listed(client, analysed):
    first = request(1, queries=2)
    second = request(2, queries=2)
    second[2] |= {"parent_span_id": second[1]["span_id"], "name": "commit"}
    first[2] |= {"name": "commit"}
    analysed(*first, *second)
    _, page = compared(client, **ids(1, 2))
    assert "Called from elsewhere" in page


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"a": "x"}, 400),
        ({"a": HOSTILE, "b": HOSTILE}, 400),
        (ids(77, 78), 404),
        ({}, 200),
        ({"service": HOSTILE, "name": HOSTILE, "range": HOSTILE}, 400),
        ({"service": HOSTILE, "name": HOSTILE}, 200),
    ],
)
def test_what_cannot_be_compared_says_why(client, store, parameters, status):
    answer, page = compared(client, **parameters)
    assert answer.status_code == status
    assert "<script>window" not in page
    assert 'class="empty"' in page


def test_names_of_strangers_are_text(client, analysed):
    analysed(*request(1, query=HOSTILE), *request(2, query="SELECT"))
    answer, page = compared(client, **ids(1, 2))
    assert answer.context["rows"]
    assert "<script>window" not in page


def test_a_store_that_is_away_is_503(client, store):
    with patch(
        "analysis.pages.compare.read_trace", side_effect=StoreUnavailable("away")
    ):
        answer, _ = compared(client, **ids(1, 2))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_of_very_many_paths_the_greatest_changes_are_shown(client, analysed):
    many = request(1, ms=400, queries=300, each_ms=1)
    for n, each in enumerate(many[1:]):
        each["name"] = f"query {n}"
    analysed(*many, *request(2, ms=400))
    answer, page = compared(client, **ids(1, 2))
    assert len(answer.context["rows"]) == 200
    assert "102 paths with smaller changes are left out" in page


def test_a_trace_leads_to_its_comparison(client, analysed):
    analysed(*request(1))
    page = client.get(f"/trace/{trace_id(1).hex()}").content.decode()
    assert "Compare with" in page
    assert 'action="/compare"' in page
