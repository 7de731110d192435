"""From a URL to a query and back."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tests.search.test_conditions import conditions, groups
from traces.query import (
    EVERY_SPAN,
    And,
    Condition,
    Cursor,
    Field,
    Op,
    Or,
    Sort,
    TraceQuery,
    Window,
)
from traces.search.form import FormError, SearchForm, read_form
from traces.search.translate import to_form, to_query
from traces.search.windows import parse_instant, print_instant

SECOND = 1_000_000_000
NOW = 1_790_000_000 * SECOND


def query_of(text):
    return to_query(read_form(QueryDict(text)), NOW)


def errors_of(text):
    with pytest.raises(FormError) as caught:
        query_of(text)
    return {error.parameter: error.message for error in caught.value.errors}


def test_an_empty_url_asks_for_the_newest_of_the_last_hour():
    query = query_of("")
    end = NOW + SECOND
    assert query == TraceQuery(Window(end - 3600 * SECOND, end), EVERY_SPAN, limit=20)


def test_every_field_becomes_its_condition():
    query = query_of(
        "service=a&service=b&name=GET+/&status=error&kind=server&min_duration=1s"
        "&max_duration=2s&min_span_duration=10&max_span_duration=20ms"
        "&where=x+exists&range=7d&sort=longest&limit=50"
    )
    service, *rest, where = query.where.parts
    names = [Condition(Field.SERVICE_NAME, Op.EQ, name) for name in "ab"]
    assert service == Or(tuple(names))
    assert rest == [
        Condition(Field.NAME, Op.EQ, "GET /"),
        Condition(Field.STATUS_CODE, Op.EQ, 2),
        Condition(Field.KIND, Op.EQ, 2),
        Condition(Field.DURATION_NANO, Op.GE, 10_000_000),
        Condition(Field.DURATION_NANO, Op.LE, 20_000_000),
    ]
    assert where.op == Op.EXISTS
    durations = (query.min_trace_duration_nano, query.max_trace_duration_nano)
    assert durations == (SECOND, 2 * SECOND)
    assert (query.sort, query.limit) == (Sort.LONGEST, 50)


def test_two_instants_alone_are_a_custom_range():
    query = query_of("from=2026-09-21T14:00:00Z&to=2026-09-21T16:00:00%2B01:00")
    start = parse_instant("2026-09-21T14:00:00Z")
    assert query.window == Window(start, start + 3600 * SECOND)


def test_a_chosen_range_wins_over_instants_left_in_the_form():
    form = read_form(QueryDict("range=5m&from=2026-09-21T14:00Z"))
    assert form.from_time == ""
    assert query_of("range=5m&from=nonsense").window.end_time_unix_nano == NOW + SECOND


@pytest.mark.parametrize(
    ("text", "parameter", "word"),
    [
        ("min_duration=soon", "min_duration", "10ms"),
        ("max_span_duration=-1", "max_span_duration", "10ms"),
        ("min_duration=2s&max_duration=1s", "max_duration", "shorter"),
        ("status=bad", "status", "error"),
        ("kind=x", "kind", "server"),
        ("range=9y", "range", "7d"),
        ("from=yesterday", "from", "2026"),
        ("from=2026-13-40", "from", "2026"),
        ("from=9999-12-31", "from", "2262"),
        ("to=1900-01-01", "to", "1970"),
        ("from=2026-01-02&to=2026-01-01", "to", "ends before"),
        ("sort=best", "sort", "newest"),
        ("limit=0", "limit", "1000"),
        ("limit=1001", "limit", "1000"),
        ("limit=²", "limit", "1000"),
        ("after=x", "after", "next"),
        ("where=name", "where", "expected"),
        ("name=" + "x" * 17_000, "where", "16384"),
        ("&".join(f"service=s{n}" for n in range(120)), "where", "100"),
    ],
)
def test_a_wrong_parameter_is_named(text, parameter, word):
    assert word in errors_of(text)[parameter]


def test_all_wrong_parameters_are_named_at_once():
    assert set(errors_of("limit=x&sort=x&where=(")) == {"limit", "sort", "where"}


def test_the_place_of_an_error_in_the_filter_is_kept():
    with pytest.raises(FormError) as caught:
        query_of("where=name+%3D")
    assert caught.value.errors[0].position == 6


instants = st.integers(0, 2**63 - 2)
windows = (
    st.tuples(instants, instants).map(sorted).map(lambda p: Window(p[0], p[1] + 1))
)
durations = st.none() | st.integers(0, 2**40)
cursors = st.builds(
    Cursor, st.integers(-(2**40), 2**62), st.binary(min_size=16, max_size=16)
)
filters = st.just(EVERY_SPAN) | st.recursive(conditions, groups, max_leaves=8)


@given(windows, filters, durations, durations, st.sampled_from(Sort), cursors)
def test_a_query_survives_the_url(window, where, low, high, sort, after):
    if None not in (low, high):
        low, high = sorted((low, high))
    query = TraceQuery(window, where, low, high, sort, 7, after)
    url = to_form(query).querystring(after=to_form(query).after)
    assert query_of(url.removeprefix("?")) == query


@given(instants)
def test_an_instant_reads_back_exactly(nano):
    assert parse_instant(print_instant(nano)) == nano


@pytest.mark.parametrize("digits", ["1790000000", "1790000000000", str(NOW)])
def test_unix_time_tells_its_unit_by_its_length(digits):
    assert parse_instant(digits) == NOW


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.builds(
        SearchForm,
        service=st.lists(texts.filter(bool), unique=True).map(tuple),
        name=texts.map(str.strip),
        where=texts.map(str.strip),
        kind=st.just(("server", "client")),
        limit=st.sampled_from(["20", "100"]),
    )
)
def test_a_form_survives_the_url(form):
    assert read_form(QueryDict(form.querystring().removeprefix("?"))) == form


def test_and_of_nothing_more_is_not_wrapped():
    assert query_of("where=a+exists+AND+b+exists").where == And(
        tuple(query_of(f"where={key}+exists").where for key in "ab")
    )
