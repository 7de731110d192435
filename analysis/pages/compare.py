"""Two traces, a trace and its usual, or two times of an operation, side by side."""

import time
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.compare import Comparison, PathChange, Profile, compare
from analysis.forest import Forest
from analysis.latency import Operation
from analysis.pages.questions import read_subject
from analysis.results.requests import (
    around,
    entry_of,
    profile_of_trace,
    read_operation,
    read_trace,
)
from analysis.wording import duration
from traces.pages.trace_find import parse_trace_id
from traces.query import QueryError, Window
from traces.search.form import FormError, SearchForm, read_form
from traces.search.problems import RETRY_AFTER_SECONDS, Problem, problem_of
from traces.search.translate import to_query
from traces.search.values import KINDS
from traces.store.base import StoreError
from traces.store.current import current_store

TEMPLATE: Final = "analysis/compare.html"
MOST_CHANGES: Final = 200
MOST_MOVES: Final = 50


class Unanswerable(Exception):
    """The text says what is wrong, the status how wrong."""

    def __init__(self, status: int, title: str, advice: str) -> None:
        super().__init__(title)
        self.problem = Problem(status, title, advice)


@dataclass(frozen=True, slots=True)
class Side:
    """`name` is for people; the trace, where the side is one. `took` begins a sentence
    on the second side, `than` ends one on the first."""

    name: str
    profile: Profile
    trace_id: str = ""
    took: str = "The second took"
    than: str = ""

    @property
    def length(self) -> str:
        return length(self.profile.duration_nano)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """`left` and `width` are of the bar, of 200 with 100 as the middle."""

    change: PathChange
    left: float
    width: float

    @property
    def service(self) -> str:
        return self.change.steps[-1][0]

    @property
    def name(self) -> str:
        return self.change.steps[-1][1]

    @property
    def above(self) -> str:
        return path_text(self.change.steps[:-1])

    @property
    def is_more(self) -> bool:
        return self.change.on_path_nano > 0

    @property
    def delta(self) -> str:
        return signed(self.change.on_path_nano)

    @property
    def reason(self) -> str:
        """Which part of the change is more or fewer calls, where the count differs."""
        if not self.change.before.count:
            return "new"
        if not self.change.after.count:
            return "gone"
        by_calls = self.change.calls_nano
        if abs(by_calls) < 1:
            return ""
        return f"{signed(by_calls)} by {'more' if by_calls > 0 else 'fewer'} calls"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Counts, durations, own times and times on the path, before and after."""
        one, other = self.change.before, self.change.after
        return [
            (count(one.count), count(other.count)),
            (length(one.duration_nano), length(other.duration_nano)),
            (length(one.self_nano), length(other.self_nano)),
            (length(one.on_path_nano), length(other.on_path_nano)),
        ]


@never_cache
@require_safe
def compare_page(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "a": request.GET.get("a", "")[:200],
        "b": request.GET.get("b", "")[:200],
    }
    try:
        sides = read_sides(request)
        context |= answer(*sides) if sides else {}
    except Unanswerable as error:
        context["problem"] = error.problem
    except (QueryError, StoreError) as error:
        context["problem"] = problem_of(error)
    status = context["problem"].status if "problem" in context else 200
    response = render(request, TEMPLATE, context, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def read_sides(request: HttpRequest) -> tuple[Side, Side] | None:
    """Raises Unanswerable, QueryError, StoreError. None when nothing is asked."""
    a, b = request.GET.get("a", "").strip(), request.GET.get("b", "").strip()
    if a and b:
        return _trace_side(a, "First trace"), _trace_side(b, "Second trace")
    if a:
        return _usual_sides(a)
    if "service" in request.GET:
        return _operation_sides(request)
    return None


def _trace_side(text: str, name: str) -> Side:
    trace_id, forest = _trace(text)
    return Side(name, profile_of_trace(forest), trace_id)


def _trace(text: str) -> tuple[str, Forest]:
    trace_id = parse_trace_id(text)
    if trace_id is None:
        advice = "A trace id is 32 hexadecimal digits."
        raise Unanswerable(400, "This is no trace id", advice)
    forest = read_trace(current_store(), bytes.fromhex(trace_id))
    if forest is None:
        advice = "It may be past retention, not here yet, or have over a million spans."
        raise Unanswerable(404, f"There is no trace {trace_id}", advice)
    return trace_id, forest


def _usual_sides(text: str) -> tuple[Side, Side]:
    trace_id, forest = _trace(text)
    operation, below = entry_of(forest)
    raw = bytes.fromhex(trace_id)
    usual = read_operation(current_store(), operation, around(forest), without=raw)
    if not usual.requests:
        advice = (
            f"No other span of {operation.service_name} {operation.name} starts within"
            " an hour of it. Compare it with another trace."
        )
        raise Unanswerable(404, "Nothing is known of what is usual", advice)
    name = f"{usual.requests:,} of {operation.service_name} {operation.name}, the mean"
    own = profile_of_trace(below)
    return (
        Side(name, usual, than=" than usual"),
        Side("This trace", own, trace_id, took="It took"),
    )


def _operation_sides(request: HttpRequest) -> tuple[Side, Side]:
    subject = read_subject(request.GET)
    of = Operation(subject.service, subject.name, KINDS.get(subject.kind, 0))
    form = read_form(request.GET)
    times = SearchForm(range=form.range, from_time=form.from_time, to_time=form.to_time)
    try:
        window = to_query(times, time.time_ns()).window
    except FormError as error:
        raise Unanswerable(400, "This time range cannot be read", str(error)) from None
    start = window.start_time_unix_nano
    length = window.end_time_unix_nano - start
    if length > start:
        advice = "Before this time range there is no time. Choose a shorter one."
        raise Unanswerable(400, "Nothing to compare with", advice)
    before = read_operation(current_store(), of, Window(start - length, start))
    after = read_operation(current_store(), of, window)
    if not before.requests or not after.requests:
        advice = f"{before.requests:,} requests before, {after.requests:,} in it."
        raise Unanswerable(200, "One of the two times has no request", advice)
    return (
        Side(
            f"As long before: the mean of {before.requests:,} requests",
            before,
            than=" than before",
        ),
        Side(
            f"This time range: the mean of {after.requests:,} requests",
            after,
            took="A request took",
        ),
    )


def answer(before: Side, after: Side) -> dict[str, Any]:
    found = compare(before.profile, after.profile)
    changes = [change for change in found.changes if not change.is_none]
    return {
        "sides": (before, after),
        "found": found,
        "change": signed(found.duration_nano),
        "rows": change_rows(changes[:MOST_CHANGES]),
        "headline": headline(found, changes, after.took, before.than),
        "left_out": max(len(changes) - MOST_CHANGES, 0),
        "equal": len(found.changes) - len(changes),
        "moves": [
            (path_text(move.before), path_text(move.after))
            for move in found.moves[:MOST_MOVES]
        ],
        "moves_left_out": max(len(found.moves) - MOST_MOVES, 0),
    }


def change_rows(changes: list[PathChange]) -> list[ChangeRow]:
    most = max((abs(change.on_path_nano) for change in changes), default=0) or 1
    found = []
    for change in changes:
        width = round(100 * abs(change.on_path_nano) / most, 2)
        left = 100 if change.on_path_nano > 0 else 100 - width
        found.append(ChangeRow(change, left, width))
    return found


def headline(found: Comparison, changes: list[PathChange], took: str, than: str) -> str:
    """The second took 320 ms longer: +300 ms in db SELECT, from 2 to 14 spans."""
    if not changes:
        return "Nothing differs."
    whole = found.duration_nano
    if abs(whole) < 1:
        return "Both took equally long, in other ways."
    word = "longer" if whole > 0 else "shorter"
    most = max(
        changes, key=lambda change: change.on_path_nano * (1 if whole > 0 else -1)
    )
    service, name = most.steps[-1]
    told = f"{took} {duration(abs(whole))} {word}{than}: "
    told += f"{signed(most.on_path_nano)} in {service} {name}"
    one, other = most.before.count, most.after.count
    if abs(one - other) >= 0.5:
        told += f", from {count(one)} to {count(other)} spans"
    return f"{told}."


def signed(nano: float) -> str:
    if abs(nano) < 0.5:
        return "0"
    sign = "+" if nano > 0 else "\N{MINUS SIGN}"
    return f"{sign}{duration(abs(nano))}"


def count(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def length(nano: float) -> str:
    return duration(nano) if nano else "\N{EN DASH}"


def path_text(steps: tuple[tuple[str, str], ...]) -> str:
    return " > ".join(f"{service} {name}" for service, name in steps)
