"""Analysing what is due: a minute from its spans, an hour from its minutes."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError

from analysis.attributes import KEYS
from analysis.findings import findings
from analysis.forest import build_forest
from analysis.limits import Limits
from analysis.models import Measure
from analysis.results.arrivals import REACH_NANO
from analysis.results.changes import SETTLE, Change, claim, put_off
from analysis.results.folding import fold
from analysis.results.measures import (
    HOUR,
    MINUTE,
    NANO_PER_MINUTE,
)
from analysis.results.merging import FIELDS, MeasureRow
from analysis.results.saving import Effort, merged_rows, replace, rows_of
from analysis.results.thresholds import overlap_part, thresholds
from analysis.results.usual import read_usual
from traces.collections_paused import no_collections
from traces.query import Window
from traces.store.base import QueryTooExpensive, TraceStore
from traces.store.catalogue import guarded

logger = logging.getLogger(__name__)


def analyse_due(
    store: TraceStore,
    seconds: float,
    *,
    settle: timedelta = SETTLE,
    after_each: Callable[[Change], None] = lambda change: None,
) -> int:
    """Analyse what is due until nothing is, or the time is up; how many that were.

    Raises StoreUnavailable. A minute that cannot be analysed is put off.
    """
    ends_at = time.monotonic() + seconds
    done = 0
    while time.monotonic() < ends_at and (change := claim(settle=settle)):
        try:
            analyse(store, change)
        except (QueryTooExpensive, MemoryError, IntegrityError) as error:
            logger.warning("minute %d is not analysed: %s", change.minute, error)
            put_off(change, str(error))
        done += 1
        after_each(change)
    return done


def analyse(store: TraceStore, change: Change) -> None:
    started = time.process_time()
    if change.minutes == MINUTE:
        with no_collections():
            rows, span_count = _of_minute(store, change.minute)
    else:
        rows, span_count = _of_hour(change.minute), 0
    replace(change, rows, Effort(span_count, time.process_time() - started))


def _of_minute(store: TraceStore, minute: int) -> tuple[list[MeasureRow], int]:
    start = minute * NANO_PER_MINUTE
    window = Window(start, start + NANO_PER_MINUTE)
    forest = build_forest(store.get_excerpt(window, REACH_NANO, KEYS))
    known = read_usual(minute), thresholds()
    found = findings(forest, window, *known, limits_set(), overlap_part=overlap_part())
    return rows_of(found.measured), found.span_count


@guarded
def _of_hour(hour: int) -> list[MeasureRow]:
    within = {"minute__gte": hour, "minute__lt": hour + HOUR}
    chosen = Measure.objects.filter(minutes=MINUTE, **within)
    rows = list(map(MeasureRow._make, chosen.values_list(*FIELDS)))
    folded = fold(rows, limits_set())
    return merged_rows(rows) if folded is None else rows_of(folded)


def limits_set() -> Limits:
    return Limits(
        services=settings.ANALYSIS_MAX_SERVICES,
        names_of_service=settings.ANALYSIS_MAX_NAMES_OF_SERVICE,
        names=settings.ANALYSIS_MAX_NAMES,
        edges=settings.ANALYSIS_MAX_EDGES,
    )
