"""A page in Chromium that fails its test on any complaint of the browser."""

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RECORD_CSP_REPORTS = """
    window.cspReports = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.cspReports.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


# Only as long as the tests of this folder: the event loop that Playwright keeps in
# this thread would break every later test that runs one of its own.
@pytest.fixture(scope="package")
def chromium():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no chromium: scripts/install-system installs it"
    # Django takes that loop for async code and refuses to use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def complaints():
    """What the browser has complained of; a test takes out what it provoked."""
    return []


@pytest.fixture
def page(chromium, complaints):
    """A fresh page; at the end no console error, no failed request, no CSP report."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    context.add_init_script(RECORD_CSP_REPORTS)
    new_page = context.new_page()
    collect_complaints(new_page, complaints)
    yield new_page
    reports = new_page.evaluate("window.cspReports ?? []")
    context.close()
    assert [*complaints, *reports] == []


def collect_complaints(page, complaints):
    def on_console(message):
        if message.type == "error":
            complaints.append(f"console: {message.text}")

    def on_response(response):
        # A browser asks for the icon by itself, whether a page names one or not.
        if response.status >= 400 and not response.url.endswith("/favicon.ico"):
            complaints.append(f"{response.status}: {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("response", on_response)
