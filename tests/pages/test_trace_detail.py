"""The page of one trace and what it fetches, over the memory store."""

import json
import re

import pytest
from django.test import Client
from django.test.utils import override_settings

from tests.builders import MS, T0, batch, event, link, span, span_id, trace_id
from tests.test_trace import numbered
from traces.pages import trace_cache
from traces.pages.collapse import parse_rows, print_rows
from traces.pages.trace_cache import TraceCache
from traces.spans import SpanKind
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

PAGE = f"/trace/{trace_id(1).hex()}"
HOSTILE = "</script><script>alert(1)</script>{{ 7|add:7 }}"


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def client():
    return Client(headers={"host": "localhost"})


@pytest.fixture
def tree(store):
    """1 (2 (3), 4), 10 ms each after the other."""
    store.write(
        batch(
            numbered(1, name="GET /", ms=100),
            numbered(2, 1, name="save", service="db", start_ms=10, ms=50),
            numbered(
                3, 2, name="fsync", service="db", start_ms=20, ms=5, status_code=2
            ),
            numbered(4, 1, name="render", start_ms=70, ms=5),
        )
    )


def head(response):
    found = re.search(
        r'<script id="trace-data" type="application/json">(.*?)</script>',
        response.content.decode(),
        re.DOTALL,
    )
    assert found
    return json.loads(found[1])


def names(answer):
    return [row["name"] for row in answer["rows"]]


def row_of(client, name):
    rows = client.get(f"{PAGE}/rows").json()["rows"]
    return next(row["row"] for row in rows if row["name"] == name)


def test_the_page_names_root_duration_spans_services_and_errors(client, tree):
    response = client.get(PAGE)
    text = re.sub(r"<[^>]*>", "", response.content.decode())
    for fact in ("gateway", "100 ms duration", "4 spans", "2 services", "1 error"):
        assert fact in " ".join(text.split())


def test_the_page_holds_its_first_rows_and_the_overview(client, tree):
    start = head(client.get(PAGE))
    assert names(start["first"]) == ["GET /", "save", "fsync", "render"]
    assert [bar[:2] for bar in start["overview"]] == [
        [0, 100 * MS],
        [10 * MS, 60 * MS],
        [20 * MS, 25 * MS],
        [70 * MS, 75 * MS],
    ]


def test_a_short_or_upper_case_id_is_redirected_to_its_one_spelling(client, tree):
    response = client.get(f"/trace/{1:016X}?span=2")
    assert response.status_code == 302
    assert response.headers["Location"] == f"{PAGE}?span=2"


def test_an_unknown_trace_is_a_404_that_says_what_to_do(client, store):
    response = client.get(PAGE)
    assert response.status_code == 404
    assert b"Look again" in response.content


@pytest.mark.parametrize("bad", ["xyz", "0" * 32, "12", "%00"])
def test_what_is_no_trace_id_is_a_400(client, store, bad):
    assert client.get(f"/trace/{bad}").status_code == 400


def test_a_store_that_is_away_is_a_503(client):
    class Away(MemoryStore):
        def get_traces(self, trace_ids):
            raise StoreUnavailable("disk")

    with use_store(Away()):
        response = client.get(PAGE)
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_a_row_says_where_it_stands(client, tree):
    rows = client.get(f"{PAGE}/rows").json()["rows"]
    assert [(r["depth"], r["number"], r["siblings"]) for r in rows] == [
        (0, 1, 1),
        (1, 1, 2),
        (2, 1, 1),
        (1, 2, 2),
    ]
    assert rows[2]["error"]
    assert rows[0]["self"] == 45 * MS


def test_rows_are_sent_by_the_piece(client, tree):
    answer = client.get(f"{PAGE}/rows?from=1&count=2").json()
    assert (answer["total"], names(answer)) == (4, ["save", "fsync"])


def test_a_level_hides_what_is_deeper(client, tree):
    assert names(client.get(f"{PAGE}/rows?level=1").json()) == ["GET /"]
    answer = client.get(f"{PAGE}/rows?level=2").json()
    assert names(answer) == ["GET /", "save", "render"]
    assert answer["rows"][1]["closed"]


def test_a_toggled_row_is_the_other_way_round(client, tree):
    save = print_rows([row_of(client, "save")])
    shut = client.get(f"{PAGE}/rows?toggled={save}").json()
    assert names(shut) == ["GET /", "save", "render"]
    opened = client.get(f"{PAGE}/rows?level=2&toggled={save}").json()
    assert names(opened) == ["GET /", "save", "fsync", "render"]


@pytest.mark.parametrize(
    "query",
    [
        "count=0",
        "count=501",
        "from=-1",
        "from=x",
        "level=x",
        "level=99999999",
        "toggled=!",
        "toggled=zzzz",
        "toggled=" + ".".join("1" * 2001),
    ],
)
def test_what_cannot_be_rows_is_a_400(client, tree, query):
    response = client.get(f"{PAGE}/rows?{query}")
    assert response.status_code == 400
    assert response.json()["error"]


