"""The contract kit: what every trace store must do, as sentences.

A store's tests subclass `StoreContract` and give it a `store` fixture: one that is
empty, and writable.
"""

import itertools
import math

import pytest

from tests.builders import MS, SECOND, T0, batch, event, link, span, span_id, trace_id
from tests.store.contract_columns import ColumnsContract
from traces.query import (
    And,
    Attribute,
    Condition,
    Cursor,
    Field,
    Not,
    Op,
    Or,
    QueryError,
    Scope,
    Sort,
    TraceQuery,
    Window,
)
from traces.spans import SPAN_SCHEMA, StatusCode, excerpt_schema
from traces.store.base import ServiceShare, TraceStore
from traces.store.sampling import trace_hash
from traces.variant import decode_attributes

EVER = Window(0, 2**62)
VALUES = {
    "int": 42,
    "beyond a double": 2**53 + 1,
    "least": -(2**63),
    "greatest": 2**63 - 1,
    "double": 1.5,
    "double of an integer": 1.0,
    "infinity": math.inf,
    "true": True,
    "false": False,
    "text": "héllo \U0001f4a5\u2028",
    "empty text": "",
    "with nul": "a\0b",
    "bytes": b"\x00\xff",
    "no bytes": b"",
    "array": [1, "two", 3.0, [True], {}],
    "empty array": [],
    "map": {"a": {"b": [None]}},
    "empty map": {},
    "nothing": None,
    "a.b": 1,
    "a": {"b": 2},
    "": "an empty key",
    "qu'ote\"$[0]*": 3,
}


def ids_of(store: TraceStore, **question) -> list[int]:
    query = TraceQuery(**({"window": EVER} | question))
    found = store.find_traces(query).traces
    return [int.from_bytes(summary.trace_id, "big") for summary in found]


def rows_of(store: TraceStore, *numbers: int) -> list[dict]:
    found = store.get_traces([trace_id(number) for number in numbers])
    return found.to_pylist()


def attribute_is(key: str, value, op: Op = Op.EQ, scope: Scope | None = None):
    return Condition(Attribute(key, scope), op, value)


def numbered(*maps: dict, **fields):
    """One span a trace, numbered from 1, with these attributes."""
    return batch(
        *(
            span(trace_id=trace_id(number), attributes=attributes, **fields)
            for number, attributes in enumerate(maps, 1)
        )
    )


