"""What holds on every page: it fits, it can be operated by keyboard, text stays text."""

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.test_trace_search import hover
from tests.builders import MS, batch, event, span, span_id, trace_id
from traces.pages.upload_result import result_of
from traces.receivers.importing import Tally
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
HOSTILE = (
    "</script><script>window.__x = 1</script>",
    '"><img src=x onerror="window.__x = 1">',
    "'><svg onload=window.__x=1>",
    "javascript:window.__x=1",
    '<a href="javascript:window.__x=1">x</a>',
    "<!--<script>${window.__x = 1}{{ 7|add:7 }}{% now 'Y' %}",
    "\u202egnihton \u2066 &lt;b&gt; &#x3c;i&#x3e; %3Cu%3E \\x3c",
    "long" * 1250,
)


def hostile_upload():
    """What came of files whose names and spans are the texts above."""
    tally = Tally()
    for number, text in enumerate(HOSTILE, 1):
        row = {"trace_id": trace_id(number), "service": text, "name": text}
        tally.add_stored(batch(span(**row)))
        for reasons in (tally.refused, tally.warnings, tally.unreadable):
            reasons.add(text)
    return result_of(tally).to_text()


PAGES = {
    "search": "/search",
    "a search without a match": "/search?service=nowhere",
    "a search between two instants": "/search?range=custom&from=2026-01-01",
    "services": "/services",
    "map": "/map",
    "paths": "/map?view=paths",
    "receivers": "/receivers",
    "status": "/status",
    "operations": "/operations?service=gateway",
    "an operation": "/operation?service=gateway&name=GET+%2F&kind=server",
    "entries": "/critical-path",
    "a profile": f"/critical-path?service={quote(HOSTILE[1])}&name={quote(HOSTILE[1])}",
    "a difference": f"/critical-path?service={quote(HOSTILE[0])}&name={quote(HOSTILE[0])}&band=difference",
    "an unknown entry": "/critical-path?service=x&name=y",
    "differences": "/differences?service=x&name=y&slower=1ms",
    "what can differ": "/differences",
    "a mistyped difference": "/differences?service=x&name=y&slower=z",
    "a comparison": f"/compare?a={trace_id(1).hex()}&b={trace_id(101).hex()}",
    "what can be compared": "/compare",
    "no comparison": "/compare?a=" + "z" * 300,
    "bottlenecks": "/bottlenecks",
    "failures": "/failures",
    "waterfall": f"/trace/{trace_id(1).hex()}?span={span_id(1).hex()}",
    "where the time went": f"/trace/{trace_id(1).hex()}?tab=path",
    "a critical path": f"/trace/{trace_id(1).hex()}/critical-path",
    "statistics": f"/trace/{trace_id(1).hex()}?tab=statistics",
    "slow spans": f"/trace/{trace_id(1).hex()}?tab=slow",
    "events": f"/trace/{trace_id(1).hex()}?tab=events",
    "upload": "/upload",
    "an upload": "/upload/result?of=" + hostile_upload(),
    "an unknown upload": "/upload/result?of=x",
    "API": "/api/v1/docs",
    "a mistyped condition": "/search?where=name+%3D",
    "an unknown address": "/no/such/page",
    "an unknown trace": f"/trace/{trace_id(99).hex()}",
    "no trace": "/trace/" + "z" * 300,
    "no trace id": "/find?id=" + "z" * 300,
}
expect.set_options(timeout=PATIENT_MS)


def strange(number, text, start):
    """A span with the text wherever a sender can put one."""
    return span(
        span_id=span_id(number),
        parent_span_id=span_id(1) if number > 1 else None,
        start_time_unix_nano=start + number * MS,
        ms=200 - number,
        status_code=2,
        name=text,
        service=text,
        status_message=text,
        attributes={text: text, f"list {text}": [text], "exception.url": text},
        resource_attributes={"service.name": text, text: text},
        scope_name=text,
        scope_version=text,
        scope_attributes={text: text},
        trace_state=text,
        events=[
            event(text, start, **{text: text}),
            event(
                "exception",
                start,
                **{
                    "exception.type": text,
                    "exception.message": text,
                    "exception.stacktrace": text,
                },
            ),
        ],
    )


