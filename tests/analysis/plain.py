"""Forests for tests, and the rules of the analysis once more in plain Python."""

from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from analysis.attributes import KEYS
from analysis.forest import Forest, build_forest
from tests.builders import T0, batch, span, span_id, trace_id
from traces.query import Window
from traces.store.memory import MemoryStore

KINDS = (1, 2, 3, 4, 5)


def forest(*spans: dict[str, Any]) -> Forest:
    return build_forest(analysed(*spans))


def analysed(*spans: dict[str, Any]) -> pa.Table:
    """The spans as the analysis reads them from a store."""
    store = MemoryStore()
    store.write(batch(*spans))
    return store.get_excerpt(Window(-(2**63), 2**63 - 1), 0, KEYS)


def by_id(of: Forest, values: Any) -> dict[int, Any]:
    """Span number: value, for spans built with `node`."""
    ids = [int.from_bytes(each) for each in of.spans["span_id"].to_pylist()]
    return dict(zip(ids, values.tolist(), strict=True))


def node(number: int, start: int, end: int, parent: int = 0, **more: Any) -> Any:
    """A span of ids and nanoseconds after T0; parent 0 is none."""
    return span(
        span_id=span_id(number),
        parent_span_id=span_id(parent) if parent else None,
        start_time_unix_nano=T0 + start,
        duration_nano=end - start,
        **{"kind": 1, "service": "a", "name": f"op{number}"} | more,
    )


@st.composite
def traces(draw: st.DrawFn, most: int = 12, number: int = 1) -> list[dict[str, Any]]:
    """One trace: any parents (missing, own and circular ones too), small times."""
    count = draw(st.integers(1, most))
    times = st.integers(0, 12)
    return [
        node(
            each,
            start := draw(times),
            start + draw(st.integers(-1, 12)),
            draw(st.integers(0, count + 1)),
            kind=draw(st.sampled_from(KINDS)),
            service=draw(st.sampled_from("abc")),
            name=draw(st.sampled_from(("x", "y"))),
            status_code=draw(st.sampled_from((0, 2))),
            trace_id=trace_id(number),
        )
        for each in range(1, count + 1)
    ]


@st.composite
def forests(draw: st.DrawFn, most: int = 4) -> list[dict[str, Any]]:
    count = draw(st.integers(1, most))
    return [row for number in range(count) for row in draw(traces(number=number + 1))]


def walk(of: Forest, part: float = 0.0) -> list[tuple[int, int, int]]:
    """Segments (row, start, end) of every critical path, by the rule as it is told;
    `part` of a parent's time may be the overlap of two children."""
    children: dict[int, list[int]] = {}
    for row, parent in enumerate(of.parent.tolist()):
        children.setdefault(parent, []).append(row)
    found: list[tuple[int, int, int]] = []
    for root in children.get(-1, []):
        window = int(of.start[root]), int(of.end[root])
        _walk(of, children, root, window, part, found)
    return found


def _walk(of, children, row, window, part, found):
    start, t = window
    clipped = [
        (child, max(int(of.start[child]), start), min(int(of.end[child]), t))
        for child in children.get(row, [])
        if not (of.kind[child] == 5 and of.kind[row] == 4)
    ]
    inside = [
        (child, first, last)
        for child, first, last in clipped
        if first < last or (first == last and of.start[child] == of.end[child])
    ]
    inside = _in_turn(inside, part * (t - start))
    for child, first, last in sorted(inside, key=lambda c: (-c[2], c[1], c[0])):
        if last <= t:
            if last < t:
                found.append((row, last, t))
            _walk(of, children, child, (first, last), part, found)
            t = first
    if start < t:
        found.append((row, start, t))


def _in_turn(spans, most):
    """A span ends where the next begins if both overlap by so little, and no third one
    starts or ends meanwhile."""
    return [
        (
            row,
            first,
            next(
                (
                    start
                    for other, start, end in spans
                    if first < start < last < end
                    and last - start <= most
                    and not any(
                        start <= time <= last
                        for third, *times in spans
                        if third not in (row, other)
                        for time in times
                    )
                ),
                last,
            ),
        )
        for row, first, last in spans
    ]
