"""What is usual for a minute: what was measured in the hours before its own.

Which hours these are follows from the number of the minute alone, so that a minute that
is analysed again gives the same rows. Only hours that are put together count; when one of
them changes later, minutes that were judged by it stay as they are until they change, too.
"""

from typing import Final

from analysis.measured import EDGE_GAP, OPERATION
from analysis.peers import NodeType
from analysis.results.measures import HOUR
from analysis.results.reading import Found, Minutes, read_hours
from analysis.usual import SEEN_AT_LEAST, Quantiles, Usual

HOURS_BEFORE: Final = 24


def read_usual(minute: int) -> Usual:
    """Empty where no hour before is known."""
    hour = minute // HOUR * HOUR
    before = Minutes(hour - HOURS_BEFORE * HOUR, hour)
    spans = _known(read_hours(OPERATION, before))
    gaps = [
        each
        for each in _known(read_hours(EDGE_GAP, before))
        if each.fields[1] == each.fields[3] == NodeType.SERVICE
    ]
    return Usual(
        {
            (str(service), str(name), int(kind)): _quantiles(each)
            for each in spans
            for service, name, kind in (each.fields,)
        },
        {(str(each.fields[0]), str(each.fields[2])): _quantiles(each) for each in gaps},
    )


def _known(found: list[Found]) -> list[Found]:
    return [
        each for each in found if each.merged.histogram.effective_count >= SEEN_AT_LEAST
    ]


def _quantiles(found: Found) -> Quantiles:
    histogram = found.merged.histogram
    return Quantiles(histogram.quantile(0.5) or 0.0, histogram.quantile(0.95) or 0.0)
