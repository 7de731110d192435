"""From a plot, a page or a trace to what differs, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.test_trace_search import drag, places
from tests.builders import MS, SECOND, batch, span, span_id, trace_id
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

HOSTILE = '"><img src=x onerror="window.__x = 1"><script>window.__x = 1</script>'
QUESTION = "/differences?service=shop&name=GET+%2F&kind=server&range=1h&slower=200ms"


def request(number, start, *, slow):
    root = span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        service="shop",
        start_time_unix_nano=start,
        ms=500 if slow else 20,
        attributes={HOSTILE: HOSTILE if slow or number == 50 else "other"},
        resource_attributes={"service.name": "shop", "host.name": "h1"},
    )
    charge = span(
        trace_id=trace_id(number),
        span_id=span_id(1000 + number),
        parent_span_id=span_id(number),
        service="payment",
        name="charge",
        kind=3,
        start_time_unix_nano=start + MS,
        ms=480 if slow else 5,
    )
    return [root, charge]


@pytest.fixture
def store():
    """60 requests of the last half hour; eight in a row are slow."""
    now = time.time_ns()
    spans = [
        each
        for n in range(1, 61)
        for each in request(n, now - n * 20 * SECOND, slow=n <= 8)
    ]
    with use_store(MemoryStore()) as store:
        store.write(batch(*spans))
        yield store


@pytest.fixture
def go(page, live_server, store):
    def opened(address):
        page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")
        return page

    return opened


def harmless(page):
    assert page.evaluate("window.__x") is None
    assert page.locator("main img").count() == 0


def test_a_brush_leads_to_what_its_traces_differ_by(go):
    page = go("/search")
    expect(page.locator("#what-differs")).to_have_count(0)
    expect(page.locator("#scatter-plot[data-drawn]")).to_be_visible()
    dots = sorted(places(page), key=lambda place: place[1])[:8]
    left, right = min(x for x, _ in dots), max(x for x, _ in dots)
    y = dots[0][1]
    drag(page, (left - 12, y - 9), (right + 12, y + 9))
    expect(page.locator("#matched")).to_have_text("8 traces match")
    page.get_by_role("link", name="What differs from the rest").click()
    expect(page.locator("#headline")).to_contain_text("8 of 8 traces found have")
    expect(page.locator("#headline")).to_contain_text("1 of 52 others do")
    harmless(page)


def test_a_row_opens_the_traces_behind_it(go):
    page = go(QUESTION)
    expect(page.locator("#headline")).to_contain_text("8 of 8 slow spans have")
    harmless(page)
    page.get_by_role("link", name="all", exact=True).first.click()
    expect(page.locator("#matched")).to_have_text("8 traces match")


def test_what_is_compared_can_be_chosen(go):
    page = go(QUESTION)
    page.locator("#pick").select_option("failed")
    expect(page).to_have_url(re.compile("pick=failed"))
    expect(page.locator("main")).to_contain_text("Too few to compare")
    expect(page.get_by_label("Slow is")).to_be_hidden()
    page.locator("#pick").select_option("where")
    page.get_by_role("textbox", name="Condition").fill("duration > 100ms")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#headline")).to_contain_text("8 of 8 spans that satisfy it")


def test_a_trace_is_compared_with_another_and_with_the_usual(go):
    page = go(f"/trace/{trace_id(1).hex()}")
    page.get_by_text("Compare with…").click()
    page.get_by_label("Trace to compare with").fill(trace_id(30).hex())
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#headline")).to_contain_text("480 ms shorter")
    page.get_by_label("Second trace").fill("")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("main")).to_contain_text("59 of shop GET /, the mean")
    expect(page.locator("tbody tr").first).to_contain_text("payment charge")


@pytest.mark.parametrize("address", [QUESTION, "/compare?a={a}&b={b}"])
def test_tables_fit_or_scroll_by_themselves(go, address):
    page = go(address.format(a=trace_id(1).hex(), b=trace_id(30).hex()))
    for width in (1440, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width
