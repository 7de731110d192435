"""The rows of a waterfall and its overview, as plain values for JSON.

Times are nanoseconds from the start of the trace: they fit a double exactly for the
first hundred days, which the nanoseconds since 1970 do not.
"""

from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from traces.pages.collapse import Collapse, closed_rows, visible_rows
from traces.pages.colors import service_color_number
from traces.pages.trace_cache import TraceView
from traces.trace import Trace
from traces.tree import BoolArray, IntArray

MAX_ROWS: Final = 500
MAX_OVERVIEW: Final = 400
MAX_NAME_CHARACTERS: Final = 300
MAX_TICKS: Final = 20


def rows_answer(
    view: TraceView, collapse: Collapse, first: int, count: int
) -> dict[str, Any]:
    """`count` rows in sight from `first` on; `total` are in sight altogether."""
    closed = closed_rows(view.trace, collapse)
    visible = visible_rows(view.trace, closed)
    chosen = visible[first : first + min(count, MAX_ROWS)]
    return {
        "revision": view.revision,
        "total": len(visible),
        "from": first,
        "rows": _rows(view, chosen, closed),
    }


def position_of(view: TraceView, collapse: Collapse, row: int) -> int:
    """The place of a row in sight, -1 when it is hidden."""
    visible = visible_rows(view.trace, closed_rows(view.trace, collapse))
    found = np.flatnonzero(visible == row)
    return int(found[0]) if len(found) else -1


def _rows(view: TraceView, rows: IntArray, closed: BoolArray) -> list[dict[str, Any]]:
    trace = view.trace
    columns, tree = trace.columns, trace.tree
    origin, orphans = trace.start_time_unix_nano, trace.orphans
    ticks = _event_ticks(trace, rows)
    return [
        {
            "row": row,
            "id": f"{int(columns.span_id[row]):016x}",
            "depth": int(tree.depth[row]),
            "service": columns.services[columns.service[row]],
            "name": columns.names[columns.name[row]][:MAX_NAME_CHARACTERS],
            "start": int(columns.start[row]) - origin,
            "end": int(columns.end[row]) - origin,
            "self": int(trace.self_nano[row]),
            "error": bool(columns.error[row]),
            "orphan": bool(orphans[row]),
            "moved": bool(columns.shift[row]),
            "children": int(tree.child_count[row]),
            "below": int(tree.size[row]) - 1,
            "closed": bool(closed[row]),
            "number": int(view.sibling_number[row]) + 1,
            "siblings": int(view.sibling_count[row]),
            "events": ticks.get(at, []),
        }
        for at, row in enumerate(rows.tolist())
    ]


def _event_ticks(trace: Trace, rows: IntArray) -> dict[int, list[int]]:
    """By place in `rows`: when the first events of that span happened."""
    if not trace.columns.event_count[rows].any():
        return {}
    lists = trace.spans["events"].take(rows).combine_chunks()
    times = pc.struct_field(pc.list_flatten(lists), "time_unix_nano").to_pylist()
    ticks: dict[int, list[int]] = {}
    for at, time in zip(pc.list_parent_indices(lists).to_pylist(), times, strict=True):
        of_span = ticks.setdefault(at, [])
        if len(of_span) < MAX_TICKS:
            moved = int(trace.columns.shift[rows[at]])
            of_span.append(time + moved - trace.start_time_unix_nano)
    return ticks


def overview(trace: Trace) -> list[list[Any]]:
    """At most 400 bars [start, end, place from 0 to 1, colour number, error].

    A longer trace is cut into 400 bands of rows; each shows its longest span.
    """
    columns, order = trace.columns, trace.tree.order
    bands = np.arange(len(order)) * min(len(order), MAX_OVERVIEW) // len(order)
    duration = (columns.end - columns.start)[order]
    by_band = np.lexsort((duration, bands))
    last = np.flatnonzero(np.diff(bands[by_band], append=-1))
    chosen = by_band[last]
    origin = trace.start_time_unix_nano
    colors = {
        code: service_color_number(columns.services[code])
        for code in np.unique(columns.service[order[chosen]]).tolist()
    }
    return [
        [
            int(columns.start[row]) - origin,
            int(columns.end[row]) - origin,
            round(place / len(order), 4),
            colors[int(columns.service[row])],
            int(columns.error[row]),
        ]
        for row, place in zip(order[chosen].tolist(), chosen.tolist(), strict=True)
    ]
