"""The map of services: who calls whom, how often, how slowly, with how many failures."""

import time
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis.edges import EdgeType
from analysis.measured import EDGES, SERVICE_PATH, SERVICES
from analysis.pages.away import away_of
from analysis.pages.left_out import left_out_in
from analysis.pages.map_drawing import draw
from analysis.pages.map_query import MapQuery, read_query
from analysis.pages.map_rows import QUANTILES, EdgeRow, node_rows, quantile
from analysis.pages.map_svg import edges_svg, nodes_svg, rates_svg
from analysis.pages.map_table import edge_page, edge_rows, times_of
from analysis.pages.service_paths import paths_of
from analysis.pages.windows import CHOICES
from analysis.results.edges import EdgeFacts, read_edge, read_edges
from analysis.results.reading import waiting_in
from analysis.service_map import DEEPEST, most_called, select
from traces.pages.search_choices import one_of
from traces.store.base import StoreError

# Of more edges the times are not told in the drawing: reading them is slow.
MOST_DRAWN_WITH_TIMES: Final = 200
MOST_MARKED: Final = 50
DEPTHS: Final = {
    str(steps): "1 step" if steps == 1 else f"{steps} steps"
    for steps in range(1, DEEPEST + 1)
}


@require_safe
def service_map(request: HttpRequest) -> HttpResponse:
    query = read_query(request, time.time_ns())
    view = "paths" if request.GET.get("view") == "paths" else "map"
    context = {"query": query, "view": view, **choices(query)}
    marked = set(request.GET.getlist("mark")[:MOST_MARKED])
    context["marked"] = marked
    try:
        context["waiting"] = waiting_in(query.window.minutes)
        context |= paths_of(query) if view == "paths" else map_of(query, marked)
        whats = (SERVICES, SERVICE_PATH) if view == "paths" else (SERVICES, EDGES)
        context["beyond"] = left_out_in(query.window.minutes, *whats)
    except StoreError as error:
        context["away"] = away_of(error)
    status = 503 if "away" in context else 200
    return render(request, f"analysis/{view}.html", context, status=status)


@require_safe
def map_edges(request: HttpRequest) -> HttpResponse:
    """A page of the table alone."""
    query = read_query(request, time.time_ns())
    try:
        page = edge_page(select(read_edges(query.window.minutes), query.shown), query)
        times = times_of(query, (), both=page.edges)
    except StoreError as error:
        away = {"away": away_of(error)}
        return render(request, "analysis/_away.html", away, status=503)
    context = {"page": page, "rows": edge_rows(page.edges, query, times)}
    return render(request, "analysis/_map_table.html", context)


@require_safe
def map_edge(request: HttpRequest) -> HttpResponse:
    """The panel of one edge alone."""
    query = read_query(request, time.time_ns())
    try:
        context = panel_of(query)
    except StoreError as error:
        away = {"away": away_of(error)}
        return render(request, "analysis/_away.html", away, status=503)
    return render(request, "analysis/_map_panel.html", context)


def choices(query: MapQuery) -> dict[str, Any]:
    """What can be chosen; `kept` are the parameters without a field."""
    fields = ("range", "q", "queues", "links", "depth")
    kept = [(k, v) for k, v in query.parameters.items() if k not in fields]
    return {
        "kept": kept,
        "ranges": one_of(CHOICES, query.window.chosen),
        "depths": one_of(DEPTHS, str(query.shown.depth)),
        "map_url": query.url(),
        "paths_url": query.url(view="paths"),
    }


def map_of(query: MapQuery, marked: set[str]) -> dict[str, Any]:
    every = read_edges(query.window.minutes)
    chosen = select(every, query.shown)
    part = most_called(chosen)
    page = edge_page(chosen, query)
    timed = part.edges if len(part.edges) <= MOST_DRAWN_WITH_TIMES else []
    times = times_of(query, timed, both=page.edges)
    drawing = draw(edge_rows(part.edges, query, times), marked)
    focus = [each for each in node_rows(chosen, query) if each.chosen]
    return panel_of(query) | {
        "any": bool(every),
        "part": part,
        "drawing": drawing,
        "edges_svg": edges_svg(drawing),
        "rates_svg": rates_svg(drawing),
        "nodes_svg": nodes_svg(drawing),
        "page": page,
        "rows": edge_rows(page.edges, query, times),
        "focus": focus[0] if focus else None,
    }


def panel_of(query: MapQuery) -> dict[str, Any]:
    """What is told of the edge that the query looks at, if it looks at one."""
    if query.edge is None:
        return {}
    facts = read_edge(query.window.minutes, query.edge)
    if facts is None:
        return {"edge_unseen": True}
    return {
        "row": EdgeRow(facts.edge, query, facts.times),
        "facts": facts,
        "counts": {name: round(count) for name, count in facts.counts.items()},
        "times": quantiles_of(facts),
        "quantile_names": list(QUANTILES),
    }


def quantiles_of(facts: EdgeFacts) -> list[tuple[str, list[int | None]]]:
    """(whose, quantiles in nanoseconds) of the times that are known."""
    message = facts.edge.type is EdgeType.MESSAGING
    gap = "waiting for the receiver" if message else "between the two"
    every = (
        ("at the callee", facts.times.server),
        ("at the caller", facts.times.client),
        (gap, facts.gap),
    )
    return [
        (label, [quantile(histogram, name) for name in QUANTILES])
        for label, histogram in every
        if len(histogram.buckets)
    ]
