"""What the demo does wrong, told by the pages of the analysis in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.analysis.conftest import analysed, store
from tests.analysis.test_demo_verdicts import recorded
from tests.builders import SECOND

__all__ = ["analysed", "recorded", "store"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

A_TRACE = re.compile(r"/trace/[0-9a-f]{32}")
AGO_NANO = 300 * SECOND
EDGES = {
    ("user", "gateway"),
    ("gateway", "auth"),
    ("gateway", "payment"),
    ("gateway", "orders"),
    ("gateway", "spool:orders"),
    ("payment", "db"),
    ("payment", "card-network"),
    ("orders", "db"),
    ("orders", "spool:emails"),
    ("spool:orders", "orders"),
    ("spool:emails", "email"),
    ("email", "mail-relay"),
}


@pytest.fixture
def go(page, live_server, recorded, analysed):
    """Opens a page over all that was recorded of the demo, some minutes later."""
    analysed(
        *(
            row | {"start_time_unix_nano": row["start_time_unix_nano"] - AGO_NANO}
            for trace, rows in recorded.items()
            if len(trace) == 32
            for row in rows
        )
    )

    def opened(address):
        page.goto(live_server.url + address)
        return page

    return opened


@pytest.fixture(params=[1440, 800])
def width(request, page):
    page.set_viewport_size({"width": request.param, "height": 900})
    return request.param


def in_sight(locator, width):
    box = locator.bounding_box()
    return box["x"] >= 0 and box["x"] + box["width"] <= width


def lead_to_a_trace(page, link):
    link.click()
    expect(page).to_have_url(A_TRACE)
    expect(page.locator(".wf-row").first).to_be_visible()


def section(page, heading):
    return page.locator("section").filter(has_text=heading).locator("tbody tr")


def test_the_slow_statement_is_the_worst_offender(go, width):
    page = go("/bottlenecks")
    worst = section(page, "What requests waited for").first
    expect(worst.get_by_role("rowheader")).to_have_text("db INSERT payments")
    link = worst.get_by_role("link", name=re.compile("longest 2"))
    assert in_sight(link, width)
    lead_to_a_trace(page, link)


def test_a_sentence_says_what_the_bottleneck_was(go, width):
    page = go("/bottlenecks")
    row = section(page, "Requests by verdict").filter(has_text="POST /api/checkout")
    expect(row).to_contain_text("cascade failure")
    link = row.get_by_role(
        "link", name=re.compile(r"^db: INSERT payments took 2\.0 s of 2\.")
    )
    assert in_sight(link, width)
    lead_to_a_trace(page, link)


def test_the_listing_that_asks_for_each_order_is_a_repeated_call(go, width):
    page = go("/bottlenecks")
    row = section(page, "Repeated calls").filter(has_text="SELECT order_items")
    expect(row).to_contain_text("N+1")
    link = row.get_by_role("link").first
    assert in_sight(link, width)
    lead_to_a_trace(page, link)


def test_the_card_network_is_why_the_checkout_fails(go, width):
    page = go("/failures")
    row = page.locator("tbody tr").filter(has_text="gateway: POST /api/checkout")
    expect(row).to_have_count(1)
    cause = row.get_by_role("rowheader")
    expect(cause).to_contain_text("payment: POST /v1/authorizations")
    expect(cause).to_contain_text("card-network could not be reached")
    link = row.get_by_role("link", name=re.compile("^[0-9a-f]{6}$")).first
    assert in_sight(link, width)
    lead_to_a_trace(page, link)


def test_the_map_has_the_edges_of_the_shop(go):
    page = go("/map")
    cells = page.locator(".map-table tbody tr").evaluate_all(
        "rows => rows.map((row) => [row.cells[0], row.cells[1].querySelector('a')]"
        ".map((cell) => cell.textContent.trim()))"
    )
    assert {tuple(cell) for cell in cells} == EDGES
    expect(page.locator("#service-map .map-edge")).to_have_count(len(EDGES))


def test_an_edge_of_the_map_leads_to_its_slowest_call(go, width):
    page = go("/map")
    edge = page.locator(".map-table tbody tr").filter(has_text="card-network")
    edge.locator(".map-open").click()
    panel = page.locator("#map-panel")
    expect(panel.get_by_role("heading", level=2)).to_contain_text("card-network")
    link = panel.get_by_role("link", name="The slowest call")
    assert in_sight(link, width)
    lead_to_a_trace(page, link)
