"""Random spans and questions, from few enough words that they often meet."""

from hypothesis import strategies as st

from tests.builders import MS, T0, batch, event, link, span, span_id, trace_id
from traces.query import (
    And,
    Attribute,
    Condition,
    Field,
    Not,
    Op,
    Or,
    Scope,
    Sort,
    TraceQuery,
    Window,
)

WORDS = ["", "a", "A", "a.b", "é", "1", "1.5", "true", "a\nb", "a\0b", "it's", "$p0001"]
PATTERNS = [
    "",
    ".*",
    "a",
    "(?i)A.*",
    "a|1.*",
    "[^a]+",
    "\\Qa.b",
    "a.b",
    "\\d.*",
    "(?s).b",
]
INTEGERS = [0, 1, 2, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]

words = st.sampled_from(WORDS) | st.text(max_size=3)
numbers = st.sampled_from(INTEGERS) | st.sampled_from([float(n) for n in INTEGERS])
numbers |= st.floats() | st.sampled_from([1.5, 1e16, 1e-5, -0.0, 2.0**-1074])
scalars = words | numbers | st.booleans()
values = st.recursive(
    st.none() | scalars | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2)
    ),
    max_leaves=3,
)
keys = st.sampled_from(["k", "k", "k", "K", "a.b", "a", "", "it's"]) | words
attribute_maps = st.dictionaries(keys, values, max_size=3)

events = st.builds(
    lambda name, attributes: event(name) | {"attributes": attributes},
    words,
    attribute_maps,
)
links = st.builds(
    lambda attributes: link(trace_id(1), span_id(1)) | {"attributes": attributes},
    attribute_maps,
)


@st.composite
def spans(draw):
    small = st.integers(0, 3)
    return span(
        trace_id=trace_id(draw(st.integers(1, 6))),
        span_id=span_id(draw(small)),
        parent_span_id=draw(st.none() | st.builds(span_id, small)),
        name=draw(words),
        kind=draw(st.integers(0, 5)),
        start_time_unix_nano=T0 + draw(st.integers(0, 5)) * MS,
        duration_nano=draw(st.integers(-2, 5) | st.just(7 * MS)),
        status_code=draw(st.integers(0, 2)),
        status_message=draw(words),
        service=draw(st.sampled_from(["a", "b", "B"])),
        attributes=draw(attribute_maps),
        resource_attributes=draw(attribute_maps),
        scope_attributes=draw(attribute_maps),
        scope_name=draw(words),
        events=draw(st.lists(events, max_size=2)),
        links=draw(st.lists(links, max_size=1)),
    )


@st.composite
def batches(draw):
    """A few batches; some spans come again."""
    first = draw(st.lists(spans(), min_size=1, max_size=12))
    again = draw(st.lists(st.sampled_from(first), max_size=4))
    second = draw(st.lists(spans(), max_size=4))
    return [batch(*first), batch(*again, *second)]


subjects = st.builds(
    Attribute, keys, st.none() | st.sampled_from(list(Scope))
) | st.sampled_from(list(Field))


@st.composite
def conditions(draw):
    op = draw(st.sampled_from(list(Op)))
    value = None
    if op in (Op.MATCH, Op.NOT_MATCH):
        value = draw(st.sampled_from(PATTERNS))
    elif op not in (Op.EXISTS, Op.ABSENT):
        value = draw(scalars)
    return Condition(draw(subjects), op, value)


filters = st.recursive(
    conditions(),
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=4,
)

windows = st.just(Window(0, 2**62)) | st.builds(
    lambda start, length: Window(T0 + start * MS, T0 + (start + length) * MS),
    st.integers(-1, 4),
    st.integers(1, 4),
)
bounds = st.none() | st.sampled_from([0, 3, 5, 2 * MS, 7 * MS])

queries = st.builds(
    TraceQuery,
    window=windows,
    where=filters,
    min_trace_duration_nano=bounds,
    max_trace_duration_nano=bounds,
    sort=st.sampled_from(list(Sort)),
    limit=st.integers(1, 3),
)
