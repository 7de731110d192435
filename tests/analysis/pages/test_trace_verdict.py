"""The verdict at the top of a trace's page: one line, and what failed."""

import pytest
from django.db import OperationalError

from analysis.pages import trace_verdict
from analysis.results.usual import Known
from analysis.usual import NOTHING_USUAL, Quantiles, Usual
from tests.builders import MS, batch, trace_id
from tests.test_trace import numbered
from traces.pages import trace_cache
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

TRACE = f"/trace/{trace_id(1).hex()}"
PAGE = f"{TRACE}/verdict"
HOSTILE = "<script>window.__x=1</script>\"'&"
FAILED = {"status_code": 2}
USUAL = Usual(
    {
        ("gateway", "GET /", 2): Quantiles(90 * MS, 110 * MS),
        ("payment.db", "SELECT", 2): Quantiles(10 * MS, 12 * MS),
    }
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def known(monkeypatch):
    """Has the page judge by a usual that is known."""

    def know(usual=USUAL, of_late=()):
        answer = Known(usual, frozenset(of_late))
        monkeypatch.setattr(trace_verdict, "read_usual_of", lambda *_: answer)

    return know


def paid(query_ms, **more):
    """A request that waits for a query, and takes 70 ms besides."""
    return (
        numbered(1, name="GET /", ms=query_ms + 70, **more),
        numbered(2, 1, name="SELECT", service="payment.db", start_ms=10, ms=query_ms),
    )


def judged(client, store, *spans):
    if spans:
        store.write(batch(*spans))
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.context["judged"], answer.content.decode()


def id_of(number):
    return numbered(number)["span_id"].hex()


def test_a_normal_request_is_called_so_and_leads_nowhere(client, store):
    found, page = judged(client, store, numbered(1, name="GET /", ms=100))
    assert (found.label, found.culprit, found.failures) == ("normal", "", [])
    assert "did not fail" in page
    assert "data-span" not in page


def test_a_bottleneck_leads_to_its_span(client, store):
    found, page = judged(
        client,
        store,
        numbered(1, name="GET /", ms=2070),
        numbered(2, 1, name="SELECT", service="payment.db", start_ms=10, ms=2000),
    )
    assert (found.label, found.culprit) == ("bottleneck", id_of(2))
    assert found.sentence.startswith("payment.db: SELECT took 2.0 s of 2.1 s")
    assert f'data-span="{id_of(2)}"' in page


def test_a_bottleneck_is_named_with_its_usual(client, store, known):
    known()
    found, page = judged(client, store, *paid(400))
    assert (found.label, found.culprit) == ("bottleneck", id_of(2))
    assert found.sentence == (
        "payment.db: SELECT took 400 ms of 470 ms; its usual p95 is 12 ms"
    )
    assert found.note == ""
    assert found.sentence in page


def test_a_normal_request_is_named_with_its_usual(client, store, known):
    known()
    found, _ = judged(client, store, *paid(11))
    assert (found.label, found.note) == ("normal", "")
    assert found.sentence.endswith("its usual median is 90 ms and its p95 110 ms")


def test_a_failure_comes_before_what_is_unusually_slow(client, store, known):
    known()
    found, _ = judged(client, store, *paid(400, status_message="no", **FAILED))
    assert (found.label, found.culprit, found.note) == (
        "cascade failure",
        id_of(1),
        "",
    )


def test_what_only_the_last_minutes_tell_is_said_to_be_that(client, store, known):
    known(of_late=USUAL.spans)
    found, page = judged(client, store, *paid(400))
    assert found.note == "usual by the last hour: no hour before it is known yet"
    assert found.note in page


def test_where_nothing_is_known_the_threshold_is_told(client, store, known, settings):
    known(NOTHING_USUAL)
    found, _ = judged(client, store, *paid(400))
    assert found.label == "normal"
    assert found.sentence.endswith("its usual time is not known")
    assert found.note == "from 1.0 s on it would count as slow"
    settings.SLOW_SPAN_THRESHOLD_MS = 300
    found, _ = judged(client, store)
    assert (found.label, found.note) == (
        "bottleneck",
        "from 300 ms on it counts as slow",
    )


def test_a_large_trace_is_judged_once_until_it_changes(
    client, store, known, monkeypatch
):
    known()
    monkeypatch.setattr(trace_verdict, "LARGE_SPANS", 2)
    before, _ = judged(client, store, *paid(400))
    assert judged(client, store)[0] is before
    monkeypatch.setattr(trace_cache, "FRESH_SECONDS", 0.0)
    after, _ = judged(client, store, numbered(3, 1, name="more"))
    assert after is not before
    assert judged(client, store)[0] is after
    monkeypatch.setattr(trace_verdict, "FRESH_SECONDS", 0.0)
    assert judged(client, store)[0] is not after


def test_a_cascade_leads_from_where_it_began_to_how_far_it_went(client, store):
    found, page = judged(
        client,
        store,
        numbered(1, name="GET /", ms=100, **FAILED),
        numbered(2, 1, name="pay", service="payment", start_ms=5, ms=50, **FAILED),
    )
    assert (found.label, found.culprit) == ("cascade failure", id_of(2))
    (line,) = found.failures
    assert (line.origin.span_id, line.top.span_id) == (id_of(2), id_of(1))
    assert "1 failure<" in page


def test_a_handled_failure_is_marked_and_the_request_is_normal(client, store):
    found, page = judged(
        client,
        store,
        numbered(1, name="GET /", ms=100),
        numbered(2, 1, name="cache", start_ms=5, ms=50, **FAILED),
    )
    assert found.label == "normal"
    assert found.failures[0].marks == ("handled",)
    assert ">handled</span>" in page


def test_many_failures_are_cut_and_counted(client, store):
    count = trace_verdict.MOST_FAILURES + 3
    calls = [
        numbered(2 + each, 1, name=f"op{each}", start_ms=each * 4, ms=2, **FAILED)
        for each in range(count)
    ]
    found, page = judged(client, store, numbered(1, name="GET /", ms=1000), *calls)
    assert (len(found.failures), found.left_out) == (trace_verdict.MOST_FAILURES, 3)
    assert "3 more are not shown" in page


def test_a_very_large_trace_is_not_judged_and_says_so(client, store, monkeypatch):
    monkeypatch.setattr(trace_verdict, "MOST_SPANS", 1)
    store.write(batch(numbered(1), numbered(2, 1)))
    answer = client.get(PAGE)
    assert "judged" not in answer.context
    assert "Not judged: the trace has more than 1 spans" in answer.content.decode()


def test_names_of_strangers_are_text(client, store):
    names = {"name": HOSTILE, "service": HOSTILE, "status_message": HOSTILE}
    _, page = judged(client, store, numbered(1, ms=2000, **names, **FAILED))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_unknown_trace_is_404_and_what_is_no_id_400(client, store):
    assert client.get(f"/trace/{'f' * 32}/verdict").status_code == 404
    assert client.get("/trace/zz/verdict").status_code == 400


def test_a_database_or_store_that_is_away_is_503(client, store, monkeypatch):
    store.write(batch(numbered(1)))

    def away(*_):
        raise OperationalError("away")

    monkeypatch.setattr(trace_verdict, "read_usual_of", away)
    answer = client.get(PAGE)
    assert (answer.status_code, answer.content) == (503, b"")
    assert answer.headers["Retry-After"]

    class Away(MemoryStore):
        def get_traces(self, trace_ids):
            raise StoreUnavailable("away")

    with use_store(Away()):
        assert client.get(PAGE).status_code == 503


def test_the_page_of_the_trace_fetches_it(client, store):
    store.write(batch(numbered(1)))
    assert f'hx-get="{PAGE}"' in client.get(TRACE).content.decode()
