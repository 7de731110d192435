"""The filter box's language: what it reads, what it refuses and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.query import (
    EVERY_SPAN,
    And,
    Attribute,
    Condition,
    Field,
    Not,
    Op,
    Or,
    Scope,
)
from traces.search.conditions import parse_conditions
from traces.search.printing import print_conditions
from traces.search.tokens import ConditionError

STATUS = Attribute("http.response.status_code", Scope.SPAN)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_nothing_written_is_every_span(text):
    assert parse_conditions(text) == EVERY_SPAN


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("span.http.response.status_code >= 500", Condition(STATUS, Op.GE, 500)),
        ("service = pay", Condition(Field.SERVICE_NAME, Op.EQ, "pay")),
        ("duration > 1.5s", Condition(Field.DURATION_NANO, Op.GT, 1_500_000_000)),
        ("duration > 20", Condition(Field.DURATION_NANO, Op.GT, 20_000_000)),
        ("kind = SERVER", Condition(Field.KIND, Op.EQ, 2)),
        ("status != ok", Condition(Field.STATUS_CODE, Op.NE, 1)),
        ('name =~ "GET .*"', Condition(Field.NAME, Op.MATCH, "GET .*")),
        (".user.id = 7", Condition(Attribute("user.id"), Op.EQ, 7)),
        ("unscoped.user.id = 7", Condition(Attribute("user.id"), Op.EQ, 7)),
        ("user.id = 7.0", Condition(Attribute("user.id"), Op.EQ, 7.0)),
        ('user.id = "7"', Condition(Attribute("user.id"), Op.EQ, "7")),
        ("cached=true", Condition(Attribute("cached"), Op.EQ, True)),
        (
            'event."odd key" exists',
            Condition(Attribute("odd key", Scope.EVENT), Op.EXISTS),
        ),
        ('"a \\"b\\"" absent', Condition(Attribute('a "b"'), Op.ABSENT)),
        ("exists = exists", Condition(Attribute("exists"), Op.EQ, "exists")),
        (
            "instrumentation.x < -3",
            Condition(Attribute("x", Scope.INSTRUMENTATION), Op.LT, -3),
        ),
    ],
)
def test_one_condition_reads(text, condition):
    parsed = parse_conditions(text)
    assert parsed == condition
    assert repr(parsed) == repr(condition)  # tells 1 from 1.0 and from True


A, B, C = (Condition(Attribute(key), Op.EXISTS) for key in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a exists AND b exists OR c exists", Or((And((A, B)), C))),
        ("a exists AND (b exists OR c exists)", And((A, Or((B, C))))),
        ("NOT a exists AND b exists", And((Not(A), B))),
        ("not (a exists or b exists)", Not(Or((A, B)))),
        ("a exists && !b exists || c exists", Or((And((A, Not(B))), C))),
        ("((a exists))", A),
    ],
)
def test_not_binds_tighter_than_and_and_tighter_than_or(text, tree):
    assert parse_conditions(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "word"),
    [
        ("name", 4, "expected"),
        ("name = ", 7, "value"),
        ("name = a b = 2", 9, "AND, OR"),
        ("(name = a", 0, "never closed"),
        ("name = a)", 8, "AND, OR"),
        ('name = "a', 7, "quote"),
        ("= 5", 0, "condition"),
        ("name = a AND", 12, "condition"),
        ("span. = 5", 5, "key"),
        ("kind = table", 7, "server"),
        ("duration > soon", 11, "duration"),
        ("duration =~ x", 12, "pattern"),
        ("x = 99999999999999999999", 4, "64 bits"),
        ("a & b", 2, "not expected"),
    ],
)
def test_an_error_says_what_and_where(text, position, word):
    with pytest.raises(ConditionError, match=word) as caught:
        parse_conditions(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("(" * 5000, "nested"),
        ("NOT " * 4000 + "a exists", "nested"),
        (" AND ".join(["a exists"] * 101), "100 conditions"),
        (f"name = {'x' * 20_000}", "16384 bytes"),
        (f"name =~ {'x' * 1_001}", "1000 bytes"),
    ],
)
def test_a_filter_that_is_too_much_is_refused(text, word):
    with pytest.raises(ConditionError, match=word):
        parse_conditions(text)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
keys = st.builds(Attribute, texts.filter(bool), st.none() | st.sampled_from(Scope))
text_fields = st.sampled_from([Field.NAME, Field.SERVICE_NAME, Field.EVENT_NAME])
compares = st.sampled_from([Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE])
matches = st.sampled_from([Op.MATCH, Op.NOT_MATCH])
presence = st.sampled_from([Op.EXISTS, Op.ABSENT])
lengths = st.integers(0, 2**63 - 1)
conditions = st.one_of(
    st.builds(Condition, keys, compares, texts | numbers | st.booleans()),
    st.builds(Condition, keys | text_fields, matches, texts),
    st.builds(Condition, keys | text_fields, presence),
    st.builds(Condition, text_fields, compares, texts),
    st.builds(Condition, st.just(Field.DURATION_NANO), compares, lengths),
    st.builds(Condition, st.just(Field.KIND), compares, st.integers(0, 5)),
    st.builds(Condition, st.just(Field.STATUS_CODE), compares, st.integers(0, 2)),
)


def groups(inner):
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


@given(st.recursive(conditions, groups, max_leaves=12) | st.just(EVERY_SPAN))
def test_a_printed_tree_reads_back_the_same(tree):
    again = parse_conditions(print_conditions(tree))
    assert again == tree
    assert repr(again) == repr(tree)  # tells 1 from 1.0 and from True


@given(st.text(max_size=60) | st.text('ab."()=!~<>& |\\ANDORT', max_size=60))
def test_any_text_parses_or_is_refused_with_a_place(text):
    position = position_of_error(text)
    assert position is None or 0 <= position <= len(text)


def position_of_error(text):
    try:
        parse_conditions(text)
    except ConditionError as error:
        return error.position
    return None
