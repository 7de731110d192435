"""The critical path in a real browser, over the memory store."""

import re

from playwright.sync_api import expect

from tests.browser.test_trace_detail import opened, pytestmark, rows, store
from tests.builders import batch
from tests.test_trace import numbered

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