def test_toggled_rows_survive_their_text():
    assert parse_rows(print_rows({0, 5, 36, 99_999})) == {0, 5, 36, 99_999}


def test_reveal_opens_what_hides_a_span(client, tree):
    query = {"span": span_id(3).hex(), "level": "1"}
    answer = client.get(f"{PAGE}/reveal", query).json()
    assert answer["place"] == 2
    state = {"level": answer["level"], "toggled": answer["toggled"]}
    assert names(client.get(f"{PAGE}/rows", state).json())[2] == "fsync"
    unknown = {"span": span_id(99).hex()}
    assert client.get(f"{PAGE}/reveal", unknown).status_code == 404


def test_the_place_of_a_parent(client, tree):
    answer = client.get(f"{PAGE}/parent", {"span": span_id(4).hex()}).json()
    assert answer["place"] == 0


def test_a_page_opened_at_a_span_shows_it(client, tree):
    response = client.get(f"{PAGE}?span={span_id(3).hex()}&level=1")
    assert head(response)["place"] == 2
    assert b'id="span-attributes"' in response.content


def test_times_as_sent_can_be_asked_for(client, store):
    store.write(
        batch(
            numbered(1, kind=SpanKind.CLIENT, ms=100, service="a"),
            numbered(2, 1, kind=SpanKind.SERVER, start_ms=500, ms=50, service="b"),
        )
    )
    corrected, as_sent = (
        client.get(f"{PAGE}/rows{query}").json()["rows"][1]["start"]
        for query in ("", "?adjust=0")
    )
    assert (corrected, as_sent) == (25 * MS, 500 * MS)
    assert b"The clock of b" in client.get(PAGE).content


def test_hostile_names_are_text(client, store):
    store.write(
        batch(
            numbered(
                1, name=HOSTILE, service=HOSTILE, attributes={HOSTILE: HOSTILE},
                status_message=HOSTILE, events=[event(HOSTILE, **{HOSTILE: HOSTILE})],
            )
        )
    )  # fmt: skip
    for path in (
        f"{PAGE}?span={span_id(1).hex()}",
        f"{PAGE}/span/0",
        f"{PAGE}?tab=statistics",
        f"{PAGE}?tab=slow",
        f"{PAGE}?tab=events",
    ):
        content = client.get(path).content.decode()
        assert "<script>alert" not in content
        assert "14" not in re.findall(r"</script>(\d+)", content)


def test_values_are_exact_and_typed(client, store):
    values = {
        "big": 2**53 + 1,
        "ratio": 0.1,
        "flag": True,
        "raw": b"\x00\xff",
        "nested": {"a": [1, None]},
        "page": "https://example.org/?a=1",
        "script": "javascript:alert(1)",
    }
    store.write(batch(numbered(1, attributes=values)))
    content = client.get(f"{PAGE}/span/0").content.decode()
    for text in ("9007199254740993", "0.1", "true", "00 ff", "2 bytes, hex", "null"):
        assert text in content
    assert 'href="https://example.org/?a=1" rel="noopener noreferrer"' in content
    assert 'href="javascript' not in content


def test_a_value_leads_to_traces_that_have_it(client, store):
    store.write(batch(numbered(1, attributes={"http.route": '/x"y'})))
    content = client.get(f"{PAGE}/span/0").content.decode()
    links = re.findall(r'href="(/search[^"]*)" title="Traces with this', content)
    assert len(links) == 2  # the resource has service.name
    assert "span.http.route" in links[0]
    assert client.get(links[0].replace("&amp;", "&")).status_code == 200


def test_an_exception_reads_as_one(client, store):
    exception = {
        "exception.type": "ValueError",
        "exception.message": "no card",
        "exception.stacktrace": "Traceback\n  line 1",
    }
    store.write(batch(numbered(1, events=[event("exception", T0, **exception)])))
    content = client.get(f"{PAGE}/span/0").content.decode()
    assert "<b>ValueError</b>: no card" in content
    assert '<pre class="stacktrace">Traceback\n  line 1</pre>' in content


def test_a_link_opens_the_other_trace(client, store):
    other = link(trace_id(7), span_id(8))
    store.write(batch(numbered(1, links=[other])))
    content = client.get(f"{PAGE}/span/0").content.decode()
    assert f"/trace/{trace_id(7).hex()}?span={span_id(8).hex()}" in content


@pytest.mark.parametrize("key", ["99", "f" * 16, "x" * 16, "9" * 40, "%C2%B2"])
def test_a_span_that_is_not_there_is_a_404(client, tree, key):
    assert client.get(f"{PAGE}/span/{key}").status_code == 404


