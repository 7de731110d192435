"""The services page: numbers, order, and the traces behind each number."""

import re

import pytest

from tests.builders import batch, span, trace_id
from tests.pages.test_trace_search import Failing, text_of
from traces.store.base import StoreUnavailable
from traces.store.current import use_store

NUMBER = re.compile(r'href="/search(\?[^"]*)"')


@pytest.fixture
def shop(store, now):
    """gateway: 10 requests of 10 … 100 ms, the last failed; db: client spans alone."""
    spans = [
        span(trace_id=trace_id(n), start_time_unix_nano=now, ms=10 * n, status_code=2 if n == 10 else 0)
        for n in range(1, 11)
    ]  # fmt: skip
    store.write(
        batch(
            *spans, span(service="gateway", kind=3, ms=5000, start_time_unix_nano=now)
        )
    )
    store.write(batch(span(service="db", kind=3, ms=700, start_time_unix_nano=now)))
    return store


def test_a_service_shows_rate_errors_and_percentiles(browser, shop):
    page = text_of(browser.get("/services?range=5m"))
    row = page[page.index(">gateway</a>") :]
    for words in ("2.00 /min", "10 %", "50 ms", "100 ms"):
        assert words in row
    assert "700 ms" in page


def names_in_order(browser, sort):
    rows = browser.get(f"/services?sort={sort}").context["rows"]
    return [row.name for row in rows]


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "db"), ("-name", "gateway"), ("-rate", "gateway"), ("rate", "db"),
     ("-errors", "gateway"), ("-p95", "db"), ("p50", "gateway"), ("nonsense", "db")],
)  # fmt: skip
def test_the_url_orders_the_table(browser, shop, sort, first):
    assert names_in_order(browser, sort)[0] == first


def test_a_heading_turns_the_order_round(browser, shop):
    headings = browser.get("/services?sort=-p95&range=6h").context["headings"]
    by_name = {heading.name: heading for heading in headings}
    assert by_name["p95"].sorted == "descending"
    assert by_name["p95"].query == "?range=6h&sort=p95"
    assert by_name["p50"].query == "?range=6h&sort=-p50"
    assert by_name["name"].sorted == "none"


def test_every_number_opens_just_the_traces_behind_it(browser, shop):
    row = next(
        r for r in browser.get("/services").context["rows"] if r.name == "gateway"
    )

    def matched(query):
        return browser.get("/search" + query).context["answer"].result.matched

    assert matched(row.requests_query) == 10
    assert matched(row.errors_query) == 1
    assert [matched(query) for _, query in row.percentiles] == [6, 1, 1]


def test_a_service_measured_by_all_its_spans_links_to_all_of_them(browser, shop):
    row = next(r for r in browser.get("/services").context["rows"] if r.name == "db")
    assert "kind" not in row.requests_query
    answer = browser.get("/search" + row.percentiles[0][1]).context["answer"]
    assert answer.result.matched == 1


def test_a_window_without_spans_says_so(browser, store):
    page = text_of(browser.get("/services?range=nonsense"))
    assert "No service was seen" in page


def test_a_store_that_is_away_is_a_503(browser):
    with use_store(Failing(StoreUnavailable("x"))):
        answer = browser.get("/services")
    assert answer.status_code == 503
    assert "cannot be read now" in text_of(answer)
