"""The page of one trace, and what it fetches: rows in sight, one span, matches."""

from collections.abc import Callable
from functools import wraps
from time import time_ns
from typing import Any, Concatenate, Final, ParamSpec

import numpy as np
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

from traces.pages import trace_tables
from traces.pages.collapse import (
    Collapse,
    StateError,
    parse_collapse,
    revealing,
)
from traces.pages.span_age import age_of
from traces.pages.span_detail import span_detail
from traces.pages.span_find import MAX_TEXT_CHARACTERS, find_spans
from traces.pages.trace_cache import TraceView, get_view
from traces.pages.trace_find import parse_trace_id
from traces.pages.trace_rows import MAX_ROWS, overview, position_of, rows_answer
from traces.search.problems import RETRY_AFTER_SECONDS, problem_of
from traces.store.base import StoreError
from traces.trace import Trace

FIRST_ROWS: Final = 100
TABS: Final = {
    "waterfall": "Waterfall",
    # Its content is fetched from the analysis, by URL.
    "path": "Where the time went",
    "statistics": "Statistics",
    "slow": "Slow spans",
    "events": "Events",
}
MILLISECOND_NANO: Final = 1_000_000

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, TraceView, P], HttpResponseBase]


def of_trace(view: View[P]) -> Callable[..., HttpResponseBase]:
    """The view gets the trace of the address, or someone else answers: 400 for what is
    no id, a redirect to its one spelling, 404 for an unknown one, 503 for no store."""

    @require_safe
    @wraps(view)
    def answer(
        request: HttpRequest, trace_id: str, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        canonical = parse_trace_id(trace_id)
        if canonical is None:
            return _refusal(request, 400, trace_id=trace_id)
        if canonical != trace_id:
            return redirect(request.get_full_path().replace(trace_id, canonical, 1))
        try:
            trace_view = _view_of(request.GET, bytes.fromhex(canonical))
        except StoreError as error:
            return _refusal(request, 503, problem=problem_of(error))
        if trace_view is None:
            return _refusal(request, 404, trace_id=trace_id)
        try:
            response = view(request, trace_view, *args, **kwargs)
        except StateError as error:
            return JsonResponse({"error": str(error)}, status=400)
        patch_cache_control(response, no_cache=True)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return answer


def _view_of(query: QueryDict, trace_id: bytes) -> TraceView | None:
    return get_view(
        trace_id,
        adjusted=query.get("adjust") != "0",
        revision=query.get("revision", "")[:64],
    )


def _refusal(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    template = "traces/trace_missing.html"
    response = render(request, template, context | {"status": status}, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@of_trace
def trace_detail(request: HttpRequest, view: TraceView) -> HttpResponse:
    """The page, or with htmx the tab that is asked for."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "waterfall"
    context = _tab_context(tab, view.trace, request.GET)
    context |= {"trace": view.trace, "tab": tab, "trace_id": view.trace.trace_id.hex()}
    context["adjusted"] = request.GET.get("adjust") != "0"
    if getattr(request, "htmx", False) and tab != "waterfall":
        return render(request, f"traces/_trace_{tab}.html", context)
    context |= _page_context(view, request.GET)
    return render(request, "traces/trace_detail.html", context)


def _page_context(view: TraceView, query: QueryDict) -> dict[str, Any]:
    trace = view.trace
    row = find_row(trace, query.get("span", ""))
    return {
        "root": trace_tables.span_line(trace, trace.root),
        "tabs": TABS,
        "error_count": int(trace.columns.error.sum()),
        "event_count": int(trace.columns.event_count.sum()),
        "defects": [(found, _first_span(trace, found.rows)) for found in trace.defects],
        "age": age_of(
            trace.start_time_unix_nano, trace.start_time_unix_nano, time_ns()
        ),
        "detail": None if row is None else span_detail(trace, row),
        "head": _head(view, query, row),
    }


def _head(view: TraceView, query: QueryDict, row: int | None) -> dict[str, Any]:
    """What the page's script starts from."""
    trace = view.trace
    collapse = parse_collapse(query.get("level", ""), "", len(trace))
    place = 0
    if row is not None:
        collapse = revealing(trace, collapse, row)
        place = position_of(view, collapse, row)
    first = max(place // FIRST_ROWS * FIRST_ROWS - FIRST_ROWS, 0) if place else 0
    count = 3 * FIRST_ROWS if place else FIRST_ROWS
    return {
        "url": reverse("trace-detail", args=[trace.trace_id.hex()]),
        "adjust": query.get("adjust", ""),
        "duration": trace.duration_nano,
        "spans": len(trace),
        "levels": int(trace.tree.depth.max()) + 1,
        "overview": overview(trace),
        "selected": row,
        "place": place,
        "collapse": collapse.params(),
        "first": rows_answer(view, collapse, first, count),
    }


def _first_span(trace: Trace, rows: tuple[int, ...]) -> str:
    return f"{int(trace.columns.span_id[rows[0]]):016x}" if rows else ""


def _tab_context(tab: str, trace: Trace, query: QueryDict) -> dict[str, Any]:
    match tab:
        case "statistics":
            return _statistics_context(trace, query.get("sort", ""))
        case "slow":
            return _slow_context(trace)
        case "events":
            found = trace_tables.events(trace)
            total = int(trace.columns.event_count.sum())
            return {"events": found, "events_left_out": total - len(found)}
    return {}


def _statistics_context(trace: Trace, sort: str) -> dict[str, Any]:
    if sort.removeprefix("-") not in trace_tables.SORTS:
        sort = trace_tables.DEFAULT_SORT
    groups = trace_tables.statistics(trace, sort)
    return {
        "groups": groups[: trace_tables.MAX_GROUPS],
        "group_count": len(groups),
        "groups_left_out": max(len(groups) - trace_tables.MAX_GROUPS, 0),
        "headings": [_heading(key, sort) for key in trace_tables.SORTS],
    }


def _heading(key: str, sort: str) -> dict[str, str]:
    """A first click on a number sorts the greatest first, on the name from A on."""
    chosen = sort.removeprefix("-") == key
    ascending = not sort.startswith("-")
    downwards = ascending if chosen else key != "service"
    return {
        "key": key,
        "label": trace_tables.SORTS[key][0],
        "next": f"-{key}" if downwards else key,
        "order": ("ascending" if ascending else "descending") if chosen else "",
    }


def _slow_context(trace: Trace) -> dict[str, Any]:
    threshold = settings.SLOW_SPAN_THRESHOLD_MS * MILLISECOND_NANO
    rows = trace_tables.slow_spans(trace, threshold)
    shown = rows[: trace_tables.MAX_SLOW_SPANS]
    return {
        "threshold_nano": threshold,
        "slow_spans": [trace_tables.span_line(trace, row) for row in shown],
        "slow_left_out": len(rows) - len(shown),
    }


@of_trace
def trace_rows(request: HttpRequest, view: TraceView) -> JsonResponse:
    first = _whole(request.GET, "from", 0)
    count = _whole(request.GET, "count", FIRST_ROWS)
    if not 1 <= count <= MAX_ROWS:
        raise StateError(f"count must be between 1 and {MAX_ROWS}")
    collapse = _collapse(request.GET, view.trace)
    return JsonResponse(rows_answer(view, collapse, first, count))


@of_trace
def span_reveal(request: HttpRequest, view: TraceView) -> JsonResponse:
    """The collapse state that shows a span, and its place in it."""
    row = find_row(view.trace, request.GET.get("span", ""))
    if row is None:
        return JsonResponse({"error": "no such span in this trace"}, status=404)
    collapse = revealing(view.trace, _collapse(request.GET, view.trace), row)
    place = position_of(view, collapse, row)
    return JsonResponse(collapse.params() | {"row": row, "place": place})


@of_trace
def row_parent(request: HttpRequest, view: TraceView) -> JsonResponse:
    """Where the parent of a row stands; for the left arrow key."""
    row = find_row(view.trace, request.GET.get("span", ""))
    parent = -1 if row is None else int(view.trace.tree.parent[row])
    collapse = _collapse(request.GET, view.trace)
    place = position_of(view, collapse, parent) if parent >= 0 else -1
    return JsonResponse({"row": parent, "place": place})


@of_trace
def span_find(request: HttpRequest, view: TraceView) -> JsonResponse:
    text = request.GET.get("text", "")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise StateError(f"text is over {MAX_TEXT_CHARACTERS} characters")
    found = find_spans(view.trace, text)
    return JsonResponse({"rows": found.rows, "cut": found.cut})


@of_trace
def span_page(request: HttpRequest, view: TraceView, key: str) -> HttpResponse:
    """The inspector's content, by span id or by row."""
    row = find_row(view.trace, key)
    if row is None:
        return render(request, "traces/_span_missing.html", status=404)
    context = {"detail": span_detail(view.trace, row)}
    return render(request, "traces/_span_detail.html", context)


def find_row(trace: Trace, key: str) -> int | None:
    """A row by its span id (16 hex digits) or its number."""
    if not key.isascii() or not key.isalnum() or len(key) > 16:
        return None
    if len(key) < 16:
        row = int(key) if key.isdigit() else len(trace)
        return row if row < len(trace) else None
    try:
        rows = np.flatnonzero(trace.columns.span_id == np.uint64(int(key, 16)))
    except ValueError:
        return None
    return int(rows[0]) if len(rows) else None


def _collapse(query: QueryDict, trace: Trace) -> Collapse:
    return parse_collapse(query.get("level", ""), query.get("toggled", ""), len(trace))


def _whole(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise StateError(f"{name} must be a number from 0")
    return int(text)