class StoreContract(ColumnsContract):
    def settle(self, store: TraceStore) -> None:
        """What a store does between writing and reading; compaction, say."""

    def written(self, store: TraceStore, *batches) -> TraceStore:
        for one in batches:
            store.write(one)
        self.settle(store)
        return store

    def test_everything_works_when_empty(self, store: TraceStore):
        query = TraceQuery(EVER)
        self.settle(store)
        assert store.is_empty()
        assert store.get_traces([trace_id(1)]).num_rows == 0
        assert store.get_traces([]).num_rows == 0
        assert store.find_traces(query).traces == ()
        assert store.find_traces(query).matched == 0
        assert store.find_points(query, 10).points == ()
        assert store.get_services(EVER) == []
        assert store.get_span_names(None, EVER) == []
        assert store.get_attribute_keys(EVER) == []
        assert store.get_attribute_values(Attribute("a"), EVER) == []
        assert store.get_service_statistics(EVER) == []

    def test_an_empty_batch_is_no_span(self, store: TraceStore):
        self.written(store, SPAN_SCHEMA.empty_table())
        assert store.is_empty()

    # What is written comes back

    def test_a_written_span_is_there_at_once(self, store: TraceStore):
        store.write(batch(span()))
        assert not store.is_empty()
        assert len(rows_of(store, 1)) == 1
        assert ids_of(store) == [1]

    def test_the_answer_has_the_schema_of_spans(self, store: TraceStore):
        self.written(store, batch(span()))
        assert store.get_traces([trace_id(1)]).schema.equals(SPAN_SCHEMA)

    @pytest.mark.parametrize("key", VALUES)
    def test_a_value_comes_back_with_its_type(self, store: TraceStore, key):
        self.written(store, batch(span(attributes=VALUES)))
        (row,) = rows_of(store, 1)
        value = decode_attributes(row["attributes"])[key]
        assert value == VALUES[key]
        assert type(value) is type(VALUES[key])

    def test_not_a_number_and_minus_zero_come_back(self, store: TraceStore):
        self.written(store, numbered({"nan": math.nan, "zero": -0.0}))
        (row,) = rows_of(store, 1)
        attributes = decode_attributes(row["attributes"])
        assert math.isnan(attributes["nan"])
        assert math.copysign(1, attributes["zero"]) == -1

    def test_every_map_of_attributes_comes_back(self, store: TraceStore):
        self.written(
            store,
            batch(
                span(
                    attributes=VALUES,
                    resource_attributes=VALUES,
                    scope_attributes=VALUES,
                    events=[event("e", **VALUES)],
                    links=[link(trace_id(2), span_id(2), **VALUES)],
                )
            ),
        )
        (row,) = rows_of(store, 1)
        cells = [row[name] for name in row if name.endswith("attributes")]
        cells += [item["attributes"] for item in row["events"] + row["links"]]
        assert [decode_attributes(cell) for cell in cells] == [VALUES] * 5

    def test_every_other_field_comes_back(self, store: TraceStore):
        fields = {
            "trace_id": bytes(range(16)),
            "span_id": b"\xff" * 8,
            "parent_span_id": b"\x01" * 8,
            "trace_state": "a=b",
            "flags": 2**32 - 1,
            "name": "",
            "kind": 5,
            "start_time_unix_nano": T0 + 1,
            "duration_nano": 2**53 + 1,
            "status_code": 2,
            "status_message": "no\0pe",
            "service_name": "\U0001f4a5",
            "scope_name": "scope",
            "scope_version": "1.2",
            "dropped_attributes_count": 1,
            "dropped_events_count": 2,
            "dropped_links_count": 3,
        }
        row = span() | fields
        self.written(store, batch(row))
        (found,) = store.get_traces([fields["trace_id"]]).to_pylist()
        assert {name: found[name] for name in fields} == fields

    def test_events_and_links_keep_their_order(self, store: TraceStore):
        events = [event("second", T0 + 2), event("first", T0 + 1)]
        links = [link(trace_id(n), span_id(n)) for n in (3, 2)]
        self.written(store, batch(span(events=events, links=links)))
        (row,) = rows_of(store, 1)
        assert [item["name"] for item in row["events"]] == ["second", "first"]
        assert [item["time_unix_nano"] for item in row["events"]] == [T0 + 2, T0 + 1]
        assert [item["span_id"] for item in row["links"]] == [span_id(3), span_id(2)]

    def test_a_negative_duration_comes_back(self, store: TraceStore):
        self.written(store, batch(span(ms=-5)))
        assert rows_of(store, 1)[0]["duration_nano"] == -5 * MS

    def test_traces_come_ordered_by_id_start_and_span_id(self, store: TraceStore):
        rows = [
            span(trace_id=trace_id(number), start_ms=start, span_id=span_id(ident))
            for number, start, ident in itertools.product((2, 1), (1, 0), (9, 8))
        ]
        self.written(store, batch(*rows[:5]), batch(*rows[5:]))
        found = [
            (row["trace_id"], row["start_time_unix_nano"], row["span_id"])
            for row in rows_of(store, 2, 1)
        ]
        assert len(found) == 8
        assert found == sorted(found)

    def test_a_trace_is_whole_whatever_batches_it_came_in(self, store: TraceStore):
        self.written(store, *(batch(span(start_ms=n), span()) for n in range(5)))
        assert len(rows_of(store, 1)) == 10
        (summary,) = store.find_traces(TraceQuery(EVER)).traces
        assert summary.span_count == 10

    def test_an_unknown_trace_beside_a_known_one_is_left_out(self, store: TraceStore):
        self.written(store, batch(span()))
        assert len(rows_of(store, 1, 2)) == 1

    # Duplicates

    def test_a_span_written_twice_counts_once_everywhere(self, store: TraceStore):
        row = span(
            attributes=VALUES | {"nan": math.nan, "zero": -0.0},
            events=[event("e", **VALUES)],
            status_code=StatusCode.ERROR.value,
        )
        self.written(store, batch(row, row), batch(row))
        assert len(rows_of(store, 1)) == 1
        (summary,) = store.find_traces(
            TraceQuery(EVER, where=attribute_is("int", 42), sort=Sort.MOST_SPANS)
        ).traces
        assert (summary.span_count, summary.error_count) == (1, 1)
        assert summary.services == (ServiceShare("gateway", 1, 1),)
        (point,) = store.find_points(TraceQuery(EVER), 10).points
        assert (point.span_count, point.error_count) == (1, 1)
        (statistics,) = store.get_service_statistics(EVER)
        assert statistics.span_count == statistics.request_count == 1
        assert statistics.error_count == 1

    def test_duplicates_do_not_change_the_order(self, store: TraceStore):
        twice = span(trace_id=trace_id(1))
        self.written(
            store,
            batch(twice, *(span(trace_id=trace_id(2)) for _ in range(2))),
            batch(twice),
            batch(twice),
        )
        assert ids_of(store, sort=Sort.MOST_SPANS) == [2, 1]

    def test_duplicates_do_not_make_a_value_more_frequent(self, store: TraceStore):
        twice = span(attributes={"k": "rare"})
        common = [span(attributes={"k": "common"}) for _ in range(2)]
        self.written(store, batch(twice, *common), batch(twice), batch(twice))
        values = store.get_attribute_values(Attribute("k"), EVER)
        assert values == ["common", "rare"]

    @pytest.mark.parametrize(
        "difference",
        [
            {"name": "other"},
            {"kind": 3},
            {"attributes": {"a": 1.0}},
            {"attributes": {"a": True}},
            {"attributes": {"a": "1"}},
            {"attributes": {"a": 1, "b": None}},
            {"resource_attributes": {}},
            {"scope_attributes": {"x": 1}},
            {"events": [event("e")]},
            {"links": [link(trace_id(1), span_id(1))]},
            {"dropped_links_count": 1},
        ],
        ids=str,
    )
    def test_spans_that_share_an_id_and_differ_are_kept(
        self, store: TraceStore, difference
    ):
        row = span(attributes={"a": 1})
        self.written(store, batch(row), batch(row | difference), batch(row))
        assert len(rows_of(store, 1)) == 2
        (summary,) = store.find_traces(TraceQuery(EVER, sort=Sort.MOST_SPANS)).traces
        assert summary.span_count == 2

    def test_zero_and_minus_zero_are_two_contents(self, store: TraceStore):
        row = span(attributes={"a": 0.0})
        self.written(store, batch(row), batch(row | {"attributes": {"a": -0.0}}))
        assert len(rows_of(store, 1)) == 2

    # Conditions

    def test_nothing_stored_does_not_match_everything(self, store: TraceStore):
        self.written(store, batch(span()))
        assert ids_of(store, where=Or(())) == []
        assert ids_of(store, where=And(())) == [1]

    @pytest.mark.parametrize(
        ("op", "value", "found"),
        [
            (Op.EQ, 2, [2, 4]),
            (Op.EQ, 2.0, [2, 4]),
            (Op.NE, 2, [1, 3, 5, 6, 7, 8, 9]),
            (Op.GT, 2, [3]),
            (Op.GE, 2, [2, 3, 4]),
            (Op.LT, 2, [1]),
            (Op.LE, 2, [1, 2, 4]),
            (Op.EQ, "2", [5]),
            (Op.NE, "2", [1, 2, 3, 4, 6, 7, 8, 9]),
            (Op.GE, "2", [5]),
            (Op.EQ, True, [6]),
            (Op.GT, False, [6]),
            (Op.LT, True, []),
            (Op.NE, True, [1, 2, 3, 4, 5, 7, 8, 9]),
            (Op.MATCH, ".*", [5]),
            (Op.NOT_MATCH, ".*", [1, 2, 3, 4, 6, 7, 8, 9]),
            (Op.EXISTS, None, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (Op.ABSENT, None, [10, 11]),
        ],
    )
    @pytest.mark.parametrize("negated", [False, True])
    def test_a_value_is_compared_with_its_own_kind_only(
        self, store: TraceStore, op, value, found, negated
    ):
        self.written(
            store,
            numbered(
                *({"k": v} for v in (1, 2, 2.5, 2.0, "2", True, b"2", [2], {"2": 2})),
                {},
                {"k": None},
            ),
        )
        where = attribute_is("k", value, op)
        if negated:
            where, found = Not(where), [n for n in range(1, 12) if n not in found]
        assert sorted(ids_of(store, where=where)) == found

    def test_integers_are_compared_exactly(self, store: TraceStore):
        self.written(store, numbered({"k": 2**53}, {"k": 2**53 + 1}, {"k": 2.0**53}))
        assert sorted(ids_of(store, where=attribute_is("k", 2**53 + 1))) == [2, 3]
        assert ids_of(store, where=attribute_is("k", 2**53, Op.GT)) == [2]
        assert len(ids_of(store, where=attribute_is("k", 2.0**53))) == 3

    def test_the_ends_of_the_integers_are_compared(self, store: TraceStore):
        self.written(store, numbered({"k": 2**63 - 1}, {"k": -(2**63)}, {"k": 2.0**63}))
        assert ids_of(store, where=attribute_is("k", -(2**63), Op.LE)) == [2]
        assert sorted(ids_of(store, where=attribute_is("k", 2**63 - 1, Op.GE))) == [
            1,
            3,
        ]

    def test_not_a_number_equals_and_orders_with_nothing(self, store: TraceStore):
        self.written(store, numbered({"k": math.nan}, {"k": 1}, {"k": math.inf}))
        for op in (Op.EQ, Op.LT, Op.LE, Op.GT, Op.GE):
            assert ids_of(store, where=attribute_is("k", math.nan, op)) == []
        assert ids_of(store, where=attribute_is("k", 1, Op.GT)) == [3]
        assert sorted(ids_of(store, where=attribute_is("k", 1, Op.NE))) == [1, 3]
        assert len(ids_of(store, where=attribute_is("k", math.nan, Op.NE))) == 3

    def test_text_is_ordered_by_its_bytes(self, store: TraceStore):
        self.written(store, numbered({"k": "\uffff"}, {"k": "\U00010000"}, {"k": "Z"}))
        assert ids_of(store, where=attribute_is("k", "\uffff", Op.GT)) == [2]
        assert ids_of(store, where=attribute_is("k", "a", Op.LT)) == [3]

    @pytest.mark.parametrize(
        "key", ["a.b", "a", "", "qu'ote\"$[0]*", "[0]", "$.a", "?"]
    )
    def test_a_key_is_taken_literally(self, store: TraceStore, key):
        others = {"a.b": 0, "a": {"b": 1}, '"a"."b"': 0, "*": 0, "a'": 0}
        others.pop(key, None)
        self.written(store, numbered(others | {key: 1}, others))
        assert ids_of(store, where=attribute_is(key, 1)) == [1]

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("GET", []),
            ("GET /a", [1]),
            ("GET.*", [1, 2]),
            ("(?i)get.*", [1, 2]),
            ("POST|GET /a", [1, 3]),
            ("GET .*b", [2]),
            ("\\QPOST", [3]),
            ("", []),
        ],
    )
    def test_a_pattern_matches_the_whole_text(self, store: TraceStore, pattern, found):
        names = ["GET /a", "GET /a\nb", "POST"]
        self.written(store, numbered(*({"k": name} for name in names)))
        where = attribute_is("k", pattern, Op.MATCH)
        assert sorted(ids_of(store, where=where)) == found

    @pytest.mark.parametrize(
        "pattern", ["(", "a)(b", "(a)\\1", "((a{100}){100}){100}", "(?=a)", "\\E"]
    )
    def test_what_is_no_pattern_is_refused(self, store: TraceStore, pattern):
        self.written(store, batch(span()))
        with pytest.raises(QueryError):
            ids_of(store, where=attribute_is("k", pattern, Op.NOT_MATCH))

    def test_a_pattern_that_would_explode_is_answered(self, store: TraceStore):
        self.written(store, numbered({"k": "a" * 5_000 + "b"}))
        assert ids_of(store, where=attribute_is("k", "^(a+)+$", Op.MATCH)) == []

    @pytest.mark.parametrize(
        ("scope", "found"),
        [
            (Scope.SPAN, [1]),
            (Scope.RESOURCE, [2]),
            (Scope.INSTRUMENTATION, [3]),
            (Scope.EVENT, [4]),
            (None, [1, 2]),
        ],
    )
    def test_each_scope_is_looked_at_alone(self, store: TraceStore, scope, found):
        here = {"k": "here"}
        self.written(
            store,
            batch(
                span(trace_id=trace_id(1), attributes=here),
                span(trace_id=trace_id(2), resource_attributes=here),
                span(trace_id=trace_id(3), scope_attributes=here),
                span(trace_id=trace_id(4), events=[event(), event(**here)]),
            ),
        )
        where = attribute_is("k", "here", scope=scope)
        assert sorted(ids_of(store, where=where)) == found
        missing = Condition(Attribute("k", scope), Op.ABSENT)
        others = [number for number in (1, 2, 3, 4) if number not in found]
        assert sorted(ids_of(store, where=missing)) == others

    @pytest.mark.parametrize("value", ["x", 1, 1.5, True])
    def test_maps_with_keys_alike_but_for_case_harm_nobody(
        self, store: TraceStore, value
    ):
        odd = {"B": 1, "b": 2}
        self.written(store, numbered({"a": odd}, {"a": value}, {"a": [odd]}, odd))
        assert ids_of(store, where=attribute_is("a", value)) == [2]
        assert len(ids_of(store, where=attribute_is("a", value, Op.NE))) == 2
        assert ids_of(store, where=attribute_is("b", 2)) == [4]
        assert store.get_attribute_values(Attribute("a"), EVER) == [value]
        assert rows_of(store, 1, 2, 3, 4)

    def test_one_event_must_satisfy_a_condition(self, store: TraceStore):
        self.written(
            store,
            batch(span(events=[event("a", n=1), event("b", n=5), event("c")])),
        )
        for where, holds in (
            (attribute_is("n", 4, Op.GT, Scope.EVENT), True),
            (attribute_is("n", 5, Op.GT, Scope.EVENT), False),
            (attribute_is("n", 1, Op.NE, Scope.EVENT), True),
            (Condition(Field.EVENT_NAME, Op.MATCH, "a|z"), True),
            (Condition(Field.EVENT_NAME, Op.EQ, "z"), False),
            (Condition(Field.EVENT_NAME, Op.NE, "a"), True),
            (Condition(Field.EVENT_NAME, Op.ABSENT), False),
        ):
            assert bool(ids_of(store, where=where)) is holds, where

    @pytest.mark.parametrize(
        ("field", "op", "value", "holds"),
        [
            (Field.NAME, Op.EQ, "GET /", True),
            (Field.NAME, Op.EQ, 1, False),
            (Field.NAME, Op.NE, 1, True),
            (Field.SERVICE_NAME, Op.MATCH, "gate.*", True),
            (Field.KIND, Op.EQ, 3, True),
            (Field.KIND, Op.EQ, "3", False),
            (Field.KIND, Op.EQ, True, False),
            (Field.KIND, Op.NOT_MATCH, "3", True),
            (Field.STATUS_CODE, Op.LT, 2, False),
            (Field.STATUS_CODE, Op.NE, math.nan, True),
            (Field.STATUS_MESSAGE, Op.EQ, "it's", True),
            (Field.STATUS_MESSAGE, Op.ABSENT, None, False),
            (Field.DURATION_NANO, Op.GE, 10 * MS, True),
            (Field.DURATION_NANO, Op.GT, 10.0 * MS, False),
            (Field.DURATION_NANO, Op.LT, math.inf, True),
            (Field.SCOPE_NAME, Op.GT, "lib", True),
            (Field.SCOPE_VERSION, Op.EXISTS, None, True),
            (Field.EVENT_NAME, Op.EXISTS, None, False),
        ],
    )
    def test_a_field_is_compared(self, store: TraceStore, field, op, value, holds):
        self.written(
            store,
            batch(
                span(kind=3, status_code=2, status_message="it's", scope_name="library")
            ),
        )
        assert bool(ids_of(store, where=Condition(field, op, value))) is holds

    def test_one_span_must_satisfy_the_whole_filter(self, store: TraceStore):
        self.written(store, batch(span(attributes={"a": 1}), span(attributes={"b": 1})))
        a, b = attribute_is("a", 1), attribute_is("b", 1)
        assert ids_of(store, where=And((a, b))) == []
        assert ids_of(store, where=Or((a, b))) == [1]
        assert ids_of(store, where=And((a, Not(b)))) == [1]

    @pytest.mark.parametrize(
        "text", ["'; DROP TABLE x; --", "$p0", "?", "\\", "%", "{}", "\0", "\U0010ffff"]
    )
    def test_no_text_is_ever_more_than_text(self, store: TraceStore, text):
        self.written(store, numbered({text: text}, {"x": 1}))
        assert ids_of(store, where=attribute_is(text, text)) == [1]
        assert ids_of(store, where=Condition(Field.NAME, Op.EQ, text)) == []
        assert store.get_span_names(text, EVER) == []
        assert store.get_attribute_values(Attribute(text), EVER, text) == [text]
        assert [one.key for one in store.get_attribute_keys(EVER, text)] == [text]

    # The window, and whole traces

    def test_the_window_is_half_open(self, store: TraceStore):
        self.written(store, batch(span()))
        assert ids_of(store, window=Window(T0, T0 + 1)) == [1]
        assert ids_of(store, window=Window(T0 - 1, T0)) == []
        assert ids_of(store, window=Window(T0 + 1, T0 + 2)) == []

    def test_a_summary_speaks_of_spans_outside_the_window_too(self, store: TraceStore):
        self.written(
            store,
            batch(span(start_ms=1, service="b", name="child")),
            batch(span(start_ms=5_000, ms=1, service="b", status_code=2)),
            batch(span(ms=20, service="a", name="root")),
        )
        window = Window(T0 + MS, T0 + 2 * MS)
        (summary,) = store.find_traces(TraceQuery(window)).traces
        assert summary.root_service_name == "a"
        assert summary.root_name == "root"
        assert summary.start_time_unix_nano == T0
        assert summary.duration_nano == 5_001 * MS
        assert (summary.span_count, summary.error_count) == (3, 1)
        assert summary.services == (ServiceShare("b", 2, 1), ServiceShare("a", 1, 0))

    def test_the_root_has_no_parent(self, store: TraceStore):
        parent = {"parent_span_id": span_id(7)}
        self.written(
            store,
            batch(
                span(name="orphan", **parent),
                span(name="late", start_ms=2, span_id=span_id(1)),
                span(name="root", start_ms=1, span_id=span_id(3)),
                span(name="tied", start_ms=1, span_id=span_id(4)),
            ),
            batch(
                span(trace_id=trace_id(2), name="later", start_ms=1, **parent),
                span(trace_id=trace_id(2), name="earliest", **parent),
            ),
        )
        found = store.find_traces(TraceQuery(EVER, sort=Sort.MOST_SPANS)).traces
        assert [summary.root_name for summary in found] == ["root", "earliest"]

    def test_a_span_that_ends_before_it_starts_ends_at_its_start(
        self, store: TraceStore
    ):
        self.written(store, batch(span(ms=1), span(start_ms=4, ms=-100)))
        (summary,) = store.find_traces(TraceQuery(EVER)).traces
        assert summary.duration_nano == 4 * MS

    def test_duration_bounds_are_inclusive_and_of_the_whole_trace(
        self, store: TraceStore
    ):
        self.written(
            store,
            batch(span(trace_id=trace_id(1), ms=1), span(trace_id=trace_id(2), ms=9)),
            batch(span(trace_id=trace_id(1), start_ms=2_000, ms=1)),
        )
        window = Window(T0, T0 + SECOND)
        whole = 2_001 * MS
        for bounds, found in (
            ({"min_trace_duration_nano": whole}, [1]),
            ({"min_trace_duration_nano": whole + 1}, []),
            ({"max_trace_duration_nano": whole}, [1, 2]),
            ({"max_trace_duration_nano": whole - 1}, [2]),
            (
                {"min_trace_duration_nano": 9 * MS, "max_trace_duration_nano": whole},
                [1, 2],
            ),
        ):
            assert sorted(ids_of(store, window=window, **bounds)) == found, bounds

    # Order and pages

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            (Sort.NEWEST, [4, 3, 2, 1]),
            (Sort.OLDEST, [1, 2, 3, 4]),
            (Sort.LONGEST, [1, 3, 4, 2]),
            (Sort.SHORTEST, [2, 3, 4, 1]),
            (Sort.MOST_SPANS, [2, 1, 3, 4]),
            (Sort.MOST_ERRORS, [3, 1, 2, 4]),
        ],
    )
    def test_traces_come_in_order_and_pages_hold_each_once(
        self, store: TraceStore, sort, order
    ):
        self.written(
            store,
            batch(
                span(trace_id=trace_id(3), start_ms=3, ms=50, status_code=2),
                span(trace_id=trace_id(1), start_ms=1, ms=90),
                span(trace_id=trace_id(4), start_ms=4, ms=50),
                *(
                    span(trace_id=trace_id(2), start_ms=2, ms=10, span_id=span_id(n))
                    for n in (8, 9)
                ),
            ),
        )
        assert ids_of(store, sort=sort) == order
        for limit in (1, 2, 3):
            assert self.walk(store, TraceQuery(EVER, sort=sort, limit=limit)) == order

    def walk(self, store: TraceStore, query: TraceQuery) -> list[int]:
        found, after = [], None
        for _ in range(100):
            page = store.find_traces(
                TraceQuery(EVER, sort=query.sort, limit=query.limit, after=after)
            )
            assert page.matched == 4
            assert len(page.traces) <= query.limit
            found += [int.from_bytes(one.trace_id, "big") for one in page.traces]
            after = page.next
            if after is None:
                return found
        raise AssertionError("the pages never end")

    def test_a_page_after_the_last_is_empty(self, store: TraceStore):
        self.written(store, batch(span()))
        result = store.find_traces(TraceQuery(EVER, after=Cursor(0, trace_id(1))))
        assert result.traces == ()
        assert (result.matched, result.next) == (1, None)

    def test_a_full_last_page_has_no_next(self, store: TraceStore):
        self.written(store, numbered({}, {}))
        assert store.find_traces(TraceQuery(EVER, limit=2)).next is None

    def test_matches_are_counted_beyond_the_limit(self, store: TraceStore):
        self.written(store, numbered(*({} for _ in range(30))))
        result = store.find_traces(TraceQuery(EVER, limit=7))
        assert (len(result.traces), result.matched) == (7, 30)
        assert result.scanned.spans >= 30
        assert result.scanned.left_out == ()

    def test_points_are_spread_over_the_traces(self, store: TraceStore):
        self.written(store, numbered(*({"n": n} for n in range(20))))
        result = store.find_points(TraceQuery(EVER, limit=1), 5)
        assert result.matched == 20
        ids = [int.from_bytes(point.trace_id, "big") for point in result.points]
        assert ids == [4, 8, 12, 16, 20]
        where = attribute_is("n", 5, Op.LT)
        assert len(store.find_points(TraceQuery(EVER, where), 5).points) == 5

    @pytest.mark.parametrize(
        "question",
        [
            {"limit": 0},
            {"limit": 10**9},
            {"window": Window(5, 5)},
            {"where": attribute_is("k", 2**63)},
            {"where": attribute_is("k", "\ud800")},
            {"where": attribute_is("\ud800", "k")},
            {"where": attribute_is("k", "\ud800", Op.MATCH)},
            {"where": And((And(()),) * 101)},
        ],
    )
    def test_a_query_beyond_the_limits_is_refused(self, store: TraceStore, question):
        with pytest.raises(QueryError):
            ids_of(store, **question)

    # Completion

    def test_services_and_names_of_the_window_come_sorted(self, store: TraceStore):
        self.written(
            store,
            batch(
                span(service="b", name="y"),
                span(service="a", name="z"),
                span(service="a", name="x"),
                span(service="late", name="w", start_ms=1_000),
            ),
        )
        window = Window(T0, T0 + SECOND)
        assert store.get_services(window) == ["a", "b"]
        assert store.get_span_names(None, window) == ["x", "y", "z"]
        assert store.get_span_names("a", window) == ["x", "z"]
        assert store.get_span_names("late", window) == []

    def test_at_most_a_thousand_span_names_come(self, store: TraceStore):
        self.written(store, batch(*(span(name=f"{n:04}") for n in range(1_001))))
        names = store.get_span_names(None, EVER)
        assert (len(names), names[0], names[-1]) == (1_000, "0000", "0999")

    def test_keys_in_use_come_with_their_scopes(self, store: TraceStore):
        self.written(
            store,
            batch(
                span(
                    attributes={"http.method": "GET", "a": {"inner": 1}},
                    resource_attributes={"http.host": "h", "a": 1},
                    scope_attributes={"http.s": 1},
                    events=[event(**{"http.e": 1})],
                ),
                span(start_ms=10_000, attributes={"http.late": 1}),
            ),
        )
        window = Window(T0, T0 + SECOND)
        assert store.get_attribute_keys(window) == [
            Attribute("a", Scope.RESOURCE),
            Attribute("a", Scope.SPAN),
            Attribute("http.e", Scope.EVENT),
            Attribute("http.host", Scope.RESOURCE),
            Attribute("http.method", Scope.SPAN),
            Attribute("http.s", Scope.INSTRUMENTATION),
        ]
        assert [one.key for one in store.get_attribute_keys(window, "http.")] == [
            "http.e",
            "http.host",
            "http.method",
            "http.s",
        ]
        assert len(store.get_attribute_keys(window, limit=2)) == 2

    def test_values_come_with_their_types_most_frequent_first(self, store: TraceStore):
        values = ["x", 1, 1, 1, "1", 1.0, True, True, 1.5, [1], {"a": 1}, b"1", None]
        self.written(store, numbered(*({"k": value} for value in values)))
        found = store.get_attribute_values(Attribute("k"), EVER)
        assert [(value, type(value)) for value in found] == [
            (1, int),
            (True, bool),
            ("1", str),
            (1.0, float),
            (1.5, float),
            ("x", str),
        ]

    def test_values_are_completed_by_their_text(self, store: TraceStore):
        values = [15, 1.5, "1%", "POST", True]
        self.written(store, numbered(*({"k": value} for value in values)))
        for prefix, found in (
            ("1", ["1%", 1.5, 15]),
            ("1%", ["1%"]),
            ("tr", [True]),
            ("P", ["POST"]),
            ("O", []),
        ):
            assert store.get_attribute_values(Attribute("k"), EVER, prefix) == found
        assert store.get_attribute_values(Attribute("k"), EVER, limit=1) == ["1%"]

    @pytest.mark.parametrize("scope", list(Scope))
    def test_values_of_each_scope_are_their_own(self, store: TraceStore, scope):
        self.written(
            store,
            batch(
                span(
                    attributes={"k": "span"},
                    resource_attributes={"k": "resource"},
                    scope_attributes={"k": "instrumentation"},
                    events=[event(k="event")],
                )
            ),
        )
        assert store.get_attribute_values(Attribute("k", scope), EVER) == [scope.value]

    # Statistics

    def test_a_service_is_measured_by_what_it_was_asked(self, store: TraceStore):
        self.written(
            store,
            batch(
                *(span(kind=2, ms=ms, service="a") for ms in range(1, 100)),
                span(kind=5, ms=100, service="a", status_code=2, start_ms=7),
                span(kind=2, ms=-1, service="a"),
                span(kind=3, ms=5_000, service="a", status_code=2),
                span(kind=1, ms=3, service="b", status_code=2),
                span(kind=1, ms=-3, service="negative"),
                span(service="late", start_ms=60_000),
            ),
        )
        a, b, negative = store.get_service_statistics(Window(T0, T0 + SECOND))
        assert (a.service_name, a.span_count, a.request_count) == ("a", 102, 101)
        assert a.error_count == 1
        assert (a.p50_nano, a.p95_nano, a.p99_nano) == (50 * MS, 95 * MS, 99 * MS)
        assert a.last_seen_unix_nano == T0 + 7 * MS
        assert (b.request_count, b.error_count, b.p99_nano) == (1, 1, 3 * MS)
        assert negative.request_count == 1
        assert negative.p50_nano is None

    def test_an_excerpt_is_of_whole_traces_within_reach(self, store):
        first, second = trace_id(1), trace_id(2)
        store.write(
            batch(
                span(trace_id=first, span_id=span_id(1), start_ms=0),
                span(trace_id=first, span_id=span_id(2), start_ms=60),
                span(trace_id=first, span_id=span_id(3), start_ms=200),
                span(trace_id=second, span_id=span_id(4), start_ms=20),
            )
        )
        window = Window(T0, T0 + 10 * MS)
        found = store.get_excerpt(window, 100 * MS, [])
        assert sorted(found["span_id"].to_pylist()) == [span_id(1), span_id(2)]
        assert found.schema == excerpt_schema([])

    def test_an_excerpt_has_attributes_as_text(self, store):
        store.write(batch(span(attributes=VALUES)))
        keys = [*VALUES, "missing"]
        found = store.get_excerpt(EVER, 0, keys).to_pylist()[0]
        expected = dict.fromkeys(keys) | {
            key: value if isinstance(value, str) else str(value).lower()
            for key, value in VALUES.items()
            if isinstance(value, str | int)
        }
        assert {key: found[f"attributes.{key}"] for key in keys} == expected

    def test_an_excerpt_has_what_failed_and_what_is_linked(self, store):
        events = [
            event("exception", **{"exception.type": "First"}),
            event("exception", **{"exception.type": "E", "exception.message": "why"}),
            event("other", **{"exception.type": "no"}),
        ]
        linked = {"trace_id": trace_id(7), "span_id": span_id(8)}
        store.write(
            batch(
                span(name="fine", events=events),
                span(
                    name="failed",
                    events=events,
                    status_code=2,
                    links=[link(trace_id(7), span_id(8))],
                ),
            )
        )
        found = {row["name"]: row for row in store.get_excerpt(EVER, 0, []).to_pylist()}
        assert found["fine"]["exception_type"] is None
        assert found["failed"]["exception_type"] == "E"
        assert found["failed"]["exception_message"] == "why"
        assert found["failed"]["links"] == [linked]
        assert found["fine"]["links"] == []

    def test_an_excerpt_has_a_span_that_was_sent_twice_once(self, store):
        sent = span(attributes={"a": 1}), span(attributes={"a": 2})
        twins = [dict(one) | {"span_id": span_id(5)} for one in sent]
        store.write(batch(*sent))
        store.write(batch(*sent, *twins))
        found = store.get_excerpt(EVER, 0, ["a"])
        assert sorted(found["attributes.a"].to_pylist()) == ["1", "1", "2", "2"]

    def test_an_excerpt_of_nothing_has_its_columns(self, store):
        assert store.get_excerpt(EVER, 0, ["a"]).schema == excerpt_schema(["a"])

    def test_a_sample_is_of_whole_traces_with_the_operation(self, store):
        store.write(
            batch(
                span(trace_id=trace_id(1), span_id=span_id(1), service="a", name="x"),
                span(trace_id=trace_id(1), span_id=span_id(2), service="b", name="y"),
                span(trace_id=trace_id(2), span_id=span_id(3), service="b", name="x"),
                span(trace_id=trace_id(3), span_id=span_id(4), service="a", name="y"),
            )
        )
        found = store.get_sample(EVER, 0, ["k"], ("a", "x"), 10)
        assert sorted(found.spans["span_id"].to_pylist()) == [span_id(1), span_id(2)]
        assert found.spans.schema == excerpt_schema(["k"])
        assert (found.one_in, found.trace_count) == (1, 1)

    def test_the_operation_of_a_sample_must_start_in_the_window(self, store):
        late = span(trace_id=trace_id(1), span_id=span_id(2), name="x", start_ms=60)
        early = span(trace_id=trace_id(1), span_id=span_id(1), name="y")
        store.write(batch(early, late))
        window = Window(T0, T0 + 10 * MS)
        for name, expected in (("x", 0), ("y", 2)):
            found = store.get_sample(window, 100 * MS, [], ("gateway", name), 10)
            assert found.spans.num_rows == expected

    def test_a_sample_that_would_be_too_large_is_of_one_trace_in_some(self, store):
        spans = [
            span(trace_id=trace_id(n), span_id=span_id(2 * n + at), name="x")
            for n in range(200)
            for at in (0, 1)
        ]
        store.write(batch(*spans))
        samples = {}
        for most in (400, 399, 100, 3, 0):
            found = store.get_sample(EVER, 0, [], ("gateway", "x"), most)
            ids = found.spans["trace_id"].to_pylist()
            samples[most] = set(ids)
            assert len(ids) == 2 * len(samples[most]) <= most
            assert found.trace_count == 200
            expected = [
                n for n in range(200) if trace_hash(trace_id(n)) % found.one_in == 0
            ]
            assert samples[most] == set(map(trace_id, expected))
        assert len(samples[400]) == 200
        assert samples[3] <= samples[100] <= samples[399]
        assert 25 < len(samples[100]) <= 50

    def test_a_sample_of_nothing_has_its_columns(self, store):
        found = store.get_sample(EVER, 0, ["a"], ("x", "y"), 10)
        assert found.spans.schema == excerpt_schema(["a"])
        assert (found.one_in, found.trace_count) == (1, 0)
