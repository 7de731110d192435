"""What counts as slow, and what as one after the other, from the settings."""

from django.conf import settings

from analysis.verdict import Thresholds


def thresholds() -> Thresholds:
    return Thresholds(slow_span_nano=settings.SLOW_SPAN_THRESHOLD_MS * 1_000_000)


def overlap_part() -> float:
    """For critical paths over many traces, see `analysis.overlaps`."""
    return float(settings.CRITICAL_PATH_OVERLAP_PERCENT / 100)
