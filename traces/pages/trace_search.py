"""The search page: the URL is the query; rows, and points for the plot as JSON."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from traces.pages import search_choices
from traces.query import QueryError, TraceQuery, Window
from traces.search.form import FieldError, FormError, SearchForm, read_form
from traces.search.problems import RETRY_AFTER_SECONDS, Problem, problem_of
from traces.search.summary import TraceShares, shares_of
from traces.search.translate import fixed_window, print_cursor, to_query
from traces.search.windows import EVERYTHING
from traces.store.base import SearchResult, StoreError, TracePoint, TraceSummary
from traces.store.current import current_store
from tracing_ui.supervise.listening import receiver_addresses

MAX_POINTS = 2_000
PAGE = "traces/trace_search.html"
FRAGMENT = "traces/_trace_results.html"
FIRST_PAGE = "traces/first_page.html"


@dataclass(frozen=True, slots=True)
class Row:
    summary: TraceSummary
    shares: TraceShares

    @property
    def trace_id(self) -> str:
        return self.summary.trace_id.hex()


@dataclass(slots=True)
class Answer:
    """What the results part of the page shows: rows, or why there are none."""

    form: SearchForm
    window: Window = EVERYTHING
    rows: tuple[Row, ...] = ()
    result: SearchResult | None = None
    installation_is_empty: bool = False
    errors: dict[str, FieldError] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def status(self) -> int:
        return self.problem.status if self.problem else 200

    @property
    def points_query(self) -> str:
        """The same search over the window as it was, not as the clock has moved it."""
        return self.form.querystring(**fixed_window(self.window))

    @property
    def next_query(self) -> str:
        if self.result is None or self.result.next is None:
            return ""
        after = print_cursor(self.result.next)
        return self.form.querystring(after=after, **fixed_window(self.window))


@require_safe
def trace_search(request: HttpRequest) -> HttpResponse:
    answer = answer_search(read_form(request.GET), time.time_ns())
    if answer.installation_is_empty:
        return first_page(request)
    if asked_by_first_page(request):
        return finish(HttpResponseClientRefresh())
    fragment = is_fragment(request)
    context = {"answer": answer, "form": answer.form, "fragment": fragment}
    context |= search_choices.of(answer.form, answer.window)
    template = FRAGMENT if fragment else PAGE
    # To htmx, advice on a mistyped condition is an answer like any other.
    status = 200 if fragment and answer.status == 400 else answer.status
    return finish(render(request, template, context, status=status))


def answer_search(form: SearchForm, now_nano: int) -> Answer:
    answer = Answer(form)
    try:
        query = to_query(form, now_nano)
        answer.window = query.window
        fill(answer, query)
    except FormError as error:
        answer.errors = {wrong.parameter: wrong for wrong in error.errors}
        answer.problem = problem_of(error)
    except (QueryError, StoreError) as error:
        answer.problem = problem_of(error)
    return answer


def fill(answer: Answer, query: TraceQuery) -> None:
    store = current_store()
    result = store.find_traces(query)
    shares = shares_of(store, result.traces)
    answer.rows = tuple(Row(trace, shares[trace.trace_id]) for trace in result.traces)
    answer.installation_is_empty = not result.traces and store.is_empty()
    answer.result = result


def is_fragment(request: HttpRequest) -> bool:
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request


def asked_by_first_page(request: HttpRequest) -> bool:
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and htmx.trigger == "first-page"


def finish(response: HttpResponse) -> HttpResponse:
    """Page and fragment share a URL, and both change with time."""
    patch_vary_headers(response, ["HX-Request"])
    patch_cache_control(response, no_cache=True)
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def first_page(request: HttpRequest) -> HttpResponse:
    """An installation without a span: how to get the first one in."""
    if is_fragment(request):  # it asks again and again until a span is there
        return finish(HttpResponse(status=204))
    host, _ = split_domain_port(request.get_host())
    context = {
        "http_endpoint": f"http://{host}:{settings.OTLP_HTTP_PORT}",
        "grpc_endpoint": f"http://{host}:{settings.OTLP_GRPC_PORT}",
        "other_receivers": {
            name: address
            for name, address in receiver_addresses(host).items()
            if not name.startswith("OTLP")
        },
    }
    return finish(render(request, FIRST_PAGE, context))


@require_safe
def trace_points(request: HttpRequest) -> HttpResponseBase:
    """The JSON twin of the plot: columns, one entry a trace."""
    try:
        query = to_query(read_form(request.GET), time.time_ns())
        found = current_store().find_points(query, MAX_POINTS)
    except (QueryError, StoreError) as error:
        problem = problem_of(error)
        return finish(JsonResponse({"error": problem.advice}, status=problem.status))
    window = query.window
    body = {
        "matched": found.matched,
        "window_ms": [
            window.start_time_unix_nano // 1_000_000,
            window.end_time_unix_nano // 1_000_000,
        ],
        "points": point_columns(found.points),
    }
    return finish(JsonResponse(body))


def point_columns(points: tuple[TracePoint, ...]) -> dict[str, list[Any]]:
    """Times in milliseconds, as JavaScript counts; a double holds them exactly enough."""
    return {
        "trace_id": [point.trace_id.hex() for point in points],
        "start_ms": [point.start_time_unix_nano / 1_000_000 for point in points],
        "duration_nano": [point.duration_nano for point in points],
        "span_count": [point.span_count for point in points],
        "error_count": [point.error_count for point in points],
        "root_service_name": [point.root_service_name for point in points],
        "root_name": [point.root_name for point in points],
    }
