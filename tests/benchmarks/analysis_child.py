"""What the analyses cost, run with the settings of a server that holds the workload.

Prints JSON: seconds of CPU, and how many spans they were for.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracing_ui.settings")

import django
import pyarrow as pa

django.setup()

from django.db import transaction  # noqa: E402

from analysis.attributes import KEYS  # noqa: E402
from analysis.critical_path import critical_path  # noqa: E402
from analysis.findings import findings  # noqa: E402
from analysis.forest import build_forest  # noqa: E402
from analysis.measured import EDGE, OPERATION  # noqa: E402
from analysis.models import AnalysedMinute, ChangedMinute, Measure  # noqa: E402
from analysis.pages.differences import answer  # noqa: E402
from analysis.pages.questions import WHERE, Question  # noqa: E402
from analysis.results.arrivals import REACH_NANO, mark_arrivals  # noqa: E402
from analysis.results.changes import Change, minute_of  # noqa: E402
from analysis.results.measures import HOUR, MINUTE  # noqa: E402
from analysis.results.minutes import analyse_due  # noqa: E402
from analysis.results.populations import Split  # noqa: E402
from analysis.results.saving import Effort, replace, rows_of  # noqa: E402
from tests.benchmarks.workload import SERVICES, SPAN_NAMES  # noqa: E402
from traces.collections_paused import no_collections  # noqa: E402
from traces.query import And, Condition, Field, Op, TraceQuery, Window  # noqa: E402
from traces.spans import StatusCode  # noqa: E402
from traces.store.catalogue import now  # noqa: E402
from traces.store.current import current_segment_store  # noqa: E402

SECOND: Final = 10**9
# Of the workload 100,000 spans start in six minutes; they are moved into one.
MINUTES: Final = 6
MINUTE_NANO: Final = 60 * SECOND
HOURS: Final = 24
REPEATS: Final = 3
MAP_EDGES: Final = 150
Figures = dict[str, Any]


@contextmanager
def cpu(figures: Figures, name: str) -> Iterator[None]:
    started = time.process_time()
    yield
    figures[name] = time.process_time() - started


def main(start_unix_nano: int, end_unix_nano: int) -> None:
    store = current_segment_store()
    figures: Figures = {}
    aggregate(store, figures, start_unix_nano)
    differ(figures, Window(start_unix_nano, end_unix_nano))
    mark_arrivals(store)
    analyse_due(store, float("inf"), settle=timedelta(0))
    fill_hours()
    print(json.dumps(figures))


def aggregate(store: Any, figures: Figures, start: int) -> None:
    window = Window(start, start + MINUTES * MINUTE_NANO)
    with cpu(figures, "aggregate"), rolled_back(), no_collections():
        minute = Window(
            start // MINUTE_NANO * MINUTE_NANO, (start // MINUTE_NANO + 1) * MINUTE_NANO
        )
        table = store.get_excerpt(window, REACH_NANO, KEYS)
        found = findings(build_forest(squeezed(table, window, minute)), minute)
        replace(Change(MINUTE, 1, 1), rows_of(found.measured), Effort(0, 0))
    figures["aggregated_spans"] = found.span_count
    table = store.get_excerpt(window, REACH_NANO, ())
    with cpu(figures, "critical_path"):
        critical_path(build_forest(table))
    figures["critical_path_spans"] = len(table)


def squeezed(table: pa.Table, window: Window, minute: Window) -> pa.Table:
    """What starts in the window starts in the minute; nothing takes another time."""
    name = "start_time_unix_nano"
    at = table.column_names.index(name)
    since = table[name].to_numpy() - window.start_time_unix_nano
    starts = minute.start_time_unix_nano + since // MINUTES
    return table.set_column(at, table.field(at), pa.chunked_array([starts]))


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def differ(figures: Figures, window: Window) -> None:
    """The slow tail of one operation against the rest of it, and what failed against
    all that did not."""
    operation = (
        Condition(Field.SERVICE_NAME, Op.EQ, SERVICES[1]),
        Condition(Field.NAME, Op.EQ, SPAN_NAMES[3]),
    )
    slow = Condition(Field.DURATION_NANO, Op.GE, 40_000_000)
    failed = Condition(Field.STATUS_CODE, Op.EQ, StatusCode.ERROR.value)
    figures["slow_tail"] = asked(window, operation, slow)
    figures["failed"] = asked(window, (), failed)


def asked(
    window: Window, subject: tuple[Condition, ...], where: Condition
) -> dict[str, float]:
    """As the page asks it; the median of a few, as of other answers."""
    compared = Split(TraceQuery(window, And(subject)), where).compared
    question = Question(WHERE, compared, "chosen", "others", frozenset({"status"}))
    costs = []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        found = answer(question)
        costs.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*costs, strict=True)
    return {
        "wall_seconds": statistics.median(walls),
        "cpu_seconds": statistics.median(cpus),
        "rows": sum(found["counts"]),
    }


def fill_hours() -> None:
    """A day of results: each hour as the one that has most, an operation's minutes too."""
    pattern = AnalysedMinute.objects.filter(minutes=MINUTE).order_by("-span_count")[0]
    rows = usual_map(Measure.objects.filter(minutes=MINUTE, minute=pattern.minute))
    one = [row for row in rows if row.subject.kind == OPERATION][:1]
    this_hour = minute_of(time.time_ns()) // HOUR * HOUR
    first = this_hour - HOURS * HOUR
    Measure.objects.filter(minute__gte=first, minute__lt=this_hour).delete()
    ChangedMinute.objects.filter(minute__gte=first).delete()
    copy(rows, HOUR, range(first, this_hour, HOUR))
    copy(rows, MINUTE, range(this_hour, minute_of(time.time_ns())))
    copy(one, MINUTE, range(first, this_hour))


def usual_map(rows: Iterable[Measure]) -> list[Measure]:
    """Every service of the workload calls every other in many ways; of its edges those
    with most calls stay, as many as 50 services have."""
    every = sorted(rows, key=lambda row: -row.count)
    edges = [row.subject for row in every if row.subject.kind == EDGE][:MAP_EDGES]
    kept = {subject.fields for subject in edges}
    return [
        row
        for row in every
        if not row.subject.kind.startswith(EDGE) or is_of(row.subject.fields, kept)
    ]


def is_of(fields: str, kept: set[str]) -> bool:
    """Counts of an edge are named by its fields, and what is counted."""
    return fields in kept or any(fields.startswith(edge[:-1]) for edge in kept)


def copy(rows: list[Measure], minutes: int, numbers: range) -> None:
    done = AnalysedMinute.objects.filter(minutes=minutes, minute__in=numbers)
    done.delete()
    AnalysedMinute.objects.bulk_create(
        AnalysedMinute(minutes=minutes, minute=number, analysed_at=now())
        for number in numbers
    )
    kept = {"id", "minutes", "minute"}
    names = [f.attname for f in Measure._meta.fields if f.attname not in kept]
    for number in numbers:
        Measure.objects.filter(minutes=minutes, minute=number).delete()
        Measure.objects.bulk_create(
            Measure(
                minutes=minutes,
                minute=number,
                **{name: getattr(row, name) for name in names},
            )
            for row in rows
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
