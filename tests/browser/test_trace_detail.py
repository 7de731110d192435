"""Reading one trace in a real browser, over the memory store."""

import re

import pytest
from playwright.sync_api import expect

from tests.builders import MS, T0, batch, event, span_id, trace_id
from tests.test_trace import many, numbered
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

HOSTILE = "</script><img src=x onerror=alert(1)>"
PATIENT_MS = 60_000
PATH = f"/trace/{trace_id(1).hex()}"
expect.set_options(timeout=PATIENT_MS)


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def opened(page, live_server, store):
    """The page of 1 (2 (3, 4), 5)."""
    failed = event("exception", T0 + 30 * MS, **{"exception.type": "NoCard"})
    store.write(
        batch(
            numbered(1, name="GET /", ms=100),
            numbered(2, 1, name="pay", service="payment", start_ms=10, ms=50),
            numbered(
                3, 2, name="charge", service="payment", start_ms=20, ms=20,
                attributes={"card": "visa"}, events=[failed],
            ),
            numbered(4, 2, name="save", service="db", start_ms=45, ms=10),
            numbered(5, 1, name="render", start_ms=70, ms=5),
        )
    )  # fmt: skip
    page.goto(live_server.url + PATH)
    expect(rows(page)).to_have_count(5)
    return page


def rows(page):
    return page.get_by_role("treegrid").get_by_role("row")


def shows(page, *names):
    expect(rows(page)).to_have_text([re.compile(re.escape(name)) for name in names])


def active(page):
    return page.locator(".wf-row.active")


def test_a_click_opens_a_span_and_its_exception_reads_as_one(opened):
    rows(opened).nth(2).click()
    expect(opened.get_by_role("heading", name="charge")).to_be_visible()
    expect(opened.get_by_role("row", name="card")).to_contain_text("visa")
    opened.get_by_role("tab", name="Events").click()
    expect(opened.locator("#inspector")).to_contain_text("NoCard")
    assert f"span={span_id(3).hex()}" in opened.url


def test_a_branch_closes_and_opens(opened):
    rows(opened).nth(1).locator(".wf-chevron").click()
    shows(opened, "GET /", "pay", "render")
    expect(rows(opened).nth(1)).to_have_attribute("aria-expanded", "false")
    rows(opened).nth(1).locator(".wf-chevron").click()
    expect(rows(opened)).to_have_count(5)


def test_levels_are_kept_in_the_address(opened):
    opened.get_by_label("Levels").select_option("2")
    shows(opened, "GET /", "pay", "render")
    opened.reload()
    shows(opened, "GET /", "pay", "render")


def test_all_by_keyboard(opened):
    opened.get_by_role("treegrid").focus()
    opened.keyboard.press("ArrowDown")
    expect(active(opened)).to_contain_text("pay")
    opened.keyboard.press("ArrowLeft")
    expect(rows(opened)).to_have_count(3)
    opened.keyboard.press("ArrowRight")
    expect(rows(opened)).to_have_count(5)
    opened.keyboard.press("ArrowRight")
    expect(active(opened)).to_contain_text("charge")
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("heading", name="charge")).to_be_visible()
    opened.keyboard.press("ArrowLeft")
    expect(active(opened)).to_contain_text("pay")
    opened.keyboard.press("End")
    expect(active(opened)).to_contain_text("render")
    opened.keyboard.press("]")
    expect(opened).to_have_url(re.compile("zoom="))
    opened.keyboard.press("Escape")
    expect(opened).not_to_have_url(re.compile("zoom="))
    opened.keyboard.press("?")
    expect(opened.get_by_role("dialog")).to_be_visible()


def test_a_drag_over_the_minimap_zooms_and_the_address_keeps_it(opened):
    box = opened.locator("#minimap").bounding_box()
    y = box["y"] + 20
    opened.mouse.move(box["x"] + box["width"] * 0.65, y)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] * 0.85, y, steps=4)
    opened.mouse.up()
    expect(opened).to_have_url(re.compile("zoom="))
    # Only the root and `render` happen then.
    expect(opened.locator(".wf-bar")).to_have_count(2)
    opened.reload()
    expect(opened.locator(".wf-bar")).to_have_count(2)


