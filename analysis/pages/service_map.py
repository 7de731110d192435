"""The map of services: who calls whom, how often, how slowly, with how many failures."""

import time
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis.edges import EdgeType
from analysis.pages.map_drawing import draw
from analysis.pages.map_query import MapQuery, read_query
from analysis.pages.map_rows import QUANTILES, EdgeRow, node_rows, quantile
from analysis.pages.service_paths import paths_of
from analysis.pages.windows import CHOICES
from analysis.results.edges import EdgeFacts, read_edge, read_edges
from analysis.results.reading import waiting_in
from analysis.service_map import DEEPEST, most_called, select
from traces.pages.search_choices import one_of
from traces.store.base import StoreError

ORDERS: Final[dict[str, Callable[[EdgeRow], Any]]] = {
    "calls": lambda row: -row.edge.calls,
    "caller": lambda row: (row.caller, row.callee),
    "callee": lambda row: (row.callee, row.caller),
    "errors": lambda row: -row.errors,
    "p50": lambda row: -(row.p50 or 0),
    "p95": lambda row: -(row.p95 or 0),
    "caller-p95": lambda row: -(row.caller_p95 or 0),
}
COLUMNS: Final = (
    ("caller", "Caller"),
    ("callee", "Callee"),
    ("calls", "Calls"),
    ("errors", "Errors"),
    ("p50", "p50"),
    ("p95", "p95"),
    ("caller-p95", "p95 at the caller"),
)
MOST_ROWS: Final = 2_000
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
    context["marked"] = set(request.GET.getlist("mark")[:MOST_MARKED])
    try:
        context["waiting"] = waiting_in(query.window.minutes)
        context |= paths_of(query) if view == "paths" else map_of(query)
    except StoreError:
        context["away"] = True
    status = 503 if "away" in context else 200
    return render(request, f"analysis/{view}.html", context, status=status)


@require_safe
def map_edge(request: HttpRequest) -> HttpResponse:
    """The panel of one edge alone."""
    query = read_query(request, time.time_ns())
    try:
        context = panel_of(query)
    except StoreError:
        return render(request, "analysis/_away.html", status=503)
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


def map_of(query: MapQuery) -> dict[str, Any]:
    every = read_edges(query.window.minutes)
    chosen = select(every, query.shown)
    part = most_called(chosen)
    sort = query.sort if query.sort in ORDERS else "calls"
    rows = sorted((EdgeRow(each, query) for each in chosen), key=ORDERS[sort])
    context: dict[str, Any] = {
        "any": bool(every),
        "part": part,
        "drawing": draw([EdgeRow(each, query) for each in part.edges]),
        "rows": rows[:MOST_ROWS],
        "rows_left_out": max(len(rows) - MOST_ROWS, 0),
        "headings": [
            (label, query.url(sort=name), name == sort) for name, label in COLUMNS
        ],
    }
    focus = [each for each in node_rows(rows, query) if each.node == query.shown.focus]
    return context | panel_of(query) | {"focus": focus[0] if focus else None}


def panel_of(query: MapQuery) -> dict[str, Any]:
    """What is told of the edge that the query looks at, if it looks at one."""
    if query.edge is None:
        return {}
    facts = read_edge(query.window.minutes, query.edge)
    if facts is None:
        return {"edge_unseen": True}
    row = EdgeRow(facts.edge, query)
    return {
        "row": row,
        "counts": {name: round(count) for name, count in facts.counts.items()},
        "times": times_of(facts),
        "quantile_names": list(QUANTILES),
    }


def times_of(facts: EdgeFacts) -> list[tuple[str, list[int | None]]]:
    """(whose, quantiles in nanoseconds) of the times that are known."""
    message = facts.edge.type is EdgeType.MESSAGING
    gap = "waiting for the receiver" if message else "between the two"
    every = (
        ("at the callee", facts.edge.server),
        ("at the caller", facts.edge.client),
        (gap, facts.gap),
    )
    return [
        (label, [quantile(histogram, name) for name in QUANTILES])
        for label, histogram in every
        if len(histogram.buckets)
    ]
