"""Where the pages of the server that these settings describe are."""

from django.conf import settings
from django.urls import NoReverseMatch, reverse


def own_host() -> str:
    """The address to reach a server by that listens on HOST."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    return f"[{host}]" if ":" in host else host


def page_address(path: str) -> str:
    return f"http://{own_host()}:{settings.WEB_PORT}{path}"


def trace_address(trace_id: str) -> str:
    """The trace's page, or its id alone in an installation without pages."""
    try:
        return page_address(reverse("trace-detail", args=[trace_id]))
    except NoReverseMatch:
        return trace_id
