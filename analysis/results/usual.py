"""What is usual in a minute: what was measured in the hours before its own.

Which hours these are follows from the number of the minute alone, so that a minute that
is analysed again gives the same rows. Only hours that are put together count; when one of
them changes later, minutes that were judged by it stay as they are until they change, too.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from analysis.measured import EDGE_GAP, OPERATION
from analysis.peers import NodeType
from analysis.results.measures import HOUR
from analysis.results.reading import Found, Minutes, read_hours, read_measures
from analysis.usual import SEEN_AT_LEAST, Operation, Quantiles, Usual

HOURS_BEFORE: Final = 24


class Known(NamedTuple):
    """`of_late` are operations that no hour before the minute's own knows."""

    usual: Usual
    of_late: frozenset[Operation]


def read_usual(minute: int) -> Usual:
    """Empty where no hour before is known."""
    before = _hours_before(minute)
    spans = _known(read_hours(OPERATION, before))
    gaps = [
        each
        for each in _known(read_hours(EDGE_GAP, before))
        if each.fields[1] == each.fields[3] == NodeType.SERVICE
    ]
    return Usual(
        _by_operation(spans),
        {(str(each.fields[0]), str(each.fields[2])): _quantiles(each) for each in gaps},
    )


def read_usual_of(operations: Sequence[Operation], minute: int) -> Known:
    """Of a few operations, spans only. What no hour before knows is told by the minutes
    of the last hour, the minute itself among them, as far as they are analysed."""
    before = _hours_before(minute)
    known = _by_operation(_known(read_hours(OPERATION, before, only=operations)))
    missing = [each for each in operations if each not in known]
    lately = Minutes(minute + 1 - HOUR, minute + 1)
    # A few questions at most, and none once there are hours.
    found = [
        each
        for operation in missing
        for each in read_measures(OPERATION, lately, fields=operation)
    ]
    of_late = _by_operation(_known(found))
    return Known(Usual(known | of_late), frozenset(of_late))


def _hours_before(minute: int) -> Minutes:
    hour = minute // HOUR * HOUR
    return Minutes(hour - HOURS_BEFORE * HOUR, hour)


def _by_operation(found: list[Found]) -> dict[Operation, Quantiles]:
    return {
        (str(service), str(name), int(kind)): _quantiles(each)
        for each in found
        for service, name, kind in (each.fields,)
    }


def _known(found: list[Found]) -> list[Found]:
    return [
        each for each in found if each.merged.histogram.effective_count >= SEEN_AT_LEAST
    ]


def _quantiles(found: Found) -> Quantiles:
    histogram = found.merged.histogram
    return Quantiles(histogram.quantile(0.5) or 0.0, histogram.quantile(0.95) or 0.0)
