"""The search page: the URL is the query, the answer is rows and a plot."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def trace_search(request: HttpRequest) -> HttpResponse:
    return render(request, "traces/trace_search.html")
