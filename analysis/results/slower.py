"""What is slower than usual over some minutes, from the measures of these and of the
24 hours before them."""

from dataclasses import dataclass

from analysis.histogram import EMPTY
from analysis.measured import EDGE_GAP, OFFENDER, REQUEST
from analysis.peers import NodeType
from analysis.results.measures import HOUR, merged_details
from analysis.results.reading import Found, Minutes, read_measures
from analysis.results.usual import HOURS_BEFORE
from analysis.slower import Edge, Operation, Requests, Slower, Times, slower


@dataclass(frozen=True, slots=True)
class SlowerThanUsual:
    """With each (which, own nanoseconds, trace id, span id) of spans to look at."""

    is_usual_known: bool
    found: list[tuple[Slower, list[tuple[str, int, str, str]]]]


def read_slower(minutes: Minutes, offenders: list[Found]) -> SlowerThanUsual:
    """`offenders` are those of the minutes."""
    before = Minutes(minutes.first - HOURS_BEFORE * HOUR, minutes.first)
    requests = _requests(minutes, before)
    found = slower(
        requests,
        _paired(_own(offenders), _own(read_measures(OFFENDER, before))),
        _paired(_gaps(minutes), _gaps(before)),
    )
    told = [(each, _exemplars(each, offenders)) for each in found]
    return SlowerThanUsual(requests.usual > 0, told)


def _requests(minutes: Minutes, before: Minutes) -> Requests:
    now, usual = (read_measures(REQUEST, each) for each in (minutes, before))
    count = sum(each.merged.count for each in now)
    nano = sum(each.merged.histogram.sum_nano for each in now)
    return Requests(
        count, sum(each.merged.count for each in usual), nano / (count or 1)
    )


def _own(offenders: list[Found]) -> dict[Operation, Found]:
    return {
        (str(each.fields[0]), str(each.fields[1])): each
        for each in offenders
        if not each.fields[2]
    }


def _gaps(minutes: Minutes) -> dict[Edge, Found]:
    return {
        (str(each.fields[0]), str(each.fields[2])): each
        for each in read_measures(EDGE_GAP, minutes)
        if each.fields[1] == each.fields[3] == NodeType.SERVICE and not each.fields[4]
    }


def _paired(
    now: dict[tuple[str, str], Found], usual: dict[tuple[str, str], Found]
) -> dict[tuple[str, str], Times]:
    return {
        key: Times(
            each.merged.histogram,
            usual[key].merged.histogram if key in usual else EMPTY,
        )
        for key, each in now.items()
    }


def _exemplars(
    found: Slower, offenders: list[Found]
) -> list[tuple[str, int, str, str]]:
    """Of the operation or edge that has most of the excess."""
    caller, callee = found.worst_edge or (found.service, "")
    alike = [
        each
        for each in offenders
        if each.fields[0] == caller
        and each.fields[2] == callee
        and (found.worst_edge or each.fields[1] == found.name)
    ]
    if not alike:
        return []
    longest = max(alike, key=lambda each: each.merged.histogram.max_nano)
    details = merged_details(longest.merged.details)
    return [(which, *details[which]) for which in ("longest", "median")]
