"""How long the store takes to answer, in a process of its own that does only that:
`python -m tests.benchmarks.search SPANS SEED START`, with the server's environment."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django

from tests.benchmarks.workload import Workload, trace_id
from traces.query import (
    EVERY_SPAN,
    And,
    Attribute,
    Condition,
    Field,
    Filter,
    Op,
    Scope,
    Sort,
    TraceQuery,
    Window,
)
from traces.store.base import TraceStore

REPEATS = 15
WARM_UPS = 2
SERVICE = "service-03"
STATUS = Attribute("http.response.status_code", Scope.SPAN)
USER = Attribute("user.id", Scope.SPAN)


def measure(ask: Callable[[int], object]) -> dict[str, float]:
    """Seconds of one question, the median of many; `ask` is given a number."""
    for number in range(WARM_UPS):
        ask(number)
    timed = [_timed(ask, number) for number in range(REPEATS)]
    return {
        "wall_seconds": statistics.median(wall for wall, _ in timed),
        "cpu_seconds": statistics.median(cpu for _, cpu in timed),
    }


def _timed(ask: Callable[[int], object], number: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    ask(number)
    return time.perf_counter() - wall, time.process_time() - cpu


def measure_store(store: TraceStore, workload: Workload) -> dict[str, Any]:
    window = Window(workload.start_unix_nano, workload.end_unix_nano)
    stored = store.find_traces(TraceQuery(window, limit=1)).matched
    return {
        "stored_traces": stored,
        "by_attribute": measure(lambda n: store.find_traces(_frequent(window))),
        "by_rare_attribute": measure(lambda n: store.find_traces(_rare(window, n))),
        "longest": measure(lambda n: store.find_traces(_longest(window))),
        "by_id": measure(lambda n: _get(store, workload, n)),
    }


def _frequent(window: Window) -> TraceQuery:
    return TraceQuery(window, _of_service(Condition(STATUS, Op.GE, 500)))


def _rare(window: Window, number: int) -> TraceQuery:
    return TraceQuery(window, _of_service(Condition(USER, Op.EQ, f"u{number * 7}")))


def _of_service(condition: Condition) -> Filter:
    return And((Condition(Field.SERVICE_NAME, Op.EQ, SERVICE), condition))


def _longest(window: Window) -> TraceQuery:
    return TraceQuery(window, EVERY_SPAN, sort=Sort.LONGEST)


def _get(store: TraceStore, workload: Workload, number: int) -> None:
    wanted = trace_id(workload, number * 977 % workload.trace_count)
    spans = store.get_traces([wanted]).num_rows
    if spans != 20:
        raise RuntimeError(f"trace {wanted.hex()} has {spans} spans instead of 20")


def main() -> None:
    workload = Workload(*map(int, sys.argv[1:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")
    django.setup()
    from traces.store.current import current_store

    print(json.dumps(measure_store(current_store(), workload)))


if __name__ == "__main__":
    main()