@pytest.fixture
def store():
    """One trace of one span a hostile text, and each of these as a trace alone."""
    start = time.time_ns() - 60_000 * MS
    spans = [strange(n, text, start) for n, text in enumerate(HOSTILE, 1)]
    alone = [
        row | {"trace_id": trace_id(100 + n), "parent_span_id": None}
        for n, row in enumerate(spans)
    ]
    with use_store(MemoryStore()) as store:
        store.write(batch(*spans, *alone))
        yield store


@pytest.fixture
def go(page, live_server, store, complaints):
    """Opens an address; that a page for an error is one is no complaint."""

    def opened(address):
        response = page.goto(live_server.url + address)
        if response.status >= 400:
            page.wait_for_load_state()
            refused = [text for text in complaints if str(response.status) in text]
            complaints[:] = [text for text in complaints if text not in refused]
        settle(page)
        harmless(page)
        return page

    return opened


def settle(page):
    page.wait_for_load_state("networkidle")
    if page.locator("#scatter-plot:visible").count():
        expect(page.locator("#scatter-plot[data-drawn]")).to_be_visible()


each_page = pytest.mark.parametrize("address", PAGES.values(), ids=PAGES)


@each_page
def test_a_page_fits_into_its_window_and_has_one_heading_above_the_others(go, address):
    page = go(address)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in (1440, 800, 400):
            page.set_viewport_size({"width": width, "height": 900})
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, (theme, width)
    assert page.get_by_role("heading", level=1).count() == 1


OPERABLE = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab",
    "treegrid", "listbox", "DisclosureTriangle", "Date", "DateTime", "InputTime",
}  # fmt: skip


def operable(page):
    """(role, accessible name) of what a person can operate, as Chromium tells it."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in OPERABLE
    ]


@each_page
def test_all_that_can_be_operated_has_a_name(go, address):
    page = go(address)
    page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    found = operable(page)
    assert len(found) > 6
    assert [role for role, name in found if not name] == []


# The focused element, and whether a line is drawn around it, around what holds it, or
# around the row that it points to.
LOOK = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const lined = ({ outlineStyle, outlineWidth, boxShadow }) =>
        (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
    const drawn = (one) => [null, "::after"].some((pseudo) => lined(getComputedStyle(one, pseudo)));
    const row = document.getElementById(element.getAttribute("aria-activedescendant"));
    const seen = [element, element.parentElement, row].some((one) => one && drawn(one));
    const name = element.id || element.getAttribute("class") || element.textContent;
    return [`${element.tagName} ${name}`.slice(0, 80), seen];
}"""
MAX_STOPS = 40


@each_page
def test_the_focus_is_seen_wherever_the_tab_key_takes_it(go, address):
    page = go(address)
    unseen, stops = [], 0
    for _ in range(MAX_STOPS):
        page.keyboard.press("Tab")
        look = page.evaluate(LOOK)
        if look is None:
            break
        stops += 1
        unseen += [] if look[1] else [look[0]]
    assert stops > 6
    assert unseen == []


def test_the_keyboard_can_skip_the_header(go):
    page = go("/services")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


REMEMBER_FIRST_THEME = """new MutationObserver(() => {
    if (document.body) window.firstTheme ??= document.documentElement.dataset.theme;
}).observe(document, {childList: true, subtree: true});"""


def test_the_chosen_theme_is_there_before_the_first_paint_of_the_next_page(go):
    page = go("/services")

    def background():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    page.get_by_role("button", name="Dark theme").click()
    dark = background()
    assert dark != light
    page.add_init_script(REMEMBER_FIRST_THEME)
    page.reload()
    assert page.evaluate("window.firstTheme") == "dark"
    assert background() == dark
    expect(page.get_by_role("button", name="Dark theme")).to_have_attribute(
        "aria-pressed", "true"
    )


