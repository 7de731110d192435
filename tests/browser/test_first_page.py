"""An installation that has not seen a span yet, in a real browser."""

import time

import pytest
from playwright.sync_api import expect

from tests.builders import batch, span
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
expect.set_options(timeout=PATIENT_MS)


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def opened(page, live_server, store, settings):
    settings.OTLP_HTTP_PORT = 14318
    settings.OTLP_GRPC_PORT = 14317
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(live_server.url)
    return page


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def test_it_offers_the_demo_and_where_to_point_an_exporter(opened):
    expect(opened.get_by_role("heading", level=1)).to_have_text(
        "No span has arrived yet"
    )
    expect(opened.locator("main")).to_contain_text("make demo")
    for endpoint in ("http://localhost:14318", "http://localhost:14317"):
        expect(opened.locator("main")).to_contain_text(
            f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}"
        )


def test_a_copy_button_copies_what_stands_beside_it_and_says_so(opened):
    for snippet in opened.locator(".snippet").all():
        snippet.get_by_role("button").click()
        expect(snippet.get_by_role("button")).to_have_text("copied")
        expect(opened.get_by_role("status")).to_have_text("copied")
        assert clipboard(opened) == snippet.locator("pre").text_content()


def test_it_turns_into_the_search_when_a_span_arrives(opened, store):
    store.write(batch(span(name="hello", start_time_unix_nano=time.time_ns())))
    expect(opened.locator("#matched")).to_have_text("1 trace matches")
    expect(opened.locator("#results tbody")).to_contain_text("hello")
