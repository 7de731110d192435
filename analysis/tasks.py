"""Background work: load, call, save. It may run twice, at once, or be killed."""

import logging
from typing import Final

from celery import shared_task

from analysis.measured import OPERATION
from analysis.results.arrivals import mark_arrivals
from analysis.results.minutes import analyse_due
from analysis.results.retention import forget_old, forget_unused
from analysis.results.totals import fold
from traces.store.base import StoreError
from traces.store.current import current_segment_store

logger = logging.getLogger(__name__)

# The same worker has other work to do; the next run goes on.
SECONDS_AT_ONCE: Final = 20


@shared_task(name="analysis.tasks.analyse")  # type: ignore[untyped-decorator]
def analyse() -> None:
    store = current_segment_store()
    try:
        mark_arrivals(store)
        done = analyse_due(store, SECONDS_AT_ONCE)
    except StoreError as error:
        logger.warning("analysis waits: %s", error)
        return
    if done:
        logger.info("analysed %d minutes", done)


@shared_task(name="analysis.tasks.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    """Fold past hours into the counters, then drop measures without spans, and their names."""
    try:
        fold(OPERATION)
        forgotten = forget_old()
        forget_unused()
    except StoreError as error:
        logger.warning("tidying waits: %s", error)
        return
    if forgotten:
        logger.info("dropped %d measures", forgotten)
