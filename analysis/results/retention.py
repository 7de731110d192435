"""Dropping measures of minutes whose spans are gone."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from analysis.models import AnalysedMinute, Measure, Subject
from analysis.results.batches import batches
from analysis.results.changes import minute_of
from analysis.results.measures import HOUR, MINUTE
from traces.store.catalogue import guarded, live_totals, now


def forget_old() -> int:
    """How many measures went: those past retention and before every span that is left.

    The spans go by their own clock's rules; a clock that jumped takes no measure along.
    """
    first = live_totals()["min_start_unix_nano"]
    if not first:
        return 0
    kept = timedelta(hours=settings.RETENTION_HOURS)
    horizon = int((now() - kept).timestamp() * 1e9)
    # Whole hours, because hours were put together from all their minutes.
    return _forget(minute_of(min(first, horizon)) // HOUR * HOUR)


@guarded
def _forget(before_minute: int) -> int:
    old = {"minutes__in": (MINUTE, HOUR), "minute__lt": before_minute}
    AnalysedMinute.objects.filter(**old).delete()
    return Measure.objects.filter(**old).delete()[0]


@guarded
def forget_unused(most: int = 20_000) -> int:
    """How many subjects went: some of those that nothing is measured of any more.

    One that a worker is about to use fails that run of its minute, which is done again.
    """
    used = Measure.objects.filter(subject=OuterRef("pk"))
    unused = Subject.objects.filter(~Exists(used)).order_by("pk")
    ids = list(unused.values_list("pk", flat=True)[:most])
    for some in batches(ids):
        chosen = Subject.objects.filter(pk__in=some)
        chosen.filter(~Exists(used)).delete()
    return len(ids)
