"""What counts as slow, from the settings."""

from django.conf import settings

from analysis.verdict import Thresholds


def thresholds() -> Thresholds:
    return Thresholds(slow_span_nano=settings.SLOW_SPAN_THRESHOLD_MS * 1_000_000)