def found(client, text):
    answer = client.get(f"{PAGE}/find", {"text": text}).json()
    rows = {row["row"]: row for row in client.get(f"{PAGE}/rows").json()["rows"]}
    return [rows[row]["name"] for row in answer["rows"]]


@pytest.fixture
def searchable(store):
    attributes = {
        "http.route": "/Items/7",
        "code": 404,
        "ratio": 2.5,
        "ok": True,
        "tags": ["x", {"deep": "Größe"}],
    }
    store.write(
        batch(
            numbered(1, name="root"),
            numbered(2, 1, name="attributes", start_ms=1, attributes=attributes),
            numbered(
                3, 1, name="event", start_ms=2, events=[event("Retry", why="busy")]
            ),
            numbered(4, 1, name="status", start_ms=3, status_message="Timed out"),
            numbered(0xABCDEF0000000001, 1, name="by id", start_ms=4),
        )
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/items/7", ["attributes"]),
        ("HTTP.ROUTE", ["attributes"]),
        ("404", ["attributes"]),
        ("40", []),
        ("2.5", ["attributes"]),
        ("deep", ["attributes"]),
        ("GRÖSSE", []),
        ("größe", ["attributes"]),
        ("retry", ["event"]),
        ("busy", ["event"]),
        ("timed", ["status"]),
        ("abcdef", ["by id"]),
        ("nowhere", []),
        ("  ", []),
    ],
)
def test_find_looks_into_everything_a_span_says(client, searchable, text, names):
    assert found(client, text) == names


def test_find_says_when_it_stopped_early(client, store):
    store.write(
        batch(*(span(span_id=span_id(n + 1), name="same") for n in range(1001)))
    )
    answer = client.get(f"{PAGE}/find?text=same").json()
    assert (len(answer["rows"]), answer["cut"]) == (1000, True)


def test_a_text_too_long_to_find_is_a_400(client, tree):
    assert client.get(f"{PAGE}/find", {"text": "x" * 201}).status_code == 400


def test_statistics_by_service_and_name_sorted_as_asked(client, store):
    store.write(
        batch(
            numbered(1, name="a", ms=30),
            *(numbered(n, 1, name="b", ms=n, status_code=2) for n in (2, 3, 4)),
        )
    )
    content = client.get(f"{PAGE}?tab=statistics&sort=-count").content.decode()
    table = re.sub(r"<[^>]*>", " ", content.split("<tbody>")[1])
    assert table.split()[:2] == ["gateway", "b"]
    assert "9.00 ms" in " ".join(table.split())  # 2 + 3 + 4


def test_a_tab_asked_for_by_htmx_comes_alone(client, tree):
    response = client.get(f"{PAGE}?tab=statistics", headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert "HX-Request" in response.headers["Vary"]


def test_slow_spans_longest_first_over_the_setting(client, tree):
    with override_settings(SLOW_SPAN_THRESHOLD_MS=20):
        content = client.get(f"{PAGE}?tab=slow").content.decode()
    table = content.split("<tbody>")[1].split("</tbody>")[0]
    assert re.findall(r'data-span="\w+">([^<]*)<', table) == ["GET /", "save"]
    assert b"No slow spans" in client.get(f"{PAGE}?tab=slow").content


def test_events_of_all_spans_in_order_of_time(client, store):
    store.write(
        batch(
            numbered(1, events=[event("late", T0 + 9 * MS)]),
            numbered(2, 1, events=[event("early", T0 + 2 * MS)]),
        )
    )
    content = client.get(f"{PAGE}?tab=events").content.decode()
    assert content.index("<b>early</b>") < content.index("<b>late</b>")


def test_the_json_is_a_download_of_all_spans(client, tree):
    link = re.search(
        r'href="([^"]*)" download="([^"]*)"', client.get(PAGE).content.decode()
    )
    assert link[2] == f"trace-{trace_id(1).hex()}.json"
    response = client.get(link[1])
    assert json.loads(response.getvalue())["resourceSpans"]


def test_late_spans_show_on_the_next_look(client, store, monkeypatch):
    monkeypatch.setattr(trace_cache, "FRESH_SECONDS", -1.0)
    store.write(batch(numbered(1)))
    first = client.get(f"{PAGE}/rows").json()
    store.write(batch(numbered(2, 1)))
    assert client.get(f"{PAGE}/rows?revision={first['revision']}").json() == first
    later = client.get(f"{PAGE}/rows").json()
    assert later["total"] == 2
    assert later["revision"] != first["revision"]


def test_the_cache_holds_no_more_spans_than_it_may(store):
    for number in (1, 2, 3):
        rows = [span(trace_id=trace_id(number)) for _ in range(4)]
        store.write(batch(*rows))
    cache = TraceCache(max_spans=8)
    views = [
        cache.get(store, trace_id(number), adjusted=True, revision="")
        for number in (1, 2, 3, 2)
    ]
    assert views[1] is views[3]
    assert len(cache._entries) == 2
