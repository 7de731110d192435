"""A filter becomes SQL in which no text of a user's stands."""

import duckdb
import pytest
from hypothesis import given, settings

from tests.builders import T0, batch, span
from tests.store import strategies
from tests.store.segment_builders import make_store
from traces.query import (
    EVERY_SPAN,
    And,
    Attribute,
    Condition,
    Field,
    Not,
    Op,
    Scope,
    TraceQuery,
    Window,
)
from traces.store.base import QueryTooExpensive
from traces.store.sql import Parameters, compile_filter, compile_hints

EVER = Window(0, 2**62)


def compiled(node) -> tuple[str, Parameters]:
    parameters = Parameters()
    return compile_filter(node, parameters), parameters


def test_every_span_needs_no_condition():
    assert compiled(EVERY_SPAN) == ("true", {})


def test_texts_are_parameters():
    node = Condition(Attribute("'key'", Scope.SPAN), Op.EQ, "'; DROP TABLE spans")
    sql, parameters = compiled(node)
    assert "DROP" not in sql
    assert "key" not in sql
    assert list(parameters.values()) == ["'key'", "'; DROP TABLE spans"]


def test_only_the_parameters_of_a_statement_are_passed():
    _, parameters = compiled(Condition(Field.NAME, Op.EQ, "a"))
    parameters.add("unused")
    assert parameters.used_in("name = $p0000") == {"p0000": "a"}


def test_many_parameters_keep_names_of_one_width():
    parameters = Parameters()
    assert len({len(parameters.add(n)) for n in range(200)}) == 1


def test_a_hint_is_given_for_what_must_hold_only():
    condition = Condition(Attribute("k", Scope.SPAN), Op.GE, 500)
    assert compile_hints(Not(condition), Parameters()) == "true"
    assert "BIGINT" in compile_hints(And((condition,)), Parameters())


@settings(deadline=None, max_examples=100)
@given(strategies.batches(), strategies.filters)
def test_a_filter_is_true_or_false_of_every_span(batches, node):
    sql, parameters = compiled(node)
    with duckdb.connect() as connection:
        connection.register("spans", batches[0])
        rows = connection.execute(
            f"SELECT DISTINCT ({sql}) FROM spans", parameters.used_in(sql)
        ).fetchall()
    assert {answer for (answer,) in rows} <= {True, False}


@pytest.mark.django_db
def test_a_query_that_takes_too_long_is_cut(tmp_path):
    store = make_store(tmp_path)
    store.write(batch(*(span(attributes={"k": "a" * 2_000}) for _ in range(5_000))))
    store.engine.close()
    hasty = make_store(tmp_path, timeout_seconds=0.001)
    patterns = And(
        tuple(Not(Condition(Attribute("k"), Op.MATCH, f"(a|b)*{n}")) for n in range(40))
    )
    with pytest.raises(QueryTooExpensive):
        hasty.find_traces(TraceQuery(Window(T0, T0 + 1), patterns))
    assert store.find_traces(TraceQuery(EVER, limit=1)).matched == 1
    hasty.engine.close()
    store.engine.close()
