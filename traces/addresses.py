"""Where the pages of the server that these settings describe are."""

from django.conf import settings
from django.urls import reverse


def own_host() -> str:
    """The address to reach a server by that listens on HOST."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)
    return f"[{host}]" if ":" in host else host


def page_address(path: str) -> str:
    return f"http://{own_host()}:{settings.WEB_PORT}{path}"


def trace_address(trace_id: str) -> str:
    return page_address(reverse("trace-detail", args=[trace_id]))
