"""What differs between slow and fast, failed and ok, found and not: the answer as a page."""

import time
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis import attributes
from analysis.differences import Differences, differences
from analysis.pages.difference_rows import rows
from analysis.pages.questions import (
    DEFAULT_SLOWER,
    PICKS,
    SEARCH,
    SLOW,
    WHERE,
    Question,
    pick_of,
    read_question,
    read_subject,
)
from analysis.pages.windows import CHOICES
from analysis.results.populations import Population, read_population
from analysis.trace_columns import ERRORS
from traces.pages.search_choices import one_of
from traces.query import QueryError
from traces.search.form import FormError, SearchForm, read_form
from traces.search.problems import RETRY_AFTER_SECONDS, problem_of
from traces.search.windows import LABELS
from traces.store.base import StoreError
from traces.store.current import current_store

TEMPLATE: Final = "analysis/differences.html"
MOST_SHOWN: Final = 25
# Attributes that tell how a request ended.
OUTCOMES: Final = (*attributes.ERRORS, "http.response.status_code", "http.status_code")


@never_cache
@require_safe
def differences_page(request: HttpRequest) -> HttpResponse:
    context = form_context(request)
    if not context["is_asked"]:
        return render(request, TEMPLATE, context)
    try:
        question = read_question(request.GET, time.time_ns())
        context |= answer(question)
    except FormError as error:
        context["errors"] = error.errors
        return render(request, TEMPLATE, context, status=400)
    except (QueryError, StoreError) as error:
        context["problem"] = problem_of(error)
        return _refusal(request, context)
    return render(request, TEMPLATE, context)


def _refusal(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    status = context["problem"].status
    response = render(request, TEMPLATE, context, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def form_context(request: HttpRequest) -> dict[str, Any]:
    given, pick = request.GET, pick_of(request.GET)
    form = read_form(given)
    times = {"range": form.range, "from": form.from_time, "to": form.to_time}
    subject = read_subject(given)
    ranges = CHOICES if form.range in CHOICES else {form.range: _label(form), **CHOICES}
    return {
        "pick": pick,
        "picks": PICKS,
        "slow": SLOW,
        "where_pick": WHERE,
        "by_search": pick == SEARCH,
        "is_asked": pick == SEARCH or "service" in given or "name" in given,
        "subject": subject,
        "slower": given.get("slower", "") or DEFAULT_SLOWER,
        "where": given.get("where", ""),
        "times": [(key, value) for key, value in times.items() if value],
        "ranges": one_of(ranges, form.range),
        "search": form.querystring(),
    }


def _label(form: SearchForm) -> str:
    if form.from_time or form.to_time:
        return f"{form.from_time or '…'} to {form.to_time or 'now'}"
    return LABELS.get(form.range, form.range)


def answer(question: Question) -> dict[str, Any]:
    population = read_population(current_store(), question.compared)
    found = differences(
        population.table,
        population.selected,
        population.weight,
        sample=population.sample,
        given=question.given,
        consequences=_consequences(population),
    )
    shown = rows(found.found[:MOST_SHOWN], found, question, population)
    symptoms = rows(found.symptoms[:MOST_SHOWN], found, question, population)
    return {
        "question": question,
        "found": found,
        "rows": shown,
        "symptoms": symptoms,
        "headline": shown[0].sentence if shown else "",
        "left_out": _left_out(found, population),
        "counts": (round(found.selected), round(found.rest)),
    }


def _consequences(population: Population) -> set[str]:
    """That something failed on the way, and what was answered, may be why, or follow."""
    sample = population.sample
    names = population.table.column_names + (
        sample.table.column_names if sample else []
    )
    failed = (name for name in names if name.startswith(ERRORS))
    return {"status", *failed, *(f"span.{key}" for key in OUTCOMES)}


def _left_out(found: Differences, population: Population) -> list[str]:
    told = list(population.left_out)
    if found.left_out:
        keys = sorted(found.left_out)
        some = ", ".join(keys[:8]) + (
            f" and {len(keys) - 8:,} more" if keys[8:] else ""
        )
        told.append(f"keys that name nearly every one differently: {some}")
    for of, name in ((found.found, "differences"), (found.symptoms, "symptoms")):
        if len(of) > MOST_SHOWN:
            told.append(f"{len(of) - MOST_SHOWN} weaker {name}")
    return told
