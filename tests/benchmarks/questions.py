"""What answers cost: through the store, and through the REST API."""

import time
import urllib.request
from dataclasses import astuple
from typing import Any, Final
from urllib.parse import urlencode

from tests.benchmarks.figures import MS, Figure, percentile
from tests.benchmarks.search import SERVICE
from tests.benchmarks.server import Server
from tests.benchmarks.workload import Workload, trace_id

REPEATS: Final = 15
QUESTIONS: Final = {
    "by_attribute": ("service + attribute in 1 of 5 spans, newest 20", 60),
    "by_rare_attribute": ("service + attribute in 1 of 10,000 spans, newest 20", 60),
    "longest": ("longest 20 of all traces", 150),
    "by_id": ("trace by id", 30),
}


def question_figures(server: Server, workload: Workload) -> list[Figure]:
    arguments = map(str, astuple(workload))
    answers = server.run_python("tests.benchmarks.search", *arguments)
    require_all_stored(answers, workload)
    return [
        Figure(
            f"{name}, through the store",
            answers[key]["wall_seconds"] * MS,
            "ms",
            target,
            f"{answers[key]['cpu_seconds'] * MS:.0f} ms of CPU",
        )
        for key, (name, target) in QUESTIONS.items()
    ]


def require_all_stored(answers: dict[str, Any], workload: Workload) -> None:
    if answers["stored_traces"] != workload.trace_count:
        raise RuntimeError(
            f"{answers['stored_traces']:,} traces are stored instead of"
            f" {workload.trace_count:,}"
        )


def api_figures(server: Server, workload: Workload) -> list[Figure]:
    """The same over HTTP, from here: the time of a person's program."""
    return [
        Figure(
            f"{name}, over HTTP",
            percentile([_seconds(url) for url in _urls(server, workload, key)], 50)
            * MS,
            "ms",
        )
        for key, (name, _) in QUESTIONS.items()
    ]


def _urls(server: Server, workload: Workload, key: str) -> list[str]:
    base = f"{server.web_url}/api/v1/traces"
    return [f"{base}{_asked(workload, key, number)}" for number in range(REPEATS)]


def _asked(workload: Workload, key: str, number: int) -> str:
    if key == "by_id":
        return f"/{trace_id(workload, number * 977 % workload.trace_count).hex()}"
    wheres = {
        "by_attribute": "span.http.response.status_code >= 500",
        "by_rare_attribute": f'span.user.id = "u{number * 7}"',
    }
    window = {"from": str(workload.start_unix_nano), "to": str(workload.end_unix_nano)}
    asked = {"range": "custom", "sort": "longest" if key == "longest" else "newest"}
    if where := wheres.get(key):
        asked |= {"service": SERVICE, "where": where}
    return f"?{urlencode(window | asked)}"


def _seconds(url: str) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - started
