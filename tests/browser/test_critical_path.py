"""The critical path in a real browser, over the memory store."""

import random
import re
from threading import Event

import pytest
from playwright.sync_api import expect

from tests.browser.test_trace_detail import opened, pytestmark, rows, store
from tests.builders import batch
from tests.demo.collector import grpc_collector
from tests.test_trace import numbered
from traces.demo.load import Tally, checkout, send_load
from traces.demo.patterns import Pattern
from traces.demo.run import Shop
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.receivers.limits import limits_from_settings

__all__ = ["opened", "pytestmark", "store"]


def test_a_key_marks_the_path_and_the_address_keeps_it(opened):
    """Of 1 (2 (3, 4), 5) all are on the path; a closed row owns what is below it."""
    expect(opened.locator(".wf-path")).to_have_count(0)
    opened.keyboard.press("p")
    expect(opened.locator(".wf-path")).not_to_have_count(0)
    expect(opened).to_have_url(re.compile("path=1"))
    pieces = rows(opened).nth(1).locator(".wf-path")
    expect(pieces).to_have_count(3)
    opened.reload()
    expect(pieces).to_have_count(3)
    rows(opened).nth(1).locator(".wf-chevron").click()
    expect(pieces).to_have_count(1)
    opened.get_by_role("button", name="Critical path").click()
    expect(opened.locator(".wf-path")).to_have_count(0)


def test_what_is_off_the_path_is_dimmed(opened, store):
    beside = numbered(6, 1, name="beside", service="db", start_ms=11, ms=20)
    store.write(batch(beside))
    opened.goto(re.sub(r"\?.*", "", opened.url) + "?path=1&revision=0")
    expect(opened.locator(".wf-row.off-path")).to_contain_text("beside")


def test_the_inspector_tells_how_much_longer_a_span_could_run(opened, store):
    beside = numbered(6, 1, name="beside", service="db", start_ms=11, ms=20)
    store.write(batch(beside))
    opened.goto(re.sub(r"\?.*", "", opened.url) + "?revision=0")
    slack = opened.locator("#span-slack")
    rows(opened).filter(has_text="beside").click()
    expect(opened.get_by_role("heading", name="beside")).to_be_visible()
    expect(slack).to_be_hidden()
    opened.keyboard.press("p")
    expect(slack).to_contain_text(re.compile(r"^Could run [0-9.]+ ms longer"))
    rows(opened).first.click()
    expect(slack).to_contain_text("On the critical path")
    opened.keyboard.press("p")
    expect(slack).to_be_hidden()


def test_the_table_of_where_the_time_went_leads_into_the_waterfall(opened):
    opened.get_by_role("link", name="Where the time went").click()
    table = opened.locator("#where-time-went")
    expect(table).to_contain_text("100 ms")
    expect(opened).to_have_url(re.compile("tab=path"))
    line = table.get_by_role("row").filter(has_text="charge")
    line.get_by_role("link").click()
    expect(opened.get_by_role("heading", name="charge")).to_be_visible()


def test_the_help_lists_the_key(opened):
    opened.keyboard.press("?")
    expect(opened.get_by_role("dialog")).to_contain_text("mark the critical path")


def test_only_rows_in_sight_are_asked_for(page, live_server, store):
    from tests.builders import trace_id
    from tests.test_trace import many

    count = 5_000
    store.write(many(count, [None, *([1] * (count - 1))]))
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"{live_server.url}/trace/{trace_id(1).hex()}?path=1")
    expect(page.locator(".wf-row.off-path, .wf-path").first).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator(".wf-row.active")).to_have_attribute(
        "aria-rowindex", str(count)
    )
    expect(page.locator(".wf-row.active .wf-bar")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert 2 <= len([url for url in asked if "/pieces" in url]) <= 6


@pytest.fixture(scope="module")
def bottleneck():
    """What the demo's shop exports of some checkouts with a slow database."""
    with grpc_collector() as collector:
        with Shop(collector.endpoint) as shop:
            tally = Tally()
            slow = [checkout(Pattern.BOTTLENECK, random.Random(n)) for n in range(3)]
            send_load(shop.gateway_url, slow, 5, tally, Event())
        assert not tally.unexpected
        decoded = decode(
            collector.requests, Encoding.OTLP_PROTOBUF, limits_from_settings()
        )
    return decoded.batch, tally.trace_ids[Pattern.BOTTLENECK][0]


def test_the_bottleneck_of_the_demo_is_the_database_of_payment(
    page, live_server, store, bottleneck
):
    spans, trace_id = bottleneck
    store.write(spans)
    page.goto(f"{live_server.url}/trace/{trace_id}?path=1")
    insert = rows(page).filter(has_text="dbINSERT payments")
    expect(insert.locator(".wf-path")).to_have_count(1)
    page.get_by_role("link", name="Where the time went").click()
    first = page.locator("#where-time-went tbody tr").first
    expect(first).to_contain_text("INSERT payments")

    page.goto(
        f"{live_server.url}/critical-path?service=gateway&name=POST /api/checkout"
    )
    line = page.locator("table.paths tbody tr").first
    expect(line).to_contain_text("INSERT payments")
    way = line.get_by_role("link").first.get_attribute("title")
    assert "payment save" in way
    assert "db INSERT payments" in way


def test_a_box_of_the_flame_graph_cuts_it_and_bands_are_links(
    page, live_server, store, bottleneck
):
    store.write(bottleneck[0])
    page.goto(
        f"{live_server.url}/critical-path?service=gateway&name=POST /api/checkout"
    )
    boxes = page.locator(".flame a")
    every = boxes.count()
    page.locator(".flame a").filter(has_text="payment.process").first.click()
    expect(page.get_by_text("Only what is below")).to_be_visible()
    assert 0 < boxes.count() < every
    page.get_by_role("link", name="Show all").click()
    expect(boxes).to_have_count(every)
    page.get_by_role("link", name=re.compile("p50")).click()
    expect(page).to_have_url(re.compile("band=50-90"))
    page.get_by_role("button", name="Replay").click()
    outcome = page.locator("table.outcome tbody tr")
    expect(outcome).to_have_count(2)
    expect(outcome.nth(1)).to_contain_text("50 % faster")
