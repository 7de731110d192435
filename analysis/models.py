"""What the analyses found, minute by minute, and which minutes they have yet to see.

Names come from strangers, and a database may refuse a text or index no long one, so they
are kept as ASCII JSON and found by a digest of it.
"""

from django.db import models


class Subject(models.Model):
    """What is measured: an operation, an edge of the service map…"""

    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=32, unique=True)
    fields = models.TextField(help_text="a list of texts and numbers, as JSON")
    group = models.CharField(
        max_length=32, db_index=True, help_text="digest of what it belongs to"
    )

    def __str__(self) -> str:
        return f"{self.kind} {self.fields}"


class Measure(models.Model):
    """One subject in one minute, or in one hour of minutes that are complete.

    Counts are weighted by sampling. `buckets` are little-endian int16, `weights` the
    doubles of those buckets, see `analysis.histogram`.
    """

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE)
    minutes = models.PositiveSmallIntegerField(help_text="1 or 60")
    minute = models.BigIntegerField(help_text="its first, since the epoch")
    count = models.FloatField()
    failed = models.FloatField()
    sum_nano = models.FloatField()
    min_nano = models.BigIntegerField()
    max_nano = models.BigIntegerField()
    weight_squares = models.FloatField()
    buckets = models.BinaryField()
    weights = models.BinaryField()
    details = models.TextField(default="", help_text="JSON, by kind of subject")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "minutes", "minute"], name="measure_once"
            )
        ]
        indexes = [models.Index(fields=["minutes", "minute"], name="measure_minute")]

    def __str__(self) -> str:
        return f"{self.minutes} from {self.minute} of {self.subject_id}"


class AnalysedMinute(models.Model):
    """A minute (or hour) whose measures are there, and what they were made from."""

    minutes = models.PositiveSmallIntegerField()
    minute = models.BigIntegerField()
    analysed_at = models.DateTimeField()
    span_count = models.BigIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["minutes", "minute"], name="analysed_once")
        ]

    def __str__(self) -> str:
        return f"{self.minutes} from {self.minute}"


class ChangedMinute(models.Model):
    """A minute to analyse (again). Whoever does it claims it for a while."""

    minutes = models.PositiveSmallIntegerField()
    minute = models.BigIntegerField()
    changes = models.BigIntegerField(default=1)
    changed_at = models.DateTimeField()
    claimed_until = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["minutes", "minute"], name="changed_once")
        ]

    def __str__(self) -> str:
        return f"{self.minutes} from {self.minute}"


class SeenSegment(models.Model):
    """A segment whose minutes were marked as changed."""

    segment_id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.segment_id)
