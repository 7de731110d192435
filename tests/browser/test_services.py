"""The services and the traces behind their numbers, in a real browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.builders import SECOND, batch, span, trace_id
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
expect.set_options(timeout=PATIENT_MS)


def request(number, now, **fields):
    start = now - number * SECOND
    return span(trace_id=trace_id(number), start_time_unix_nano=start, **fields)


@pytest.fixture
def opened(page, live_server):
    """gateway: 30 requests, 3 failed; payment: 6 slow ones, all failed; db: 4."""
    now = time.time_ns() - 60 * SECOND
    with use_store(MemoryStore()) as store:
        store.write(
            batch(
                *(
                    request(n, now, ms=n, status_code=2 if n % 10 == 0 else 0)
                    for n in range(1, 31)
                ),
                *(
                    request(n, now, service="payment", ms=900, status_code=2)
                    for n in range(1, 7)
                ),
                *(request(n, now, service="db", kind=3, ms=2) for n in range(1, 5)),
            )
        )
        page.goto(f"{live_server.url}/services")
        yield page


def rows(page):
    return page.locator("main tbody tr")


def names(page):
    return page.locator("main tbody .service-name")


def test_a_click_on_a_heading_sorts_and_a_second_turns_it_round(opened):
    expect(names(opened)).to_have_text(["db", "gateway", "payment"])
    opened.get_by_role("link", name="p95").click()
    expect(names(opened)).to_have_text(["payment", "gateway", "db"])
    heading = opened.get_by_role("columnheader", name="p95")
    expect(heading).to_have_attribute("aria-sort", "descending")
    opened.reload()
    expect(names(opened)).to_have_text(["payment", "gateway", "db"])
    opened.get_by_role("link", name="p95").click()
    expect(names(opened)).to_have_text(["db", "gateway", "payment"])
    expect(heading).to_have_attribute("aria-sort", "ascending")


def test_another_time_range_is_shown_at_once_in_the_same_order(opened):
    opened.get_by_role("link", name="Requests").click()
    expect(names(opened)).to_have_text(["gateway", "payment", "db"])
    opened.get_by_label("Time range").locator("select").select_option("24h")
    expect(opened).to_have_url(re.compile("range=24h"))
    expect(names(opened)).to_have_text(["gateway", "payment", "db"])
    expect(opened.locator("select[name=range]")).to_have_value("24h")


@pytest.mark.parametrize(
    ("service", "column", "count"),
    [("gateway", 0, 30), ("gateway", 1, 3), ("gateway", 2, 16), ("gateway", 4, 1),
     ("payment", 0, 6), ("payment", 1, 6), ("db", 0, 4)],
)  # fmt: skip
def test_a_number_leads_to_just_the_traces_behind_it(opened, service, column, count):
    row = rows(opened).filter(has_text=service)
    row.locator("td").nth(column).get_by_role("link").click()
    words = "1 trace matches" if count == 1 else f"{count} traces match"
    expect(opened.locator("#matched")).to_have_text(words)
    expect(
        opened.get_by_role("checkbox", name=service, exact=True).first
    ).to_be_checked()


def test_the_name_of_a_service_leads_to_its_operations(opened):
    opened.get_by_role("link", name="payment").click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("payment")
    assert "/operations?service=payment" in opened.url
