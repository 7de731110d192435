"""What the analyses cost, and how soon their pages answer over a day of results."""

import time
import urllib.request
from typing import Any, Final
from urllib.parse import urlencode

from playwright.sync_api import Browser

from tests.benchmarks.figures import MICRO, MS, Figure, percentile
from tests.benchmarks.paint import (
    FIRST_PAINT,
    TIMEOUT_MS,
    await_value,
    chromium,
)
from tests.benchmarks.server import Server
from tests.benchmarks.workload import SERVICES, SPAN_NAMES, Workload

REPEATS: Final = 9
OPERATION: Final = {"service": SERVICES[1], "name": SPAN_NAMES[3], "kind": "server"}
PAGES: Final = {
    "services page": "/services?",
    "operation page": "/operation?" + urlencode(OPERATION),
    "service map": "/map?",
}
DIFFERENCES: Final = {
    "slow_tail": "what differs in an operation's slow tail, all spans in range",
    "failed": "what differs in failed spans, all spans in range",
}
DIFFERENCES_TARGET_SECONDS: Final = 2
PAGE_TARGET_MS: Final = 300
PAINT_TARGET_SECONDS: Final = 1.5


def analysis_figures(server: Server, workload: Workload) -> list[Figure]:
    found = server.run_python(
        "tests.benchmarks.analysis_child",
        str(workload.start_unix_nano),
        str(workload.end_unix_nano),
    )
    urls = {name: f"{server.web_url}{path}&range=24h" for name, path in PAGES.items()}
    figures = [*_costs(found), *(_page(name, url) for name, url in urls.items())]
    with chromium() as browser:
        figures += [_paint(browser, name, url) for name, url in urls.items()]
    return figures


def _costs(found: dict[str, Any]) -> list[Figure]:
    aggregated, spans = found["aggregated_spans"], found["critical_path_spans"]
    return [
        Figure(
            "analysis of 100,000 spans as one minute, CPU",
            found["aggregate"] * 100_000 / aggregated,
            "s",
            3,
            f"{aggregated:,} spans, read, analysed and saved",
        ),
        Figure(
            "critical paths of whole traces, CPU a span",
            found["critical_path"] / spans * MICRO,
            "µs",
            4,
            f"{spans:,} spans",
        ),
        *(_asked(name, found[key]) for key, name in DIFFERENCES.items()),
    ]


def _asked(name: str, cost: dict[str, float]) -> Figure:
    note = f"{cost['rows']:,} spans compared, {cost['cpu_seconds']:.2f} s of CPU"
    return Figure(name, cost["wall_seconds"], "s", DIFFERENCES_TARGET_SECONDS, note)


def _page(name: str, url: str) -> Figure:
    seconds = percentile([_seconds(url) for _ in range(REPEATS)], 50)
    return Figure(
        f"{name} over 24 h, on the server", seconds * MS, "ms", PAGE_TARGET_MS
    )


def _seconds(url: str) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - started


def _paint(browser: Browser, name: str, url: str) -> Figure:
    seconds = [_first_paint(browser, url) for _ in range(5)]
    title = f"{name} over 24 h in Chromium, first paint"
    return Figure(title, percentile(seconds, 50), "s", PAINT_TARGET_SECONDS)


def _first_paint(browser: Browser, url: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(url)
        return await_value(page, FIRST_PAINT) / 1000
    finally:
        context.close()
