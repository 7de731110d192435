"""The search page: rows, fragment, plot, states without rows."""

import pytest
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import MS, SECOND, batch, span, trace_id
from traces.query import QueryError
from traces.search.form import DEFAULT_LIMIT, PARAMETERS
from traces.store.base import QueryTooExpensive, StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

HOSTILE = "<script>alert(1)</script>\"'&{{ 7|add:7 }}"


def write(store, now, count=1, **fields):
    store.write(
        batch(
            *(
                span(**{"trace_id": trace_id(n), "start_time_unix_nano": now - n * SECOND} | fields)
                for n in range(1, count + 1)
            )
        )
    )  # fmt: skip


def text_of(response):
    return " ".join(response.content.decode().split())


def test_the_root_leads_to_the_search(browser, store):
    answer = browser.get("/?service=a")
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "/search?service=a",
    )


def test_a_row_says_root_duration_spans_errors_and_links_to_the_trace(
    browser, store, now
):
    write(store, now, service="payment", name="charge", ms=2070, status_code=2)
    page = text_of(browser.get("/search"))
    assert '<span class="service-name">payment</span>' in page
    for words in ("charge", "2.07 s", "1 span", "1 error", f"/trace/{1:032x}"):
        assert words in page
    assert "<b>1</b> trace matches" in page
    assert "1 span looked at" in page


def test_each_service_has_its_share_of_the_bar(browser, store, now):
    root = span(
        start_time_unix_nano=now, ms=100, span_id=b"12345678", service="gateway"
    )
    child = span(
        start_time_unix_nano=now, ms=75, parent_span_id=b"12345678", service="db"
    )
    store.write(batch(root, child))
    page = text_of(browser.get("/search"))
    assert 'x="0.000" width="75.000" height="8"><title>db 75 %</title>' in page
    assert "<bdi>db</bdi> · <bdi>gateway</bdi>" in page


def test_names_from_strangers_stay_text(browser, store, now):
    write(store, now, service=HOSTILE, name=HOSTILE)
    for url in ("/search", "/services", "/search?where=" + "%3Cscript%3Ealert(1)"):
        page = browser.get(url).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    "url", ["/search", "/search?where=x", "/services", "/find?id=x"]
)
def test_no_page_needs_inline_script_or_style(browser, store, now, url):
    write(store, now)
    page = browser.get(url).content.decode()
    assert " style=" not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count("<script src=") + page.count(
        '<script type="module" src='
    ) + page.count("<script defer src=")


def test_htmx_gets_the_rows_without_the_page_around_them(htmx, store, now):
    write(store, now, name="charge")
    answer = htmx.get("/search?name=charge")
    page = answer.content.decode()
    assert "<html" not in page
    assert 'id="results"' in page
    assert "charge" in page
    assert 'id="where-error"' in page
    assert page.count("hx-swap-oob") == 2
    assert "HX-Request" in answer.headers["Vary"]


def test_going_back_in_history_gets_the_whole_page(browser, store, now):
    write(store, now)
    headers = {"hx-request": "true", "hx-history-restore-request": "true"}
    assert b"<html" in browser.get("/search", headers=headers).content


def test_the_form_shows_what_the_url_says(browser, store, now):
    write(store, now)
    url = "/search?service=nowhere&status=error&kind=client&min_duration=5ms&where=a+exists"
    page = text_of(browser.get(url + "&sort=longest&range=24h"))
    assert 'name="service" value="nowhere" checked' in page
    assert 'name="status" value="error" checked' in page
    assert 'name="kind" value="client" checked' in page
    assert 'name="min_duration" value="5ms"' in page
    assert 'name="where" id="where" value="a exists"' in page
    assert '<option value="longest" selected>' in page
    assert '<option value="24h" selected>' in page


def test_next_page_follows_to_the_last_and_misses_none(browser, store, now):
    write(store, now, count=DEFAULT_LIMIT + 5)
    first = browser.get("/search")
    following = first.context["answer"].next_query
    assert "range=custom" in following  # the window no longer moves with the clock
    second = browser.get("/search" + following)
    rows = [*first.context["answer"].rows, *second.context["answer"].rows]
    assert [row.trace_id for row in rows] == [f"{n:032x}" for n in range(1, 26)]
    assert second.context["answer"].next_query == ""
    assert "First page" in text_of(second)


def test_a_mistyped_condition_is_shown_with_its_place(browser, store, now):
    write(store, now)
    answer = browser.get("/search?where=name+%3D&limit=many")
    page = text_of(answer)
    assert answer.status_code == 400
    assert "a value was expected" in page
    assert "<mark>\N{CARET}</mark>" in page
    assert "<b>limit</b>: expected a whole number" in page


