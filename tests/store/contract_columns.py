"""The contract of columns: some spans with all their attributes, and whole excerpts."""

import math

from tests.builders import MS, T0, batch, span, span_id, trace_id
from traces.query import Attribute, Condition, Field, Op, TraceQuery, Window
from traces.spans import (
    COMPARED_COLUMNS,
    MOST_KEYS,
    MOST_TEXT_CHARACTERS,
    excerpt_schema,
)
from traces.store.base import TraceStore

EVER = Window(0, 2**62)
ALL = TraceQuery(EVER)
MANY = 1_000


def slow(ms):
    return TraceQuery(EVER, Condition(Field.DURATION_NANO, Op.GE, ms * MS))


def of_spans(store: TraceStore, query=ALL, most=MANY):
    return store.get_span_columns(query, most)


def numbers(columns, column="span_id"):
    return sorted(int.from_bytes(each) for each in columns.table[column].to_pylist())


def rows(columns):
    return sorted(columns.table.to_pylist(), key=lambda row: row["span_id"])


def in_traces(count, **more):
    return [
        span(trace_id=trace_id(n), span_id=span_id(n), ms=n, **more)
        for n in range(1, count + 1)
    ]


class ColumnsContract:
    def test_columns_of_nothing_have_the_fields_of_spans(self, store: TraceStore):
        for found in (of_spans(store), store.get_root_columns(ALL, 1)):
            assert found.table.column_names == list(COMPARED_COLUMNS)
            assert (found.table.num_rows, found.matched) == (0, 0)

    def test_every_attribute_of_span_and_resource_is_a_column_of_text(
        self, store: TraceStore
    ):
        own = {"text": "é", "int": 42, "double": 1.5, "true": True, "a.b": "", "": "x"}
        odd = {"list": ["a"], "map": {"a": 1}, "bytes": b"x", "nothing": None}
        resource = {"service.name": "a", "int": 2**60, "inf": math.inf}
        store.write(
            batch(
                span(
                    span_id=span_id(1),
                    attributes=own | odd,
                    resource_attributes=resource,
                ),
                span(
                    span_id=span_id(2),
                    attributes={"text": "other"},
                    resource_attributes={},
                ),
            )
        )
        row, other = rows(of_spans(store))
        assert [row[f"span.{key}"] for key in own] == [
            "é",
            "42",
            "1.5",
            "true",
            "",
            "x",
        ]
        assert not {f"span.{key}" for key in odd} & row.keys()
        assert row["resource.int"] == str(2**60)
        assert row["resource.inf"] == "inf"
        assert other["span.text"] == "other"
        assert other["span.int"] is None
        assert other["resource.service.name"] is None

    def test_long_texts_are_cut(self, store: TraceStore):
        store.write(batch(span(attributes={"long": "é" * 300})))
        (row,) = of_spans(store).table.to_pylist()
        assert row["span.long"] == "é" * MOST_TEXT_CHARACTERS

    def test_of_very_many_keys_those_that_most_spans_have_are_there(
        self, store: TraceStore
    ):
        keys = {f"k{n:03}": n for n in range(MOST_KEYS + 5)}
        store.write(batch(span(attributes=keys), span(attributes={"k204": 1})))
        found = of_spans(store)
        own = [name for name in found.table.column_names if name.startswith("span.")]
        assert own == [f"span.k{n:03}" for n in (*range(MOST_KEYS - 1), 204)]
        assert found.left_out == ("5 span attributes that few spans have",)

    def test_columns_are_of_the_spans_that_match(self, store: TraceStore):
        store.write(batch(*in_traces(9, attributes={"a": 1})))
        store.write(batch(*in_traces(3, attributes={"a": 1})))
        found = of_spans(store, slow(8))
        assert numbers(found) == [8, 9]
        assert found.matched == 2
        by_attribute = TraceQuery(EVER, Condition(Attribute("a"), Op.EQ, 1))
        assert numbers(of_spans(store, by_attribute)) == list(range(1, 10))
        early = TraceQuery(Window(0, T0))
        assert numbers(of_spans(store, early)) == []

    def test_of_two_halves_with_one_id_only_what_matches_is_there(
        self, store: TraceStore
    ):
        both = [span(span_id=span_id(5), kind=kind) for kind in (2, 3)]
        store.write(batch(*both))
        client = TraceQuery(EVER, Condition(Field.KIND, Op.EQ, 3))
        assert of_spans(store, client).table["kind"].to_pylist() == [3]
        assert sorted(of_spans(store).table["kind"].to_pylist()) == [2, 3]

    def test_of_more_spans_an_even_part_is_taken(self, store: TraceStore):
        store.write(batch(*in_traces(20)))
        found = of_spans(store, most=4)
        assert numbers(found) == [5, 10, 15, 20]
        assert found.matched == 20

    def test_spans_are_marked_that_satisfy_a_further_filter(self, store: TraceStore):
        store.write(batch(*in_traces(9, attributes={"a": 1})))
        store.write(batch(*in_traces(3, attributes={"a": 1})))
        own = [{"trace_id": trace_id(n), "span_id": span_id(n)} for n in (20, 21)]
        store.write(
            batch(*(span(attributes={"a": "1"}, ms=20, **each) for each in own))
        )
        for mark, marked in (
            (Condition(Attribute("a"), Op.EQ, "1"), [20, 21]),
            (Condition(Field.DURATION_NANO, Op.LT, 9 * MS), [8]),
        ):
            found = store.get_marked_columns(slow(8), mark, 4)
            assert found.matched == 4
            assert numbers(found) == [8, 9, 20, 21]
            ids = [row["span_id"] for row in rows(found) if row["marked"]]
            assert [int.from_bytes(each) for each in ids] == marked
        assert store.get_marked_columns(slow(8), mark, 3) is None
        early = TraceQuery(Window(0, T0))
        assert (
            store.get_marked_columns(early, mark, 3).table["marked"].to_pylist() == []
        )

    def test_a_trace_is_there_by_its_root(self, store: TraceStore):
        store.write(
            batch(
                span(span_id=span_id(9), start_ms=5, attributes={"root": True}),
                span(span_id=span_id(2), start_ms=1, parent_span_id=span_id(9)),
                span(span_id=span_id(3), start_ms=8),
                # A trace whose root is missing.
                span(trace_id=trace_id(2), span_id=span_id(4), start_ms=9)
                | {"parent_span_id": span_id(7)},
                span(trace_id=trace_id(2), span_id=span_id(5), start_ms=3)
                | {"parent_span_id": span_id(4)},
            )
        )
        found = store.get_root_columns(ALL, MANY)
        assert [row["span.root"] for row in rows(found)] == [None, "true"]
        assert numbers(found) == [5, 9]

    def test_of_spans_that_may_all_be_the_root_one_is_there(self, store: TraceStore):
        alike = [
            span(span_id=span_id(1), attributes={"k": k}, ms=ms)
            for k in "ab"
            for ms in (1, 2)
        ]
        store.write(batch(*alike[:2]))
        store.write(batch(*alike[2:], *in_traces(3)[1:]))
        assert numbers(store.get_root_columns(ALL, MANY), "trace_id") == [1, 2, 3]

    def test_roots_are_of_the_traces_that_a_query_finds_and_another_does_not(
        self, store: TraceStore
    ):
        children = [
            span(
                trace_id=trace_id(n),
                parent_span_id=span_id(n),
                attributes={"n": n},
            )
            for n in range(1, 10)
        ]
        store.write(batch(*in_traces(9), *children))
        odd = TraceQuery(EVER, Condition(Attribute("n"), Op.GE, 4))
        assert numbers(store.get_root_columns(odd, MANY)) == [4, 5, 6, 7, 8, 9]
        long = TraceQuery(EVER, max_trace_duration_nano=11 * MS)
        found = store.get_root_columns(long, MANY, odd)
        assert numbers(found) == [1, 2, 3]
        assert found.matched == 3
        assert numbers(store.get_root_columns(ALL, 3)) == [3, 6, 9]

    def test_an_excerpt_of_traces_has_all_their_spans_and_resources(
        self, store: TraceStore
    ):
        resource = {"service.version": "1.2", "odd": [1]}
        more = {"resource_attributes": resource, "attributes": {"a": 7}}
        store.write(batch(*in_traces(3, **more), span(trace_id=trace_id(2))))
        ids = [trace_id(2), trace_id(3), trace_id(77)]
        found = store.get_excerpt_of(ids, ["a"], ["service.version", "odd", "no"], MANY)
        assert found.schema == excerpt_schema(["a"], ["service.version", "odd", "no"])
        rows = found.to_pylist()
        assert [int.from_bytes(row["trace_id"]) for row in rows].count(2) == 2
        assert len(rows) == 3
        row = next(row for row in rows if row["span_id"] == span_id(3))
        assert row["attributes.a"] == "7"
        assert row["resource_attributes.service.version"] == "1.2"
        assert row["resource_attributes.odd"] is None
        assert store.get_excerpt_of([], ["a"], [], MANY).num_rows == 0
        few = store.get_excerpt_of([trace_id(3), trace_id(2), trace_id(1)], [], [], 2)
        assert few["trace_id"].to_pylist() == [trace_id(3)]
