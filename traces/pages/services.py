"""The services page: rate, errors and percentiles of each service over a window."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    return render(request, "traces/services.html")
