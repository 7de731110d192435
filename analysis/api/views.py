"""The twins of the analysis pages: they read the request, call what the page calls, and
answer with no more than `limit` rows and how many were left out."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.api import bodies, shapes
from analysis.api.asking import needed, one_of, operation_of, page_window
from analysis.measured import OPERATION
from analysis.pages import bottlenecks as bottlenecks_page
from analysis.pages import failures as failures_page
from analysis.pages.critical_path import BANDS
from analysis.pages.left_out import left_out_in
from analysis.pages.operation import starts
from analysis.pages.operations import OperationRow, read_rows
from analysis.pages.profile_rows import ProfilePage
from analysis.pages.windows import PageWindow
from analysis.results.causes import read_causes
from analysis.results.edges import read_edges, read_ends
from analysis.results.profiles import read_profile
from analysis.results.reading import read_steps, waiting_in
from traces.api.rest.completions import limit_of, text_of
from traces.api.rest.problems import answers_problems
from traces.api.rest.shapes import LIMIT, TIME, TIME_PARAMETERS

T = TypeVar("T")


def listed(
    name: str, rows: Sequence[T], limit: int, body: Callable[[T], Any]
) -> dict[str, Any]:
    left_out = max(len(rows) - limit, 0)
    return {name: [body(row) for row in rows[:limit]], "left_out": left_out}


def progress(window: PageWindow) -> dict[str, Any]:
    """How much is still to be analysed, and what was beyond the limits of a minute."""
    minutes = window.minutes
    return {
        "minutes_waiting": waiting_in(minutes),
        "beyond_limits": left_out_in(minutes),
    }


@extend_schema(
    operation_id="list_operations",
    summary="Operations",
    parameters=[shapes.SERVICE, LIMIT, *TIME],
    responses={200: shapes.OperationsShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("service", "limit", *TIME_PARAMETERS)
def operations(request: Request) -> Response:
    """A service's span names with rate, errors and percentiles, most time first."""
    (service,) = needed(request, "service")
    window, limit = page_window(request), limit_of(request)
    rows: list[OperationRow] = read_rows(service, window, "total")
    found = listed("operations", rows, limit, bodies.operation)
    return Response(found | progress(window))


@extend_schema(
    operation_id="get_operation_series",
    summary="One operation over time",
    parameters=[shapes.SERVICE, shapes.NAME, shapes.KIND, *TIME],
    responses={200: shapes.SeriesShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("service", "name", "kind", *TIME_PARAMETERS)
def operation_series(request: Request) -> Response:
    """At most some 90 steps of equal length for a range that the pages offer."""
    fields, window = operation_of(request), page_window(request)
    steps = read_steps(OPERATION, fields, window.minutes, window.step)
    told = zip(starts(window, len(steps)), steps, strict=True)
    found = {
        "step_seconds": window.step * 60,
        "steps": [bodies.step(start, merged) for start, merged in told],
    }
    return Response(found | progress(window))


@extend_schema(
    operation_id="list_edges",
    summary="Edges of the service map",
    parameters=[LIMIT, *TIME],
    responses={200: shapes.EdgesShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("limit", *TIME_PARAMETERS)
def edges(request: Request) -> Response:
    """Who calls whom, those with most calls first."""
    window, limit = page_window(request), limit_of(request)
    rows = sorted(read_edges(window.minutes), key=lambda each: -each.calls)
    ends = read_ends(window.minutes, [each.fields for each in rows[:limit]])
    found = listed(
        "edges", rows, limit, lambda each: bodies.edge(each, ends[each.fields])
    )
    return Response(found | progress(window))


@extend_schema(
    operation_id="get_bottlenecks",
    summary="What slows requests down",
    parameters=TIME,
    responses={200: shapes.BottlenecksShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems(*TIME_PARAMETERS)
def bottlenecks(request: Request) -> Response:
    """Verdicts, what is slower than usual, worst offenders and repeated calls; as many
    of each as the page shows."""
    window = page_window(request)
    found = bottlenecks_page.summary(window)
    body = {
        "requests": found["requests"],
        "entries": [bodies.verdicts(each) for each in found["entries"]],
        "left_out": found["entries_left_out"],
        "slower": [bodies.slower(*each) for each in found["slower"].found],
        "is_usual_known": found["slower"].is_usual_known,
        "offenders": [bodies.offender(each) for each in found["offenders"]],
        "repeats": [bodies.repeat(each) for each in found["repeats"]],
    }
    return Response(body | progress(window))


@extend_schema(
    operation_id="list_failures",
    summary="Causes of failed requests",
    parameters=[shapes.ENTRY_SERVICE, shapes.ENTRY, shapes.ORIGIN, *TIME],
    responses={200: shapes.FailuresShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("service", "entry", "origin", *TIME_PARAMETERS)
def failures(request: Request) -> Response:
    """Those of most failures first, at most 100."""
    window = page_window(request)
    entry = text_of(request, "service"), text_of(request, "entry")
    causes = read_causes(window.minutes)
    found = failures_page.summary(causes, window, entry, text_of(request, "origin"))
    body = {name: found[name] for name in ("requests", "failed", "left_out")}
    body["causes"] = [bodies.cause(row) for row in found["rows"]]
    return Response(body | progress(window))


@extend_schema(
    operation_id="get_critical_path",
    summary="Where the requests to an operation spend their time",
    parameters=[shapes.SERVICE, shapes.NAME, shapes.BAND, *TIME],
    responses={200: shapes.CriticalPathShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems("service", "name", "band", *TIME_PARAMETERS)
def critical_path(request: Request) -> Response:
    """By call path, for a request of the band on the average; at most 200 paths."""
    service, name = needed(request, "service", "name")
    band, window = one_of(request, "band", BANDS), page_window(request)
    profiled = read_profile(window.window, service, name)
    profile = profiled.profile
    body: dict[str, Any] = {
        "requests": len(profile.requests),
        "one_in": profiled.one_in,
        "mean_nano": None,
        "paths": [],
    }
    if len(profile.requests):
        body["mean_nano"] = bodies.nano(profile.mean_nano(band))
        body["paths"] = [bodies.path(row) for row in ProfilePage(profile).rows(band)]
    return Response(body)
