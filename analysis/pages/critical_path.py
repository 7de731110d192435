"""The critical path of many requests: entries to choose from, and the profile of one."""

import time
from typing import Any, Final

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis.measured import ENTRY, NAMES, SERVICES
from analysis.pages.left_out import left_out_in
from analysis.pages.operations import OperationRow
from analysis.pages.profile_rows import (
    ProfilePage,
    change_context,
    operation_rows,
)
from analysis.pages.windows import CHOICES, PageWindow, read_window, with_range
from analysis.profile import ALL
from analysis.requests import BAND_COUNT, BAND_NAMES
from analysis.results.profiles import MOST_SPANS, Profiled, read_profile
from analysis.results.reading import read_measures, waiting_in
from analysis.what_if import latency, latency_if
from traces.pages.search_choices import one_of
from traces.search.problems import problem_of
from traces.store.base import StoreError

MOST_ENTRIES: Final = 200
DIFFERENCE: Final = "difference"
BANDS: Final = {"all": ALL} | {name: at for at, name in enumerate(BAND_NAMES)}
BAND_LABELS: Final = {
    "all": "All requests",
    "0-50": "p0\N{EN DASH}50",
    "50-90": "p50\N{EN DASH}90",
    "90-99": "p90\N{EN DASH}99",
    "99-100": "p99\N{EN DASH}100",
    DIFFERENCE: "Slowest against fastest",
}
DEFAULT_PERCENT: Final = 50


@require_safe
def critical_path(request: HttpRequest) -> HttpResponse:
    window = read_window(request, time.time_ns())
    chosen = {
        key: request.GET[key] for key in ("service", "name") if key in request.GET
    }
    context: dict[str, Any] = {
        "window": window,
        "kept": list(chosen.items()),
        "ranges": one_of(CHOICES, window.chosen),
        "entries_url": with_range(reverse("critical-path"), window),
    }
    try:
        if len(chosen) == 2:
            template = "analysis/critical_path.html"
            context |= entry_context(request, window)
        else:
            template = "analysis/critical_path_entries.html"
            context |= entries_context(window)
    except StoreError as error:
        context |= {"problem": problem_of(error), **chosen}
        template = "analysis/critical_path_away.html"
    status = 503 if "problem" in context else 200
    return render(request, template, context, status=status)


def entries_context(window: PageWindow) -> dict[str, Any]:
    rows = [OperationRow(each, window) for each in read_measures(ENTRY, window.minutes)]
    rows.sort(key=lambda row: (-row.total_nano, row.service_name, row.name))
    return {
        "entries": [(row, profile_url(window, row)) for row in rows[:MOST_ENTRIES]],
        "left_out": max(len(rows) - MOST_ENTRIES, 0),
        "waiting": waiting_in(window.minutes),
        "beyond": left_out_in(window.minutes, NAMES, SERVICES),
    }


def profile_url(window: PageWindow, row: OperationRow) -> str:
    url = reverse("critical-path")
    return with_range(url, window, service=row.service_name, name=row.name)


def entry_context(request: HttpRequest, window: PageWindow) -> dict[str, Any]:
    service, name = request.GET["service"], request.GET["name"]
    profiled = read_profile(window.window, service, name)
    profile = profiled.profile
    context: dict[str, Any] = {
        "service": service,
        "name": name,
        "profiled": profiled,
        "most_spans": MOST_SPANS,
        "count": len(profile.requests),
        "orphans": int(profile.forest.orphan[profile.requests.root].sum()),
    }
    if not len(profile.requests):
        return context
    page = ProfilePage(profile)
    band = request.GET.get("band", "all")
    band = band if band in BAND_LABELS else "all"
    context |= {
        "band": band,
        "band_label": BAND_LABELS[band],
        "bands": band_links(profiled, band),
        "now": latency(profile),
        "focus": focus_of(page, request.GET.get("focus", "")),
    }
    top = page.path(request.GET.get("focus", ""))
    if band == DIFFERENCE:
        context |= change_context(page, top)
    else:
        context |= band_context(page, BANDS[band], top)
    return context | what_if_context(request, page)


def focus_of(page: ProfilePage, key: str) -> dict[str, Any] | None:
    """The path that the flame graph is cut to, if it is not all of it."""
    top = page.path(key)
    return {"key": page.keys[top], "steps": page.steps(top)} if top else None


def band_links(profiled: Profiled, chosen: str) -> list[dict[str, Any]]:
    profile = profiled.profile
    counts = np.bincount(profile.requests.band, minlength=BAND_COUNT).tolist()
    counts.append(len(profile.requests))
    links = [
        {"count": counts[at], "mean_nano": profile.mean_nano(at), "value": name}
        for name, at in BANDS.items()
    ]
    return [
        link | {"label": BAND_LABELS[link["value"]], "chosen": link["value"] == chosen}
        for link in [*links, {"value": DIFFERENCE}]
    ]


def band_context(page: ProfilePage, band: int, top: int) -> dict[str, Any]:
    found, boxes = page.flame(band, top)
    mean = page.profile.mean_nano(band)
    return {
        "rows": page.rows(band),
        "mean_nano": mean,
        "parts": page.parts(band),
        "flame": found,
        "boxes": boxes,
    }


def what_if_context(request: HttpRequest, page: ProfilePage) -> dict[str, Any]:
    operations = operation_rows(page)
    percent = whole_percent(request.GET.get("percent", ""))
    key = request.GET.get("operation")
    faster = next((each for each in operations if each.key == key), None)
    context: dict[str, Any] = {"operations": operations, "percent": percent}
    if faster is None:
        return context
    step = faster.step
    then = latency_if(page.profile, step.service_name, step.name, percent / 100)
    return context | {"faster": faster, "then": then}


def whole_percent(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return number if 1 <= number <= 100 else DEFAULT_PERCENT
