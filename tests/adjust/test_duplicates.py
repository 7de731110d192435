from tests.builders import batch
from tests.test_trace import ids_in_order, kinds, numbered
from traces.adjust.duplicates import drop_exact_duplicates, separate_shared_ids
from traces.adjust.standard import adjust
from traces.defects import DefectKind
from traces.spans import SpanKind
from traces.trace import Trace


def test_a_span_sent_twice_is_shown_once():
    trace = adjust(batch(numbered(1), numbered(1), numbered(2, 1)))
    assert len(trace) == 2
    assert kinds(trace) == [DefectKind.DUPLICATE_DROPPED]


def test_rows_that_differ_in_an_attribute_are_no_copies():
    rows = numbered(1), numbered(1, attributes={"n": 1})
    assert len(drop_exact_duplicates(Trace.from_batch(batch(*rows)))) == 2


def test_the_server_half_of_a_shared_span_becomes_a_child_of_the_client_half():
    trace = adjust(
        batch(
            numbered(1),
            numbered(2, 1, kind=SpanKind.SERVER, service="b", start_ms=2, ms=1),
            numbered(2, 1, kind=SpanKind.CLIENT, start_ms=1, ms=5),
            numbered(3, 2, kind=SpanKind.INTERNAL, service="b", start_ms=2, ms=1),
        )
    )
    assert trace.tree.order.tolist() == [0, 2, 1, 3]
    assert trace.tree.depth[trace.tree.order].tolist() == [0, 1, 2, 3]
    assert trace.defects == ()


def test_a_server_half_without_parent_is_not_another_root():
    trace = adjust(
        batch(
            numbered(1, kind=SpanKind.CLIENT, ms=9),
            numbered(1, kind=SpanKind.SERVER, service="b", start_ms=1, ms=5),
        )
    )
    assert trace.tree.parent.tolist() == [-1, 0]
    assert trace.defects == ()


def test_other_spans_with_one_id_are_both_kept_the_later_with_a_fresh_id():
    trace = adjust(
        batch(
            numbered(1),
            numbered(2, 1, start_ms=1, service="a"),
            numbered(2, 1, start_ms=2, service="b"),
            numbered(3, 2, start_ms=3, service="b"),
        )
    )
    assert len(set(ids_in_order(trace))) == 4
    assert trace.tree.parent.tolist() == [-1, 0, 0, 2]
    assert kinds(trace) == [DefectKind.DUPLICATE_ID]


def test_fresh_ids_are_the_same_every_time():
    rows = [numbered(1), numbered(1, start_ms=1), numbered(1, start_ms=2)]
    once, again = (
        separate_shared_ids(Trace.from_batch(batch(*order)))
        for order in (rows, rows[::-1])
    )
    assert ids_in_order(once) == ids_in_order(again)
