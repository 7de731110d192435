"""The critical path of one trace: pieces for its waterfall, and where the time went."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from analysis.trace_path import LeftOut, Share, TracePath, trace_path, where_time_went
from traces.pages.collapse import (
    StateError,
    closed_rows,
    parse_collapse,
    visible_rows,
)
from traces.pages.trace_cache import TraceView
from traces.pages.trace_detail import of_trace
from traces.pages.trace_rows import MAX_ROWS
from traces.pages.trace_tables import SpanLine, span_line
from traces.trace import Trace

MAX_PIECES: Final = 500
_KEPT: Final = 4


@of_trace
def trace_critical_path(request: HttpRequest, view: TraceView) -> HttpResponse:
    """A page of its own, or with htmx what the trace's page shows in a tab."""
    trace = view.trace
    found = where_time_went(trace, path_of(trace))
    context = {
        "trace_id": trace.trace_id.hex(),
        "found": found,
        "root": span_line(trace, found.root),
        "groups_left_out": found.group_count - len(found.shares),
        "shares": [
            ShareLine(each, span_line(trace, each.row)) for each in found.shares
        ],
        "left_out": [
            LeftOutLine(each, span_line(trace, each.row)) for each in found.left_out
        ],
    }
    template = "_trace_critical_path" if _in_a_tab(request) else "trace_critical_path"
    return render(request, f"analysis/{template}.html", context)


def _in_a_tab(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


@dataclass(frozen=True, slots=True)
class ShareLine:
    share: Share
    longest: SpanLine

    @property
    def percent(self) -> float:
        """For the width of a bar."""
        return round(100 * self.share.part, 2)


@dataclass(frozen=True, slots=True)
class LeftOutLine:
    left_out: LeftOut
    span: SpanLine


@of_trace
def critical_path_pieces(request: HttpRequest, view: TraceView) -> JsonResponse:
    """Of the rows that are in sight, as `rows` of the trace counts them."""
    query, trace = request.GET, view.trace
    first, count = _whole(query.get("from", "0")), _whole(query.get("count", "100"))
    if not 1 <= count <= MAX_ROWS:
        raise StateError(f"count must be between 1 and {MAX_ROWS}")
    collapse = parse_collapse(
        query.get("level", ""), query.get("toggled", ""), len(trace)
    )
    rows = visible_rows(trace, closed_rows(trace, collapse))[first : first + count]
    path = path_of(trace)
    answer = [_of_row(path, row) for row in rows.tolist()]
    return JsonResponse({"revision": view.revision, "rows": answer})


def _of_row(path: TracePath, row: int) -> dict[str, Any]:
    """`start` and `end` are what a closed row owns together with all below it; `slack`
    is -1 where nobody waits for the span."""
    pieces = path.pieces(row)
    longest = sorted(pieces, key=lambda piece: piece[0] - piece[1])[:MAX_PIECES]
    return {
        "row": row,
        "on": bool(path.on[row]),
        "outside": bool(path.outside[row]),
        "start": int(path.start[row]),
        "end": int(path.end[row]),
        "self": int(path.self_nano[row]),
        "slack": int(path.slack_nano[row]),
        "pieces": sorted(longest),
        "left_out": len(pieces) - len(longest),
    }


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise StateError("from and count must be numbers from 0")
    return int(text)


_lock = threading.Lock()
# By the identity of the trace, which is held so that no other can have the same.
_paths: OrderedDict[int, tuple[Trace, TracePath]] = OrderedDict()


def path_of(trace: Trace) -> TracePath:
    """Kept for the next rows of the same page."""
    with _lock:
        kept = _paths.get(id(trace))
        if kept:
            _paths.move_to_end(id(trace))
            return kept[1]
    path = trace_path(trace)
    with _lock:
        _paths[id(trace)] = trace, path
        while len(_paths) > _KEPT:
            _paths.popitem(last=False)
    return path
