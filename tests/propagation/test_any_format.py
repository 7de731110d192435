"""One propagator for every format, and what holds for each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.propagators.textmap import Getter

from propagation import (
    AnyFormatPropagator,
    B3MultiPropagator,
    B3SinglePropagator,
    JaegerPropagator,
    MessageQueuePropagator,
    W3CPropagator,
)
from tests.propagation.headers import (
    SPAN_ID,
    context_of,
    extracted,
    ids_of,
    injected,
    span_context,
)

ANY = AnyFormatPropagator()
EACH = (
    W3CPropagator(),
    B3SinglePropagator(),
    B3MultiPropagator(),
    JaegerPropagator(),
    MessageQueuePropagator(),
)


def trace_id(number: int) -> str:
    return f"{number:032x}"


# In the order of precedence, each with a trace id of its own.
ORDER = (
    {"traceparent": f"00-{trace_id(1)}-{SPAN_ID}-01"},
    {"b3": f"{trace_id(2)}-{SPAN_ID}-1"},
    {"x-b3-traceid": trace_id(3), "x-b3-spanid": SPAN_ID},
    {"uber-trace-id": f"{trace_id(4)}:{SPAN_ID}:0:1"},
    {"x-trace-id": trace_id(5), "x-span-id": SPAN_ID},
)


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_format_in_the_documented_order_counts(first):
    headers: dict[str, str] = {}
    for each in reversed(ORDER[first:]):
        headers |= each
    assert ids_of(extracted(ANY, headers))[0] == trace_id(first + 1)


@pytest.mark.parametrize("first", range(len(ORDER) - 1))
def test_a_format_with_a_fault_is_as_if_it_were_not_there(first):
    headers = dict.fromkeys(ORDER[first], "faulty") | ORDER[first + 1]
    assert ids_of(extracted(ANY, headers))[0] == trace_id(first + 2)


def test_it_writes_w3c_unless_told_otherwise():
    context = context_of(span_context())
    assert set(injected(ANY, context)) == {"traceparent"}
    both = AnyFormatPropagator(MessageQueuePropagator())
    assert set(injected(both, context)) == {"x-trace-id", "x-span-id", "traceparent"}
    assert both.fields == MessageQueuePropagator().fields


@pytest.mark.parametrize("propagator", EACH, ids=lambda each: type(each).__name__)
@given(
    ids=st.tuples(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1)),
    sampled=st.booleans(),
)
def test_what_one_writes_it_and_the_composite_read_back(propagator, ids, sampled):
    context = propagator.extract(
        {"b3": f"{ids[0]:032x}-{ids[1]:016x}-{sampled:d}"}
        | {"traceparent": f"00-{ids[0]:032x}-{ids[1]:016x}-{sampled:02x}"}
        | {"uber-trace-id": f"{ids[0]:x}:{ids[1]:x}:0:{sampled:d}"}
    )
    written = injected(propagator, context)
    for reader in (propagator, ANY):
        parent = extracted(reader, written)
        assert (parent.trace_id, parent.span_id) == ids
        assert parent.trace_flags.sampled == sampled


NAMES = sorted({name for each in ORDER for name in each} | {"tracestate", "x-b3-flags"})
anything = st.text() | st.none() | st.integers() | st.binary() | st.lists(st.text())


@pytest.mark.parametrize("propagator", [*EACH, ANY])
@given(headers=st.dictionaries(st.sampled_from(NAMES), anything))
def test_hostile_headers_never_raise_and_never_make_half_a_parent(propagator, headers):
    parent = extracted(propagator, headers)
    assert parent.is_valid or parent.trace_id == parent.span_id == 0


def test_headers_that_name_nothing_leave_the_context_as_it_is():
    here = context_of(span_context())
    assert ANY.extract({"traceparent": "faulty"}, here) is here
    assert ANY.extract({}) == Context()


class RawHeaders(Getter[list[tuple[bytes, bytes]]]):
    """The headers of an ASGI request: a name comes once for each of its values."""

    def get(self, carrier: list[tuple[bytes, bytes]], key: str) -> list[str] | None:
        return [value.decode() for name, value in carrier if name.decode() == key]

    def keys(self, carrier: list[tuple[bytes, bytes]]) -> list[str]:
        return [name.decode() for name, _ in carrier]


def test_a_getter_that_repeats_names_is_understood():
    headers = [(b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    headers += [(b"traceparent", f"00-{trace_id(1)}-{SPAN_ID}-01".encode())]
    parent = extracted(ANY, headers, getter=RawHeaders())
    assert parent.trace_state.to_header() == "a=1,b=2"


def test_the_getter_of_wsgi_instrumentation_is_understood():
    environ = {"HTTP_X_B3_TRACEID": trace_id(3), "HTTP_X_B3_SPANID": SPAN_ID}
    assert ids_of(extracted(ANY, environ, getter=wsgi_getter))[0] == trace_id(3)
