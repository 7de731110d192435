"""Background work on segments. Each task may run twice, or be killed, without harm."""

import logging

from celery import shared_task

from traces.store import lease
from traces.store.base import StoreUnavailable
from traces.store.compaction import compact as compact_segments
from traces.store.compaction import settings_for_compaction
from traces.store.integrity import scrub
from traces.store.opening import files_from_settings
from traces.store.retention import ClockJumped, settings_for_retention
from traces.store.retention import retain as retain_segments

logger = logging.getLogger(__name__)


@shared_task(name="traces.tasks.compact")  # type: ignore[untyped-decorator]
def compact() -> None:
    """Merge what is due; the next run comes soon, so trouble is only logged."""
    try:
        report = compact_segments(files_from_settings(), settings_for_compaction())
    except lease.HeldElsewhere:
        return
    except StoreUnavailable as error:
        logger.warning("compaction waits: %s", error)
        return
    if report.merges:
        logger.info("compaction: %s", report)


@shared_task(name="traces.tasks.retain")  # type: ignore[untyped-decorator]
def retain() -> None:
    """Drop what is too old, then look after the health of the rest."""
    files = files_from_settings()
    try:
        report = retain_segments(files, settings_for_retention())
        if report.retired_segments:
            logger.info("retention: %s", report)
    except (lease.HeldElsewhere, ClockJumped):
        pass
    except StoreUnavailable as error:
        logger.warning("retention waits: %s", error)
        return
    scrub(files)
