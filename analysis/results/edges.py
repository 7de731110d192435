"""The edges of a service map over some minutes, put together from their measures."""

from collections.abc import Collection
from dataclasses import dataclass

from analysis.histogram import EMPTY, Histogram
from analysis.measured import (
    EDGE,
    EDGE_CLIENT,
    EDGE_COUNT,
    EDGE_GAP,
    FAILED,
    SLOWEST,
    Fields,
)
from analysis.results.measures import merged_details
from analysis.results.merging import NOTHING, Merged
from analysis.results.reading import (
    Found,
    Minutes,
    read_counts,
    read_measures,
    read_some,
)
from analysis.service_map import EdgeTimes, MapEdge


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """What of an edge is told only when it is looked at; `counts` are by name.

    The trace ids are hexadecimal, or empty.
    """

    edge: MapEdge
    times: EdgeTimes
    gap: Histogram
    counts: dict[str, float]
    slowest_trace_id: str
    failed_trace_id: str


def read_edges(minutes: Minutes) -> list[MapEdge]:
    """All edges with calls, in their order, without times: there may be thousands."""
    found = read_counts(EDGE, minutes)
    return [MapEdge(each.fields, each.count, each.failed) for each in found]


def read_times(
    minutes: Minutes, among: Collection[Fields], both: Collection[Fields]
) -> dict[Fields, EdgeTimes]:
    """Of these edges the times at the callee, or where it sent no spans at the caller;
    of those in `both` the caller's in any case."""
    server = _histograms(read_some(EDGE, minutes, among))
    unknown = {each for each in among if not len(server.get(each, EMPTY).buckets)}
    client = _histograms(read_some(EDGE_CLIENT, minutes, unknown.union(both)))
    return {
        each: EdgeTimes(server.get(each, EMPTY), client.get(each, EMPTY))
        for each in among
    }


def read_ends(
    minutes: Minutes, among: Collection[Fields]
) -> dict[Fields, tuple[Merged, Merged]]:
    """What the callee and the caller of each of these edges tell of its calls."""
    callee, caller = (
        {each.fields: each.merged for each in read_some(kind, minutes, among)}
        for kind in (EDGE, EDGE_CLIENT)
    )
    return {
        each: (callee.get(each, NOTHING), caller.get(each, NOTHING)) for each in among
    }


def exemplars(ends: tuple[Merged, Merged], *counts: Merged) -> dict[str, str]:
    """Hexadecimal trace ids: the slowest by the end that took longer; the failed by the
    ends, else by what counts failures."""
    longer = sorted(ends, key=lambda end: -end.histogram.max_nano)
    told = (*longer, *counts)
    return merged_details(tuple(text for each in told for text in each.details))


def _histograms(found: list[Found]) -> dict[Fields, Histogram]:
    return {each.fields: each.merged.histogram for each in found}


def read_edge(minutes: Minutes, fields: Fields) -> EdgeFacts | None:
    """None of an edge without calls in these minutes."""
    edge = _one(EDGE, minutes, fields)
    if edge is NOTHING:
        return None
    client = _one(EDGE_CLIENT, minutes, fields)
    counts = read_measures(EDGE_COUNT, minutes, group=fields)
    traces = exemplars((edge, client), *(each.merged for each in counts))
    return EdgeFacts(
        MapEdge(fields, edge.count, edge.failed),
        EdgeTimes(edge.histogram, client.histogram),
        _one(EDGE_GAP, minutes, fields).histogram,
        {str(each.fields[-1]): each.merged.count for each in counts},
        traces.get(SLOWEST, ""),
        traces.get(FAILED, ""),
    )


def _one(kind: str, minutes: Minutes, fields: Fields) -> Merged:
    found = read_measures(kind, minutes, fields=fields)
    return found[0].merged if found else NOTHING