def harmless(page):
    """Nothing ran, and no text of a stranger became an element."""
    assert page.evaluate("window.__x") is None
    assert (
        page.locator("img, a[href^='javascript:'], main script:not([type])").count()
        == 0
    )
    assert page.evaluate("window.cspReports") == []


def test_hostile_names_are_rows_with_harmless_labels_in_the_plot(go):
    page = go("/search?sort=oldest")
    for text in HOSTILE[:-1]:
        expect(page.locator("#results tbody")).to_contain_text(text)
    for point in page.locator("#scatter-plot .point").all()[:4]:
        box = point.bounding_box()
        hover(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator(".hoverlayer .hovertext")).to_have_count(1)
        harmless(page)
    page.locator("#sort").select_option("longest")
    expect(page).to_have_url(re.compile("longest"))
    harmless(page)


@pytest.mark.parametrize("number", range(1, len(HOSTILE) + 1))
def test_a_hostile_span_is_read_in_all_its_parts(go, number):
    page = go(f"/trace/{trace_id(1).hex()}?span={span_id(number).hex()}")
    inspector = page.locator("#inspector")
    expect(inspector).to_contain_text(HOSTILE[number - 1][:60])
    for tab in inspector.get_by_role("tab").all():
        tab.click()
        expect(inspector.get_by_role("tabpanel")).to_have_count(1)
    for name in ("Statistics", "Slow spans", "Events"):
        page.get_by_role("link", name=name).click()
        expect(page.locator("#panel")).to_be_visible()
    harmless(page)


def test_a_hostile_name_is_searched_for_from_the_address_and_from_the_fields(go):
    for text in HOSTILE[:-1]:
        page = go(f"/search?service={quote(text)}&name={quote(text)}")
        expect(page.locator("#matched")).to_have_text("2 traces match")
        expect(page.locator("#name")).to_have_value(text)
        go(f"/search?where={quote(text)}")


def test_a_condition_on_a_hostile_key_is_built_and_finds_it(go):
    page = go("/search")
    page.get_by_text("another attribute").click()
    key, value = f"span.{HOSTILE[1]}", HOSTILE[1]
    page.get_by_label("Attribute key").fill(key)
    page.get_by_label("Value", exact=True).focus()
    expect(page.locator("#attribute-values option")).to_have_count(1)
    page.get_by_label("Value", exact=True).fill(value)
    page.get_by_role("button", name="Add condition").click()
    expect(page.locator("#matched")).to_have_text("2 traces match")
    harmless(page)


def test_a_text_that_turns_the_direction_turns_only_itself(go):
    """The service stands before the span name, whatever the service is called."""
    page = go("/search")
    row = page.locator("#results tbody tr").filter(has_text="gnihton").first
    service = row.locator(".service-name").bounding_box()
    name = row.locator(".row-link .dim").bounding_box()
    assert service["x"] + service["width"] <= name["x"] + 1


def test_all_columns_of_the_services_are_in_sight_at_800_pixels(go):
    page = go("/services")
    page.set_viewport_size({"width": 800, "height": 900})
    last = page.locator("main tbody tr").first.locator("td").last.bounding_box()
    assert last["x"] + last["width"] <= 800


def test_a_store_that_is_away_is_told_on_a_page_that_fits(
    page, live_server, complaints
):
    class Away(MemoryStore):
        def find_traces(self, query):
            raise StoreUnavailable("away")

        get_service_statistics = get_trace = get_traces = find_traces

    with use_store(Away()):
        for address in ("/search", "/services"):
            page.goto(live_server.url + address)
            expect(page.get_by_role("link", name="Try again")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    assert all("503" in text for text in complaints)
    complaints.clear()
