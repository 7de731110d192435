"""B3 in one header or several."""

import pytest
from opentelemetry.context import Context

from propagation import B3MultiPropagator, B3SinglePropagator
from tests.propagation.headers import (
    OTHER_TRACE_ID,
    SPAN_ID,
    TRACE_ID,
    context_of,
    extracted,
    ids_of,
    injected,
    span_context,
)

SINGLE = B3SinglePropagator()
MULTI = B3MultiPropagator()
SHORT = TRACE_ID[16:]
IDS = {"X-B3-TraceId": TRACE_ID, "X-B3-SpanId": SPAN_ID}


@pytest.mark.parametrize(
    ("value", "trace_id", "flags"),
    [
        (f"{TRACE_ID}-{SPAN_ID}", TRACE_ID, 1),
        (f"{TRACE_ID}-{SPAN_ID}-1", TRACE_ID, 1),
        (f"{TRACE_ID}-{SPAN_ID}-0", TRACE_ID, 0),
        (f"{TRACE_ID}-{SPAN_ID}-d", TRACE_ID, 1),
        (f" {TRACE_ID}-{SPAN_ID}-1-00f067aa0ba902b7 ", TRACE_ID, 1),
        (f"{SHORT}-{SPAN_ID}-1", SHORT.rjust(32, "0"), 1),
    ],
)
def test_the_single_header_is_continued(value, trace_id, flags):
    for propagator in (SINGLE, MULTI):
        parent = extracted(propagator, {"b3": value})
        assert ids_of(parent) == (trace_id, SPAN_ID, flags)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "1",
        "d",
        TRACE_ID,
        f"{TRACE_ID[1:]}-{SPAN_ID}-1",
        f"{TRACE_ID}0-{SPAN_ID}-1",
        f"{TRACE_ID}-{SPAN_ID[1:]}-1",
        f"{TRACE_ID.upper()}-{SPAN_ID}-1",
        f"{'0' * 32}-{SPAN_ID}-1",
        f"{TRACE_ID}-{'0' * 16}-1",
        f"{TRACE_ID}-{SPAN_ID}-2",
        f"{TRACE_ID}-{SPAN_ID}-",
        f"{TRACE_ID}-{SPAN_ID}-1-",
        f"{TRACE_ID}-{SPAN_ID}-1-{SPAN_ID}-1",
        f"{TRACE_ID}-{SPAN_ID}-1\n",
        f"0x{TRACE_ID[2:]}-{SPAN_ID}-1",
    ],
)
def test_a_faulty_single_header_begins_a_new_trace(value):
    assert not extracted(SINGLE, {"b3": value}).is_valid


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({}, 1),
        ({"X-B3-Sampled": "1"}, 1),
        ({"X-B3-Sampled": "0"}, 0),
        ({"x-b3-sampled": "true"}, 1),
        ({"x-b3-sampled": "false"}, 0),
        ({"X-B3-Flags": "1"}, 1),
        ({"X-B3-Flags": "1", "X-B3-Sampled": "0"}, 1),
        ({"X-B3-Flags": "0", "X-B3-Sampled": "0"}, 0),
        ({"X-B3-ParentSpanId": "00f067aa0ba902b7"}, 1),
    ],
)
def test_several_headers_are_continued(more, flags):
    assert ids_of(extracted(MULTI, IDS | more)) == (TRACE_ID, SPAN_ID, flags)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-B3-TraceId": TRACE_ID},
        {"X-B3-SpanId": SPAN_ID},
        IDS | {"X-B3-TraceId": TRACE_ID[1:]},
        IDS | {"X-B3-TraceId": "0" * 16},
        IDS | {"X-B3-SpanId": SPAN_ID.upper()},
        IDS | {"X-B3-Sampled": "maybe"},
        IDS | {"X-B3-Sampled": "d"},
    ],
)
def test_several_headers_with_a_fault_begin_a_new_trace(headers):
    assert not extracted(MULTI, headers).is_valid


def test_a_short_trace_id_in_several_headers_is_padded():
    parent = extracted(MULTI, IDS | {"X-B3-TraceId": SHORT})
    assert ids_of(parent)[0] == SHORT.rjust(32, "0")


def test_the_single_header_comes_before_the_several():
    headers = IDS | {"b3": f"{OTHER_TRACE_ID}-{SPAN_ID}-1"}
    assert ids_of(extracted(MULTI, headers))[0] == OTHER_TRACE_ID


def test_a_faulty_single_header_leaves_the_several():
    assert ids_of(extracted(SINGLE, IDS | {"b3": "0"}))[0] == TRACE_ID


def test_the_first_of_repeated_headers_counts():
    headers = IDS | {"X-B3-TraceId": [TRACE_ID, OTHER_TRACE_ID]}
    assert ids_of(extracted(MULTI, headers))[0] == TRACE_ID


@pytest.mark.parametrize("flags", [0, 1])
def test_each_writes_its_own_form(flags):
    context = context_of(span_context(flags))
    assert injected(SINGLE, context) == {"b3": f"{TRACE_ID}-{SPAN_ID}-{flags}"}
    assert injected(MULTI, context) == {
        "x-b3-traceid": TRACE_ID,
        "x-b3-spanid": SPAN_ID,
        "x-b3-sampled": str(flags),
    }


def test_debug_is_handed_on_from_either_form_to_either():
    for context in (
        SINGLE.extract({"b3": f"{TRACE_ID}-{SPAN_ID}-d"}),
        SINGLE.extract(IDS | {"x-b3-flags": "1"}),
    ):
        assert injected(SINGLE, context)["b3"].endswith("-d")
        written = injected(MULTI, context)
        assert written["x-b3-flags"] == "1"
        assert "x-b3-sampled" not in written


def test_the_debug_flag_of_an_earlier_parent_is_forgotten():
    debugged = SINGLE.extract({"b3": f"{OTHER_TRACE_ID}-{SPAN_ID}-d"})
    context = SINGLE.extract({"b3": f"{TRACE_ID}-{SPAN_ID}-0"}, debugged)
    assert injected(SINGLE, context)["b3"].endswith("-0")


def test_nothing_is_written_without_a_span():
    assert injected(MULTI, Context()) == {}


def test_the_fields_are_those_that_may_be_written():
    assert SINGLE.fields == {"b3"}
    assert MULTI.fields == {
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
    }