def test_find_opens_what_hides_a_match(opened):
    opened.get_by_role("button", name="Collapse all").click()
    expect(rows(opened)).to_have_count(1)
    opened.keyboard.press("f")
    opened.keyboard.type("visa")
    expect(opened.locator("#find-count")).to_have_text("1 of 1")
    expect(opened.locator(".wf-row.current")).to_contain_text("charge")
    expect(opened.get_by_role("heading", name="charge")).to_be_visible()


def test_a_slow_span_leads_back_into_the_waterfall(opened, settings):
    settings.SLOW_SPAN_THRESHOLD_MS = 15
    opened.get_by_role("link", name="Slow spans").click()
    opened.get_by_role("link", name="charge").click()
    expect(opened.get_by_role("heading", name="charge")).to_be_visible()
    expect(opened.locator(".wf-row.selected")).to_contain_text("charge")


def test_statistics_sort_by_a_click_on_a_heading(opened):
    opened.get_by_role("link", name="Statistics").click()
    opened.get_by_role("link", name="Max").click()
    expect(opened.locator("#panel tbody tr").first).to_contain_text("GET /")
    expect(opened).to_have_url(re.compile("sort=-max"))


def test_hostile_names_stay_text(page, live_server, store):
    store.write(
        batch(
            numbered(
                1, name=HOSTILE, service=HOSTILE, attributes={HOSTILE: HOSTILE},
                events=[event(HOSTILE, **{HOSTILE: HOSTILE})],
            )
        )
    )  # fmt: skip
    page.goto(f"{live_server.url}{PATH}?span={span_id(1).hex()}")
    expect(rows(page)).to_contain_text(HOSTILE)
    rows(page).first.click()
    expect(page.locator("#inspector")).to_contain_text(HOSTILE)
    for name in ("Statistics", "Slow spans", "Events"):
        page.get_by_role("link", name=name).click()
        expect(page.locator("#panel")).to_be_visible()
    assert page.locator("img").count() == 0


def test_a_long_trace_holds_only_the_rows_in_sight(page, live_server, store):
    count = 20_000
    spans = many(count, [None, *([1] * (count - 1))])
    store.get_traces = lambda _: spans  # writing them row by row would take longer
    page.goto(live_server.url + PATH)
    grid = page.get_by_role("treegrid")
    expect(grid).to_have_attribute("aria-rowcount", str(count))
    grid.focus()
    page.keyboard.press("End")
    expect(active(page)).to_have_attribute("aria-rowindex", str(count))
    expect(page.locator(".wf-row.waiting")).to_have_count(0)
    assert rows(page).count() < 100


def test_on_a_narrow_page_the_inspector_leaves_its_row_in_sight(
    page, live_server, store
):
    store.write(batch(numbered(1), *(numbered(n, 1) for n in range(2, 41))))
    page.set_viewport_size({"width": 800, "height": 700})
    page.goto(live_server.url + PATH)
    lowest = rows(page).nth(17)
    lowest.click()
    inspector = page.locator("#inspector")
    expect(inspector).to_be_visible()
    chosen = page.locator(".wf-row.selected")
    expect(chosen).to_be_in_viewport(ratio=1)
    page.wait_for_function(
        "() => document.querySelector('.wf-row.selected').getBoundingClientRect().bottom"
        " <= document.querySelector('#inspector').getBoundingClientRect().top + 1"
    )


def test_the_verdict_leads_to_the_span_that_held_the_request_up(
    page, live_server, store
):
    store.write(
        batch(
            numbered(1, name="GET /", ms=2070),
            numbered(2, 1, name="pay", service="payment", start_ms=5, ms=10),
            numbered(3, 1, name="SELECT", service="db", start_ms=20, ms=2000),
        )
    )
    page.goto(live_server.url + PATH)
    verdict = page.locator("#trace-verdict")
    expect(verdict).to_contain_text("bottleneck")
    place = page.locator(".verdict-place").bounding_box()
    assert place["height"] == verdict.bounding_box()["height"]
    verdict.get_by_role("link").click()
    expect(active(page)).to_contain_text("SELECT")
    expect(page.get_by_role("heading", name="SELECT")).to_be_visible()
