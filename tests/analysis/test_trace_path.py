"""The critical path of one trace, as its page shows it."""

import numpy as np
import pyarrow as pa
from hypothesis import given

from analysis.trace_path import trace_path, where_time_went
from tests.analysis.plain import node, traces
from tests.builders import MS, batch
from traces.adjust.standard import STRUCTURE, adjust
from traces.trace import Trace


def of(*spans):
    trace = adjust(batch(*spans))
    return trace, trace_path(trace)


def by_number(trace, values):
    ids = trace.columns.span_id.tolist()
    return dict(zip(ids, np.asarray(values).tolist(), strict=True))


@given(traces())
def test_the_pieces_of_a_trace_partition_each_of_its_roots(spans):
    trace, path = of(*spans)
    pieces = [path.pieces(row) for row in range(len(trace))]
    own = [sum(end - start for start, end in each) for each in pieces]
    assert own == path.self_nano.tolist()
    for root in trace.tree.roots.tolist():
        below = trace.tree.order[trace.tree.position[root] :][: trace.tree.size[root]]
        found = sorted(piece for row in below.tolist() for piece in pieces[row])
        borders = [path.start[root], *(end for _, end in found)]
        if found:
            assert [start for start, _ in found] == borders[:-1]
            assert borders[-1] == path.end[root]


@given(traces())
def test_shares_add_up_to_the_duration_of_the_longest_root(spans):
    trace, path = of(*spans)
    found = where_time_went(trace, path)
    durations = (trace.columns.end - trace.columns.start)[trace.tree.roots]
    assert found.duration_nano == durations.max()
    assert sum(share.nano for share in found.shares) == found.duration_nano
    assert [share.nano for share in found.shares] == sorted(
        (share.nano for share in found.shares), reverse=True
    )


@given(traces())
def test_the_order_of_arrival_changes_nothing(spans):
    assert pieces_by_number(spans) == pieces_by_number(spans[::-1])


def pieces_by_number(spans):
    # Without the clocks corrected: to the nanosecond that depends on the order.
    trace = adjust(batch(*spans), STRUCTURE)
    path = trace_path(trace)
    ids = trace.columns.span_id.tolist()
    return {number: path.pieces(row) for row, number in enumerate(ids)}


def test_a_parent_owns_what_lies_between_its_children():
    trace, path = of(node(1, 0, 30), node(2, 5, 10, 1), node(3, 20, 28, 1))
    (row,) = trace.tree.roots
    assert path.pieces(int(row)) == [(0, 5), (10, 20), (28, 30)]


def test_the_path_goes_by_corrected_clocks():
    """A server whose clock is ahead lies within its client on the page; so here."""
    host = {"resource_attributes": {"host.name": "b"}}
    trace, path = of(
        node(1, 0, 30 * MS, kind=3, resource_attributes={"host.name": "a"}),
        node(2, 100 * MS, 110 * MS, 1, kind=2, service="b", **host),
    )
    assert by_number(trace, path.self_nano) == {1: 20 * MS, 2: 10 * MS}


def test_slack_is_of_the_rows_of_the_trace():
    trace, path = of(node(1, 0, 30), node(2, 5, 10, 1), node(3, 5, 28, 1))
    assert by_number(trace, path.slack_nano) == {1: 0, 2: 18, 3: 0}


def test_what_nobody_waited_for_is_told_with_the_reason():
    trace, path = of(
        node(1, 0, 30, kind=4),
        node(2, 5, 10, 1, kind=5),
        node(3, 6, 9, 2),
        node(4, 40, 50, 1),
    )
    found = where_time_went(trace, path)
    told = [
        (int(trace.columns.span_id[each.row]), each.is_asynchronous, each.below)
        for each in found.left_out
    ]
    assert sorted(told) == [(2, True, 1), (4, False, 0)]


def test_a_span_that_outlives_its_parent_is_counted_as_cut():
    trace, path = of(node(1, 0, 10), node(2, 5, 50, 1))
    found = where_time_went(trace, path)
    assert (found.cut, found.other_roots) == (1, 0)


def test_further_roots_have_paths_of_their_own():
    trace, path = of(node(1, 0, 10), node(2, 20, 50), node(3, 2, 5, parent=9))
    found = where_time_went(trace, path)
    assert (found.duration_nano, found.other_roots) == (30, 2)
    assert by_number(trace, path.self_nano) == {1: 10, 2: 30, 3: 3}


def test_a_trace_of_100_000_spans_is_no_deeper_than_one_of_ten():
    from tests.test_trace import many

    count = 100_000
    spans = many(count, [None, *range(1, count)])
    duration = pa.array([3 * count * 1000 - 2 * n * 1000 for n in range(count)])
    at = spans.schema.get_field_index("duration_nano")
    spans = spans.set_column(at, spans.schema.field(at), duration)
    trace = Trace.from_batch(spans)
    path = trace_path(trace)
    assert path.on.all()
    assert path.self_nano.sum() == 3 * count * 1000