def test_htmx_shows_advice_where_the_page_would(htmx, store, now):
    write(store, now)
    answer = htmx.get("/search?where=name+%3D")
    assert answer.status_code == 200
    assert "a value was expected" in text_of(answer)


class Failing(MemoryStore):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def find_traces(self, query):
        raise self.error

    def find_points(self, query, limit):
        raise self.error

    def get_services(self, window):
        raise self.error

    def get_service_statistics(self, window):
        raise self.error


@pytest.fixture
def failing(request):
    with use_store(Failing(request.param)) as store:
        yield store


@pytest.mark.parametrize(
    ("failing", "status", "words"),
    [
        (QueryTooExpensive("30 s"), 503, "Choose a shorter time range"),
        (StoreUnavailable("secret path"), 503, "cannot be read now"),
        (QueryError("the pattern is not RE2"), 400, "not RE2"),
    ],
    indirect=["failing"],
)
def test_what_the_store_cannot_do_is_said_and_never_a_500(
    browser, failing, status, words
):
    answer = browser.get("/search")
    assert answer.status_code == status
    assert words in text_of(answer)
    assert "secret path" not in text_of(answer)
    assert ("Retry-After" in answer.headers) == (status == 503)
    points = browser.get("/search/points")
    assert points.status_code == status
    assert "error" in points.json()


def test_an_empty_installation_offers_the_demo_and_an_endpoint(browser, store):
    with override_settings(OTLP_HTTP_PORT=14318, OTLP_GRPC_PORT=14317):
        page = text_of(browser.get("/search"))
    assert "manage.py demo" in page
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:14318" in page
    assert "http://localhost:14317" in page


def test_an_empty_installation_says_where_zipkin_and_jaeger_may_send(browser, store):
    with override_settings(ZIPKIN_PORT=19411, JAEGER_COMPACT_PORT=0):
        page = text_of(browser.get("/search"))
    assert "http://localhost:19411/api/v2/spans" in page
    assert "compact" not in page


def test_the_first_page_turns_into_the_search_when_a_span_arrives(htmx, store, now):
    waiting = {"hx-trigger": "first-page"}
    assert htmx.get("/search", headers=waiting).status_code == 204
    write(store, now)
    assert htmx.get("/search", headers=waiting).headers["HX-Refresh"] == "true"


def test_no_match_offers_more_time_and_fewer_conditions(browser, store, now):
    write(store, now)
    page = text_of(browser.get("/search?service=nowhere"))
    assert "No trace matches" in page
    assert 'href="/search?service=nowhere&amp;range=24h"' in page
    assert "Clear all conditions" in page


def test_the_plot_has_a_json_twin(browser, store, now):
    write(store, now, count=2, status_code=2, ms=20)
    body = browser.get("/search/points?service=gateway").json()
    assert body["matched"] == 2
    assert sorted(body["points"]["trace_id"]) == [f"{1:032x}", f"{2:032x}"]
    assert body["points"]["duration_nano"] == [20 * MS] * 2
    assert body["points"]["error_count"] == [1, 1]
    assert {len(column) for column in body["points"].values()} == {2}


def test_the_plot_looks_at_the_same_window_as_the_rows(browser, store, now):
    write(store, now)
    answer = browser.get("/search?range=6h").context["answer"]
    points = browser.get("/search/points" + answer.points_query).json()
    start = answer.window.start_time_unix_nano
    assert points["window_ms"][0] == start // MS


def counted(method, name, asked):
    def counting(*arguments):
        asked.append(name)
        return method(*arguments)

    return counting


def test_a_page_takes_no_more_than_three_questions_to_the_store(browser, store, now):
    asked: list[str] = []
    write(store, now, count=5)
    for name in ("find_traces", "get_traces", "get_services", "is_empty"):
        method = getattr(store, name)
        setattr(store, name, counted(method, name, asked))
    browser.get("/search")
    assert asked == ["find_traces", "get_traces", "get_services"]


@pytest.mark.parametrize(
    "path", ["/search", "/services", "/search/points", "/find?id=1"]
)
def test_pages_only_read(browser, store, path):
    assert browser.post(path).status_code == 405


HOSTILE_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "name = a",
        "\x00",
        "9" * 30,
        "-1",
        "a AND",
        '=~ "("',
        "1e999",
        "\N{COMBINING DOT ABOVE}",
    ]
)


@pytest.mark.parametrize(
    "path", ["/search", "/search/points", "/services", "/api/v1/traces"]
)
@given(given_fields=st.dictionaries(st.sampled_from([*PARAMETERS]), HOSTILE_TEXTS))
def test_no_url_makes_a_500(path, given_fields):
    store = MemoryStore()
    store.write(batch(span()))
    with use_store(store):
        answer = Client(headers={"host": "localhost"}).get(path, given_fields)
    assert answer.status_code in {200, 400}
