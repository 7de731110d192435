"""Uploading trace files in a real browser: dropped, chosen, refused, cancelled."""

import base64
import re

import pytest
from playwright.sync_api import expect

from tests.pages.test_upload import recent
from tests.receivers.messages import json_request
from tests.receivers.test_import import SAMPLES
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PATIENT_MS = 60_000
KIB = 1024
expect.set_options(timeout=PATIENT_MS)


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def opened(page, live_server, store):
    page.goto(f"{live_server.url}/upload")
    return page


def file(content, name="traces.json"):
    return {"name": name, "mimeType": "application/json", "buffer": content}


def choose(page, *files):
    page.get_by_label("Trace files").set_input_files(list(files))


DROP = """([content, name]) => {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const options = { dataTransfer, bubbles: true, cancelable: true };
    const target = document.querySelector("%s");
    target.dispatchEvent(new DragEvent("dragover", options));
    window.dropStyle = document.getElementById("drop").className;
    return target.dispatchEvent(new DragEvent("drop", options));
}"""


def drop(page, content, name="traces.json", on="#drop"):
    """Whether the browser would have opened the file by itself."""
    argument = [base64.b64encode(content).decode(), name]
    return page.evaluate(DROP % on, argument)


def slow_down(page, bytes_per_second):
    session = page.context.new_cdp_session(page)
    conditions = {
        "offline": False,
        "latency": 0,
        "downloadThroughput": -1,
        "uploadThroughput": bytes_per_second,
    }
    session.send("Network.emulateNetworkConditions", conditions)
    return session


def test_a_dropped_file_ends_on_its_trace(opened):
    content = (SAMPLES / "jaeger/jaeger-ui-test-trace.json").read_bytes()
    assert drop(opened, content) is False
    expect(opened).to_have_url(re.compile("/trace/[0-9a-f]{32}$"))
    expect(opened.locator(".facts")).to_contain_text("5 spans")
    expect(opened.locator("#scroller [role=row]")).to_have_count(5)


def test_a_file_dropped_beside_the_field_is_taken_all_the_same(opened):
    assert drop(opened, json_request(recent()), on="h1") is False
    expect(opened).to_have_url(re.compile("/trace/"))


def test_a_chosen_file_ends_on_its_trace(opened):
    choose(opened, file(json_request(recent())))
    expect(opened).to_have_url(re.compile("/trace/"))


def test_several_files_end_on_a_list_that_leads_to_each(opened):
    choose(opened, *(file(json_request(recent(n, trace=n))) for n in (1, 2, 3)))
    expect(opened.get_by_role("heading", level=1)).to_have_text("3 traces uploaded")
    assert opened.locator(".uploaded tbody tr").count() == 3
    opened.locator(".uploaded tbody a").nth(1).click()
    expect(opened).to_have_url(re.compile(f"/trace/{2:032x}"))


def test_the_keyboard_reaches_the_field(opened):
    with opened.expect_file_chooser() as chooser:
        opened.get_by_label("Trace files").focus()
        opened.keyboard.press("Space")
    chooser.value.set_files([file(json_request(recent()))])
    expect(opened).to_have_url(re.compile("/trace/"))


def test_the_way_of_a_large_file_is_seen(opened):
    slow_down(opened, 300 * KIB)
    choose(opened, file(json_request(recent()) + b" " * 900 * KIB, "large.json"))
    sending = opened.get_by_role("region", name="Upload under way")
    expect(sending).to_contain_text("large.json")
    expect(sending).to_contain_text("of 900")
    some = re.compile(r"^[1-8]\d\d(\.\d)? KiB of 900")
    expect(opened.locator("#sending-share")).to_have_text(some)
    assert 0 < opened.locator("#sending-bar").evaluate("bar => bar.value") < 1
    expect(opened.get_by_label("Trace files")).to_be_hidden()
    expect(opened).to_have_url(re.compile("/trace/"))


def test_an_upload_can_be_cancelled_and_begun_anew(opened, store):
    session = slow_down(opened, 20 * KIB)
    choose(opened, file(json_request(recent()) + b" " * 900 * KIB))
    opened.get_by_role("button", name="Cancel").click()
    expect(opened.get_by_label("Trace files")).to_be_visible()
    expect(opened.get_by_label("Trace files")).to_be_focused()
    expect(opened.get_by_role("status")).to_have_text("Cancelled.")
    assert store.is_empty()
    session.detach()
    choose(opened, file(json_request(recent())))
    expect(opened).to_have_url(re.compile("/trace/"))


def refused(complaints, status):
    """The browser logs an answer of that kind; it is what the test is about."""
    assert complaints
    assert all(str(status) in text for text in complaints)
    complaints.clear()


def test_what_cannot_be_read_is_named_and_another_file_may_follow(opened, complaints):
    choose(opened, file(b"<script>window.__x=1</script>", "<img src=x>.json"))
    problem = opened.get_by_role("alert")
    expect(problem).to_contain_text("Nothing in this could be read as traces")
    expect(problem.locator("li")).to_contain_text("<img src=x>.json")
    assert opened.locator("main img").count() == 0
    refused(complaints, 400)
    choose(opened, file(json_request(recent())))
    expect(opened).to_have_url(re.compile("/trace/"))


def test_too_large_a_file_is_refused_before_it_is_sent(
    page, live_server, store, settings
):
    settings.MAX_UPLOAD_BYTES = 100 * KIB
    page.goto(f"{live_server.url}/upload")
    choose(page, file(b" " * 150 * KIB))
    expect(page.get_by_role("alert")).to_contain_text("150 KiB are too large")
    expect(page.get_by_role("alert")).to_contain_text("may hold 100 KiB")


def test_a_store_that_is_away_is_told_with_what_to_do(page, live_server, complaints):
    class Away(MemoryStore):
        def write(self, batch):
            raise StoreUnavailable("the disk is full")

    with use_store(Away()):
        page.goto(f"{live_server.url}/upload")
        choose(page, file(json_request(recent())))
        expect(page.get_by_role("alert")).to_contain_text("the disk is full")
        expect(page.get_by_role("alert")).to_contain_text("Send the files again")
    refused(complaints, 503)


def test_a_broken_connection_is_told_with_what_to_do(opened, complaints):
    opened.route("**/upload", lambda route: route.abort())
    choose(opened, file(json_request(recent())))
    expect(opened.get_by_role("alert")).to_contain_text("The connection broke")
    refused(complaints, "net::ERR_FAILED")


def test_without_a_script_the_form_does_the_same(chromium, live_server, store):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/upload")
    choose(page, *(file(json_request(recent(n, trace=n))) for n in (1, 2)))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 traces uploaded")
    page.goto(f"{live_server.url}/upload")
    choose(page, file(b"hello"))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")
    context.close()


def test_the_way_back_leads_to_the_form(opened):
    choose(opened, file(json_request(recent())))
    expect(opened).to_have_url(re.compile("/trace/"))
    opened.go_back()
    expect(opened.get_by_label("Trace files")).to_be_visible()
