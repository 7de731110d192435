"""The catalogue, one row a segment and never one a span; leases; ingest reports."""

from django.db import models


class Segment(models.Model):
    """One immutable Parquet file of spans, and what is needed to skip it."""

    class State(models.TextChoices):
        LIVE = "live"
        REPLACED = "replaced"  # its spans live on in a compacted segment
        RETIRED = "retired"  # its spans are past retention
        QUARANTINED = "quarantined"  # missing or damaged; kept for a look

    name = models.CharField(max_length=100, unique=True)
    tenant = models.CharField(max_length=100, default="", blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.LIVE)
    state_changed_at = models.DateTimeField()
    state_reason = models.CharField(max_length=200, default="", blank=True)
    level = models.PositiveSmallIntegerField(
        help_text="0 as written, 1 after the first compaction, and so on"
    )
    variant = models.BooleanField(
        help_text="attributes are shredded VARIANT columns, not plain byte pairs"
    )
    mergeable = models.BooleanField(default=True)
    min_start_unix_nano = models.BigIntegerField()
    max_start_unix_nano = models.BigIntegerField()
    max_end_unix_nano = models.BigIntegerField()
    expires_from_unix_nano = models.BigIntegerField(
        help_text="the latest start, but no later than it was received"
    )
    span_count = models.PositiveIntegerField()
    byte_count = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=32)
    service_names = models.TextField(
        default="", blank=True, help_text="JSON; empty when there are too many"
    )
    trace_count = models.PositiveIntegerField()
    trace_filter = models.BinaryField()
    min_trace_id = models.CharField(max_length=32)
    max_trace_id = models.CharField(max_length=32)
    received_at = models.DateTimeField(help_text="when its newest span came")
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["state", "min_start_unix_nano"], name="segment_state_start"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Who does a piece of background work now, and what came of the last time."""

    name = models.CharField(max_length=50, primary_key=True)
    holder = models.CharField(max_length=200, default="", blank=True)
    expires_at = models.DateTimeField()
    last_finished_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=500, default="", blank=True)

    def __str__(self) -> str:
        return self.name


class IngestReport(models.Model):
    """What one ingest process has counted since it started."""

    name = models.CharField(max_length=150, primary_key=True)
    started_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    counts = models.TextField(help_text="JSON, see traces.receivers.reports")

    def __str__(self) -> str:
        return self.name
