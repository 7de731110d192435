"""What pages about requests share: how an entry is called, and how it is searched for."""

from typing import Any

from analysis.entries import Entry
from analysis.pages.windows import PageWindow


def entry_label(entry: Entry) -> str:
    service, name = entry.service or "no service name", entry.span_name or "no name"
    return f"{service}: {name}"


def search_of(window: PageWindow, entry: Entry, **more: Any) -> str:
    """The query string of a search for traces with spans of this operation."""
    fields: dict[str, Any] = {"name": entry.span_name} if entry.span_name else {}
    if entry.service:
        fields["service"] = (entry.service,)
    else:
        fields["where"] = 'service = ""'
    return window.search(**(fields | more))
