"""The map in a real browser: a small one whole, a large one from where requests come in,
what is pointed at or focused set apart and told in words."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.analysis.map_data import fill, map_edges

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
expect.set_options(timeout=PATIENT_MS)
LEAST_READABLE_PX = 9
# Whether what is drawn uppermost in the middle of the label is the label; it lets clicks
# through, so that it must be asked for without doing so.
IS_UPPERMOST = """(tip) => {
    tip.style.pointerEvents = "auto";
    const { left, top, width, height } = tip.getBoundingClientRect();
    const found = document.elementFromPoint(left + width / 2, top + height / 2);
    tip.style.pointerEvents = "";
    return tip.contains(found);
}"""


@pytest.fixture
def go(page, live_server):
    """Opens the map of so many nodes and edges."""

    def opened(nodes, edges, width=1440):
        fill(map_edges(nodes, edges), 1, time.time_ns())
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/map")
        page.wait_for_load_state("networkidle")
        return page

    return opened


def in_frame(page, locator):
    """Whether all of it is in sight."""
    frame = page.locator("#map-scroller").bounding_box()
    box = locator.bounding_box()
    return all(
        box[start] >= frame[start] - 1
        and box[start] + box[size] <= frame[start] + frame[size] + 1
        for start, size in (("x", "width"), ("y", "height"))
    )


def overlap(one, other):
    return all(
        one[start] < other[start] + other[size]
        and other[start] < one[start] + one[size]
        for start, size in (("x", "width"), ("y", "height"))
    )


def node(page, name):
    return page.locator(f'.map-node[aria-label*=" {name}: "]')


def label_of(page):
    tip = page.locator("#map-tip")
    expect(tip).to_be_visible()
    assert in_frame(page, tip)
    assert tip.evaluate(IS_UPPERMOST)
    return tip.inner_text()


def test_a_small_map_is_in_sight_as_a_whole(go):
    page = go(7, 7)
    nodes = page.locator(".map-node").all()
    assert len(nodes) == 7
    assert all(in_frame(page, each) for each in nodes)


@pytest.mark.parametrize("width", [1440, 800])
def test_a_large_map_opens_readable_where_requests_come_in(go, width):
    page = go(300, 900, width)
    first = node(page, "user")
    assert in_frame(page, first)
    assert in_frame(page, node(page, "front-0"))
    scale = first.bounding_box()["height"] / 44
    assert scale * 13 > LEAST_READABLE_PX
    expect(page.get_by_text("300 nodes and 900 edges are drawn")).to_be_visible()
    page.get_by_role("button", name="Fit").click()
    assert in_frame(page, page.locator("#service-map"))


@pytest.mark.parametrize("number", [0, 450, 899])
def test_a_focused_edge_of_a_large_map_is_told_in_sight(go, number):
    page = go(300, 900)
    edge = page.locator(".map-edge").nth(number)
    page.locator("#map-scroller, .map-edge").nth(number).focus()  # what precedes it
    page.keyboard.press("Tab")
    expect(edge).to_be_focused()
    name = edge.get_attribute("aria-label")
    assert " ".join(label_of(page).split()) == name.replace(": ", " ")
    expect(page.locator("#map-above use")).to_have_count(3)
    page.locator("#map-name").focus()
    expect(page.locator("#map-tip")).to_be_hidden()
    expect(page.locator("#map-above use")).to_have_count(0)


def test_a_node_that_is_pointed_at_stands_out_with_what_it_is_tied_to(go):
    page = go(50, 150)
    number = node(page, "front-0").get_attribute("data-node")
    own = [
        edge
        for edge in page.locator(".map-edge").all()
        if number in edge.get_attribute("data-ends").split()
    ]
    node(page, "front-0").hover()
    expect(page.locator(".service-map.dimmed")).to_be_visible()
    assert label_of(page).startswith("service front-0")
    # Each of its edges with the node at the other end, and itself.
    expect(page.locator("#map-above use")).to_have_count(2 * len(own) + 1)
    page.mouse.move(5, 5)
    expect(page.locator(".service-map.dimmed")).to_have_count(0)


def test_a_chosen_edge_is_told_of_beside_the_map(go):
    page = go(7, 7)
    edge = page.locator(".map-edge").first
    edge.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#map-panel").get_by_role("heading", level=2)).to_be_visible()
    expect(edge).to_have_attribute("aria-current", "true")
    frame = page.locator("#map-scroller").bounding_box()
    panel = page.locator("#map-panel").bounding_box()
    assert panel["x"] >= frame["x"] + frame["width"]
    # The label has gone along with the map, which was moved, and hides neither end.
    tip = page.locator("#map-tip").bounding_box()
    for number in edge.get_attribute("data-ends").split():
        end = page.locator(f'.map-node[data-node="{number}"]').bounding_box()
        assert not overlap(tip, end)
        assert abs(tip["y"] + tip["height"] - end["y"]) < 60


def test_the_next_page_of_edges_comes_without_the_drawing(go):
    page = go(50, 70)
    rows = page.locator(".map-table tbody tr")
    expect(rows).to_have_count(50)
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(20)
    expect(page).to_have_url(re.compile("page=2"))
    page.locator("#map-by-p95").click()
    expect(rows).to_have_count(50)
    expect(page.locator("#map-by-p95")).to_be_focused()
    assert page.evaluate("window.same")
    page.go_back()
    expect(rows).to_have_count(20)
