"""A trace as a tree, held against a naive model in plain Python."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import T0, batch, span, span_id
from traces.adjust.standard import adjust
from traces.defects import DefectKind
from traces.spans import SPAN_SCHEMA
from traces.trace import Trace
from traces.tree import ancestors

Row = dict[str, Any]


def numbered(number: int, parent: int | None = None, **fields: Any) -> Row:
    parent_id = None if parent is None else span_id(parent)
    return span(span_id=span_id(number), parent_span_id=parent_id, **fields)


def ids_in_order(trace: Trace) -> list[int]:
    return [int(trace.columns.span_id[row]) for row in trace.tree.order]


def kinds(trace: Trace) -> list[DefectKind]:
    return [defect.kind for defect in trace.defects]


def many(count: int, parents: list[int | None]) -> pa.Table:
    """`count` spans 1..count, each starting 1 µs after the one before."""
    table = pa.concat_tables([batch(span())] * count).combine_chunks()
    ids = [span_id(number + 1) for number in range(count)]
    above = [None if parent is None else span_id(parent) for parent in parents]
    start = pa.array(range(T0, T0 + count * 1000, 1000), pa.int64())
    for at, column in (
        (1, pa.array(ids, pa.binary(8))),
        (2, pa.array(above, pa.binary(8))),
        (7, start),
    ):
        table = table.set_column(at, SPAN_SCHEMA.field(at), column)
    return table


def test_children_follow_their_parent_in_order_of_start():
    trace = Trace.from_batch(
        batch(
            numbered(3, 1, start_ms=5),
            numbered(4, 2, start_ms=3),
            numbered(1, start_ms=0),
            numbered(2, 1, start_ms=1),
        )
    )
    assert ids_in_order(trace) == [1, 2, 4, 3]
    assert trace.tree.depth[trace.tree.order].tolist() == [0, 1, 2, 1]
    assert trace.tree.size[trace.tree.order].tolist() == [4, 2, 1, 1]
    assert trace.defects == ()


def test_self_time_counts_overlapping_children_once_and_clips_them():
    trace = Trace.from_batch(
        batch(
            numbered(1, start_ms=0, ms=100),
            numbered(2, 1, start_ms=10, ms=30),
            numbered(3, 1, start_ms=20, ms=30),
            numbered(4, 1, start_ms=90, ms=50),
        )
    )
    assert trace.self_nano[0] == 50_000_000


def test_an_empty_batch_is_an_empty_trace():
    trace = Trace.from_batch(SPAN_SCHEMA.empty_table())
    assert len(trace) == 0
    assert trace.defects == ()


def test_a_span_whose_parent_is_missing_is_a_root_and_is_named():
    trace = Trace.from_batch(batch(numbered(1), numbered(2, 99)))
    assert kinds(trace) == [DefectKind.MISSING_PARENT]
    assert trace.defects[0].rows == (1,)
    assert trace.tree.depth.tolist() == [0, 0]


def test_a_span_that_is_its_own_parent_is_a_root():
    trace = Trace.from_batch(batch(numbered(1), numbered(2, 2)))
    assert kinds(trace) == [DefectKind.SELF_PARENT]


def test_a_cycle_is_cut_at_its_earliest_span():
    trace = Trace.from_batch(
        batch(
            numbered(1, 3, start_ms=5),
            numbered(2, 1, start_ms=2),
            numbered(3, 2, start_ms=9),
        )
    )
    assert ids_in_order(trace) == [2, 3, 1]
    assert kinds(trace) == [DefectKind.NO_ROOT, DefectKind.CYCLE]


def test_several_roots_are_named():
    assert kinds(Trace.from_batch(batch(numbered(1), numbered(2)))) == [
        DefectKind.SEVERAL_ROOTS
    ]


def test_a_span_that_ends_before_it_starts_is_drawn_without_length():
    trace = Trace.from_batch(batch(numbered(1), numbered(2, 1, ms=-5)))
    assert kinds(trace) == [DefectKind.END_BEFORE_START]
    assert trace.columns.start[1] == trace.columns.end[1]


def test_a_span_without_start_time_does_not_stretch_the_trace():
    unset = numbered(2, 1, start_time_unix_nano=0, duration_nano=T0)
    trace = Trace.from_batch(batch(numbered(1, ms=7), unset))
    assert kinds(trace) == [DefectKind.INVALID_START]
    assert trace.duration_nano == 7_000_000


def test_an_end_beyond_64_bits_is_held_there():
    endless = numbered(1, duration_nano=2**63 - 1)
    assert Trace.from_batch(batch(endless)).columns.end[0] == 2**63 - 1


def test_what_the_sender_dropped_is_counted():
    trace = Trace.from_batch(
        batch(numbered(1, dropped_attributes_count=3, dropped_events_count=1))
    )
    assert trace.defects[0].sentence == (
        "The sender dropped 3 attributes, 1 event of 1 span."
    )


@pytest.mark.parametrize("shape", ["chain", "siblings"])
def test_a_hundred_thousand_spans_in_a_row_or_beside_each_other(shape):
    count = 100_000
    parents = [None, *(range(1, count) if shape == "chain" else [1] * (count - 1))]
    trace = Trace.from_batch(many(count, parents))
    assert trace.tree.order.tolist() == list(range(count))
    assert trace.tree.depth.max() == (count - 1 if shape == "chain" else 1)
    assert len(ancestors(trace.tree, count - 1)) == (
        count - 1 if shape == "chain" else 1
    )


spans_of_a_trace = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.none() | st.integers(1, 14),
        st.integers(0, 30),
        st.integers(-3, 30),
        st.sampled_from([1, 2, 3]),
        st.sampled_from(["a", "b"]),
    ),
    min_size=1,
    max_size=14,
)


def built(rows: list[tuple[Any, ...]]) -> list[Row]:
    return [
        numbered(number, parent, start_ms=start, ms=ms, kind=kind, service=service)
        for number, parent, start, ms, kind, service in rows
    ]


@settings(deadline=None)
@given(spans_of_a_trace)
def test_every_span_appears_once_and_after_its_parent(rows):
    for trace in (Trace.from_batch(batch(*built(rows))), adjust(batch(*built(rows)))):
        tree = trace.tree
        assert sorted(tree.order.tolist()) == list(range(len(trace)))
        for row in range(len(trace)):
            parent = int(tree.parent[row])
            if parent >= 0:
                assert tree.position[parent] < tree.position[row]
                assert tree.depth[row] == tree.depth[parent] + 1
            below = sum(row in ancestors(tree, other) for other in range(len(trace)))
            assert tree.size[row] == below + 1


@settings(deadline=None)
@given(spans_of_a_trace)
def test_self_times_equal_a_count_of_uncovered_milliseconds(rows):
    trace = Trace.from_batch(batch(*built(rows)))
    start = (trace.columns.start - T0) // 1_000_000
    end = (trace.columns.end - T0) // 1_000_000
    for row in range(len(trace)):
        children = np.flatnonzero(trace.tree.parent == row)
        free = [
            at
            for at in range(start[row], end[row])
            if not any(start[child] <= at < end[child] for child in children)
        ]
        assert trace.self_nano[row] == len(free) * 1_000_000


# Two calls between two hosts that say different things of their clocks.
TWO_CALLS = [
    (2, None, 0, 0, 2, "a"),
    (2, None, 0, 2, 3, "b"),
    (1, None, 0, 0, 1, "a"),
    (1, None, 0, 0, 1, "a"),
    (1, None, 0, 1, 3, "a"),
    (1, None, 2, 0, 2, "b"),
]


@settings(deadline=None)
@given(
    spans_of_a_trace.flatmap(
        lambda rows: st.tuples(st.just(rows), st.permutations(rows))
    )
)
@example(both=(TWO_CALLS, TWO_CALLS[::-1]))
def test_the_order_of_arrival_does_not_matter(both):
    shown = [outline(adjust(batch(*built(rows)))) for rows in both]
    assert shown[0] == shown[1]


def outline(trace: Trace) -> list[Any]:
    columns, tree = trace.columns, trace.tree
    spans = [
        (
            int(columns.span_id[row]),
            int(tree.depth[row]),
            columns.services[columns.service[row]],
            int(columns.kind[row]),
            int(columns.start[row]),
            int(trace.self_nano[row]),
        )
        for row in tree.order
    ]
    return [spans, [(defect.sentence, defect.count) for defect in trace.defects]]
