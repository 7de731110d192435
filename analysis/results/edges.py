"""The edges of a service map over some minutes, put together from their measures."""

from dataclasses import dataclass, replace

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
from analysis.results.reading import Minutes, read_measures
from analysis.service_map import MapEdge


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """What of an edge is told only when it is looked at; `counts` are by name."""

    edge: MapEdge
    gap: Histogram
    counts: dict[str, float]


def read_edges(minutes: Minutes, fields: Fields | None = None) -> list[MapEdge]:
    """All edges with calls, or the one with these fields, in their order."""
    found = read_measures(EDGE, minutes, fields=fields)
    clients = {
        each.fields: each.merged
        for each in read_measures(EDGE_CLIENT, minutes, fields=fields)
    }
    return [
        _edge(each.fields, each.merged, clients.get(each.fields, NOTHING))
        for each in found
    ]


def _edge(fields: Fields, merged: Merged, client: Merged) -> MapEdge:
    # The slowest call is told of by the end that took longer.
    ends = sorted((merged, client), key=lambda end: -end.histogram.max_nano)
    exemplars = merged_details(tuple(text for end in ends for text in end.details))
    return MapEdge(
        fields,
        merged.count,
        merged.failed,
        merged.histogram,
        client.histogram,
        exemplars.get(SLOWEST, ""),
        exemplars.get(FAILED, ""),
    )


def read_edge(minutes: Minutes, fields: Fields) -> EdgeFacts | None:
    """None of an edge without calls in these minutes."""
    edges = read_edges(minutes, fields)
    if not edges:
        return None
    gaps = read_measures(EDGE_GAP, minutes, fields=fields)
    counts = read_measures(EDGE_COUNT, minutes, group=fields)
    texts = tuple(text for each in counts for text in each.merged.details)
    failed = edges[0].failed_trace_id or merged_details(texts).get(FAILED, "")
    return EdgeFacts(
        replace(edges[0], failed_trace_id=failed),
        gaps[0].merged.histogram if gaps else EMPTY,
        {str(each.fields[-1]): each.merged.count for each in counts},
    )
