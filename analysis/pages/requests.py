"""What pages about requests share: how an entry is called, and how it is searched for."""

from typing import Any

from analysis.entries import Entry
from analysis.limits import OTHER_NAMES, OTHER_SERVICES
from analysis.pages.windows import PageWindow


def entry_label(entry: Entry) -> str:
    service, name = entry.service or "no service name", entry.span_name or "no name"
    return f"{service}: {name}"


def search_of(window: PageWindow, entry: Entry, **more: Any) -> str:
    """The query string of a search for traces with spans of this operation; of any where
    it stands for many."""
    known = entry.span_name not in ("", OTHER_NAMES)
    fields: dict[str, Any] = {"name": entry.span_name} if known else {}
    if not entry.service:
        fields["where"] = 'service = ""'
    elif entry.service != OTHER_SERVICES:
        fields["service"] = (entry.service,)
    return window.search(**(fields | more))
