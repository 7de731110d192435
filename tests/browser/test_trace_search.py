"""Finding traces in a real browser, over the memory store."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.builders import MS, SECOND, batch, span, span_id, trace_id
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
HOUR = 3600 * SECOND
COUNT = 45
expect.set_options(timeout=PATIENT_MS)


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


def order(number, start):
    """Trace `number` of ten times so many ms; each third pays, each ninth fails."""
    root = span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=start,
        ms=10 * number,
        name="GET /orders",
        status_code=2 if number % 9 == 0 else 0,
        attributes={"http.route": "/orders"},
    )
    card = "visa" if number % 2 else "amex"
    charge = span(
        trace_id=trace_id(number),
        parent_span_id=span_id(number),
        start_time_unix_nano=start + MS,
        ms=5,
        service="payment",
        name="charge",
        attributes={"card": card},
    )
    return [root, charge] if number % 3 == 0 else [root]


@pytest.fixture
def opened(page, live_server, store):
    """The search over 45 traces of the last half hour."""
    now = time.time_ns()
    spans = [order(n, now - n * 20 * SECOND) for n in range(1, COUNT + 1)]
    store.write(batch(*(each for spans_of_one in spans for each in spans_of_one)))
    page.goto(f"{live_server.url}/search")
    matches(page, COUNT)
    return page


def matches(page, count):
    words = "1 trace matches" if count == 1 else f"{count} traces match"
    expect(page.locator("#matched")).to_have_text(words)


def rows(page):
    return page.locator("#results tbody tr")


def links(page):
    """The addresses that the rows lead to."""
    return page.locator("#results .row-link").evaluate_all(
        "links => links.map(link => link.pathname)"
    )


def paths(*numbers):
    return [f"/trace/{trace_id(number).hex()}" for number in numbers]


def asked(page):
    return parse_qs(urlsplit(page.url).query)


def ask(page, condition):
    page.get_by_label("Conditions", exact=True).fill(condition)
    page.get_by_role("button", name="Search", exact=True).click()


def test_a_service_and_a_condition_narrow_the_rows_and_the_address_keeps_both(opened):
    opened.get_by_role("checkbox", name="payment").check()
    matches(opened, 15)
    ask(opened, 'span.card = "amex"')
    matches(opened, 7)
    found = links(opened)
    assert found == paths(6, 12, 18, 24, 30, 36, 42)
    assert asked(opened) == {"service": ["payment"], "where": ['span.card = "amex"']}
    opened.reload()
    matches(opened, 7)
    assert links(opened) == found


def test_back_and_forward_walk_through_the_searches(opened):
    opened.get_by_role("checkbox", name="payment").check()
    matches(opened, 15)
    ask(opened, 'span.card = "visa"')
    matches(opened, 8)
    conditions = opened.get_by_label("Conditions", exact=True)
    opened.go_back()
    matches(opened, 15)
    expect(conditions).to_have_value("")
    expect(opened.get_by_role("checkbox", name="payment")).to_be_checked()
    opened.go_back()
    matches(opened, COUNT)
    expect(opened.get_by_role("checkbox", name="payment")).not_to_be_checked()
    opened.go_forward()
    matches(opened, 15)
    opened.go_forward()
    matches(opened, 8)
    expect(conditions).to_have_value('span.card = "visa"')


def test_a_way_back_from_a_trace_is_the_search_as_it_was(opened):
    ask(opened, 'span.card = "amex"')
    matches(opened, 7)
    rows(opened).first.click()
    expect(opened).to_have_url(re.compile("/trace/"))
    opened.go_back()
    matches(opened, 7)
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value(
        'span.card = "amex"'
    )


def options(page, field):
    return page.locator(f"#{field} option")


def test_a_condition_is_built_from_offered_keys_and_values(opened):
    opened.get_by_text("another attribute").click()
    opened.get_by_label("Attribute key").fill("ca")
    expect(options(opened, "attribute-keys")).to_have_count(1)
    expect(options(opened, "attribute-keys")).to_have_attribute("value", "span.card")
    opened.get_by_label("Attribute key").fill("span.card")
    opened.get_by_label("Value", exact=True).focus()
    expect(options(opened, "attribute-values")).to_have_count(2)
    opened.get_by_label("Value", exact=True).fill("visa")
    opened.get_by_role("button", name="Add condition").click()
    matches(opened, 8)
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value(
        'span.card = "visa"'
    )


def test_a_second_condition_is_added_to_the_first_by_the_enter_key(opened):
    ask(opened, "duration > 100ms OR kind = client")
    matches(opened, 35)
    opened.get_by_text("another attribute").click()
    opened.get_by_label("Attribute key").fill("span.http.route")
    opened.get_by_label("Operator").select_option("exists")
    expect(opened.get_by_label("Value", exact=True)).to_be_disabled()
    opened.get_by_label("Attribute key").press("Enter")
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value(
        "(duration > 100ms OR kind = client) AND span.http.route exists"
    )
    expect(opened).to_have_url(re.compile("route"))
    matches(opened, 35)


def test_a_mistyped_condition_is_kept_and_told_where_it_goes_wrong(opened):
    ask(opened, "span.card =")
    error = opened.locator("#where-error")
    expect(error).to_contain_text("a value was expected")
    expect(error.locator("mark")).to_be_visible()
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value("span.card =")
    ask(opened, "span.card = amex")
    matches(opened, 7)
    expect(error).to_have_text("")


def test_no_match_offers_more_time_and_more_time_helps(opened, store):
    store.write(
        batch(span(service="nightly", start_time_unix_nano=time.time_ns() - 9 * HOUR))
    )
    ask(opened, "service = nightly")
    expect(opened.get_by_role("heading", name="No trace matches")).to_be_visible()
    opened.get_by_role("link", name="Search last 24 hours").click()
    matches(opened, 1)
    expect(opened.get_by_label("Time range")).to_have_value("24h")
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value(
        "service = nightly"
    )


def test_the_pages_of_the_longest_walk_every_match_once(opened):
    opened.locator("#sort").select_option("longest")
    expect(rows(opened).first).to_contain_text("450 ms")
    walked = links(opened)
    for first_of_page in ("250 ms", "50 ms"):
        opened.get_by_role("link", name="Next page").click()
        # 250 ms has the text 50 ms, too.
        exactly = re.compile(rf"(?<!\d){first_of_page}")
        expect(rows(opened).first).to_contain_text(exactly)
        walked += links(opened)
    assert walked == paths(*range(COUNT, 0, -1))
    expect(opened.get_by_role("link", name="Next page")).to_have_count(0)
    opened.get_by_role("link", name="First page").click()
    expect(rows(opened).first).to_contain_text("450 ms")


def test_more_rows_on_a_page_when_asked(opened):
    opened.locator("#limit").select_option("50")
    expect(rows(opened)).to_have_count(COUNT)
    assert asked(opened) == {"limit": ["50"]}


def test_a_click_anywhere_on_a_row_opens_its_trace(opened):
    row = rows(opened).nth(2)
    row.click(position={"x": row.bounding_box()["width"] - 40, "y": 20})
    expect(opened).to_have_url(re.compile(paths(3)[0]))
    expect(opened.get_by_role("treegrid")).to_contain_text("charge")


@pytest.fixture
def plotted(opened):
    """Only the five failed traces: points far apart."""
    opened.get_by_role("checkbox", name="error").check()
    matches(opened, 5)
    is_drawn(opened, 5)
    return opened


def is_drawn(page, count):
    """The points are there, and answer to the mouse: the first comes before the other."""
    drawn = page.locator("#scatter-plot")
    expect(drawn).to_have_attribute("data-drawn", str(count))
    expect(points(page)).to_have_count(count)


def points(page):
    return page.locator("#scatter-plot .point")


def places(page):
    """The middles of the points, from the newest (the rightmost) on."""
    boxes = [point.bounding_box() for point in points(page).all()]
    middles = [
        (b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes
    ]  # fmt: skip
    return sorted(middles, reverse=True)


def hover(page, x, y):
    """A hand never rests: of moves that come close together Plotly drops some."""
    for step in range(100):
        page.mouse.move(x + step % 2, y)
        page.wait_for_timeout(100)
        if page.locator("#scatter-plot .hovertext").count():
            return


def test_a_point_of_the_plot_opens_its_trace(plotted):
    x, y = places(plotted)[1]
    hover(plotted, x, y)
    expect(plotted.locator("#scatter-plot .hovertext")).to_contain_text("180 ms")
    plotted.mouse.click(x, y)
    expect(plotted).to_have_url(re.compile(paths(18)[0]))


def test_a_plot_that_is_drawn_before_a_swap_has_settled_answers_to_the_mouse(opened):
    """As htmx settles it puts classes back to what the server sent."""
    opened.evaluate("htmx.config.defaultSettleDelay = 2000")
    opened.get_by_role("checkbox", name="error").check()
    matches(opened, 5)
    expect(opened.locator(".htmx-settling")).to_have_count(0)
    is_drawn(opened, 5)
    hover(opened, *places(opened)[1])
    expect(opened.locator("#scatter-plot .hovertext")).to_contain_text("180 ms")


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def test_a_brush_over_the_plot_narrows_time_and_duration(plotted):
    x, y = places(plotted)[2]
    drag(plotted, (x - 12, y - 9), (x + 12, y + 9))
    matches(plotted, 1)
    assert links(plotted) == paths(27)
    expect(plotted.get_by_label("Time range")).to_have_value("custom")
    assert {"from", "to", "min_duration", "max_duration"} <= asked(plotted).keys()
    plotted.reload()
    matches(plotted, 1)


def test_a_brush_means_the_same_in_another_time_zone(opened):
    use_time_zone(opened, "Asia/Kolkata")
    opened.reload()
    opened.get_by_role("checkbox", name="error").check()
    matches(opened, 5)
    is_drawn(opened, 5)
    x, y = places(opened)[0]
    drag(opened, (x - 12, y - 9), (x + 12, y + 9))
    matches(opened, 1)
    assert links(opened) == paths(9)


def test_a_bar_of_the_histogram_narrows_the_duration(opened):
    bar = opened.locator("#duration-histogram .area").last
    count = int(bar.locator("title").text_content().split()[0])
    assert count < COUNT
    bar.click()
    matches(opened, count)
    expect(opened.get_by_label("Longest trace")).to_have_value("450ms")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("0AF7 6519 16CD 43DD 8448 EB21 1C80 319C", "0af7651916cd43dd8448eb211c80319c"),
        (" 8448 EB21 1C80 319C ", "00000000000000008448eb211c80319c"),
    ],
)
def test_the_box_opens_a_trace_by_the_id_as_people_paste_it(
    opened, store, typed, found
):
    store.write(batch(span(trace_id=bytes.fromhex(found), name="the one")))
    opened.keyboard.press("/")
    box = opened.get_by_label("Trace id")
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    opened.keyboard.type(typed)
    opened.keyboard.press("Enter")
    expect(opened).to_have_url(re.compile(f"/trace/{found}"))
    expect(opened.get_by_role("heading", name="the one")).to_be_visible()


def test_a_slash_in_a_field_is_a_slash(opened):
    opened.get_by_label("Conditions", exact=True).press("/")
    expect(opened.get_by_label("Conditions", exact=True)).to_have_value("/")


@pytest.mark.parametrize(
    ("typed", "words", "status"),
    [("ab" * 16, "No span of this trace is stored", 404),
     ("hello", "That is not a trace id", 400)],
)  # fmt: skip
def test_an_id_that_leads_nowhere_is_told(opened, complaints, typed, words, status):
    opened.get_by_label("Trace id").fill(typed)
    opened.get_by_label("Trace id").press("Enter")
    expect(opened.get_by_role("heading", name=words)).to_be_visible()
    expect(opened.locator("main")).to_contain_text(typed)
    assert str(status) in complaints.pop()
    assert str(status) in complaints.pop()


def use_time_zone(page, name):
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": name})


def test_times_are_shown_in_utc_or_in_the_zone_of_the_person(opened):
    use_time_zone(opened, "Asia/Kolkata")  # five and a half hours ahead, all year
    opened.reload()
    shown = opened.locator("#results time").first

    def minutes():
        hours, minutes = re.search(r"(\d\d):(\d\d)", shown.text_content()).groups()
        return int(hours) * 60 + int(minutes)

    local = minutes()
    opened.get_by_role("button", name="Show times in UTC").click()
    assert (local - minutes()) % 1440 == 330
    opened.reload()
    matches(opened, COUNT)
    expect(opened.get_by_role("button", name="Show times in UTC")).to_have_text("UTC")
    assert (local - minutes()) % 1440 == 330
