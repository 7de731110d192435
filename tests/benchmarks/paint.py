"""How soon a trace shows in Chromium, from the click to paint and to its rows."""

import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.client import Sender
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.server import Server
from tests.benchmarks.workload import one_trace

# Spans of the trace, and seconds to the first paint.
TARGETS: Final = {100: 1.0, 10_000: 1.0, 100_000: 2.0}
REPEATS: Final = 5
TIMEOUT_MS: Final = 60_000
ROWS: Final = "[role=row]"
ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
FIRST_PAINT: Final = """
    performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null
"""
# Noted in the page itself, so that no waiting of ours counts. More than a header.
NOTE_FIRST_ROWS: Final = """
    new MutationObserver((_, observer) => {
        if (document.querySelectorAll("[role=row]").length > 1) {
            window.firstRowsAt = performance.now();
            observer.disconnect();
        }
    }).observe(document, { childList: true, subtree: true });
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Seconds from the start of the navigation."""

    first_paint: float
    first_rows: float


def measure_paint(server: Server) -> list[Figure]:
    traces = {spans: send_trace(server, spans) for spans in TARGETS}
    with chromium() as browser:
        return [
            figure
            for spans, trace_id in traces.items()
            for figure in _figures(browser, f"{server.web_url}/trace/{trace_id}", spans)
        ]


def send_trace(server: Server, spans: int) -> str:
    """Its id, once it is stored whole."""
    trace_id = spans.to_bytes(16, "big")
    bodies = one_trace(trace_id, spans, time.time_ns() - 3600 * 10**9)
    Sender(server.otlp_url, bodies).run(connections=1)
    return trace_id.hex()


@contextmanager
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


def _figures(browser: Browser, url: str, spans: int) -> list[Figure]:
    with urllib.request.urlopen(
        url, timeout=60
    ) as answer:  # a first time for the files
        page_bytes = len(answer.read())
    shown = [_show(browser, url) for _ in range(REPEATS)]
    paint = percentile([each.first_paint for each in shown], 50)
    rows = percentile([each.first_rows for each in shown], 50)
    name = f"trace of {spans:,} spans in Chromium"
    return [
        Figure(
            f"{name}, first paint", paint, "s", TARGETS[spans], f"{page_bytes:,} B page"
        ),
        Figure(f"{name}, first rows", rows, "s"),
    ]


def _show(browser: Browser, url: str) -> Shown:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        return _open(context.new_page(), url)
    finally:
        context.close()


def _open(page: Page, url: str) -> Shown:
    page.set_default_timeout(TIMEOUT_MS)
    page.add_init_script(NOTE_FIRST_ROWS)
    page.goto(url)
    rows = await_value(page, "window.firstRowsAt ?? null")
    return Shown(await_value(page, FIRST_PAINT) / 1000, rows / 1000)


def await_value(page: Page, expression: str) -> float:
    value: Any = page.wait_for_function(expression).json_value()
    return float(value)
