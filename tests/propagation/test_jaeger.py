"""Jaeger's `uber-trace-id`."""

import pytest

from propagation import B3SinglePropagator, JaegerPropagator
from tests.propagation.headers import (
    SPAN_ID,
    TRACE_ID,
    context_of,
    extracted,
    ids_of,
    injected,
    span_context,
)

JAEGER = JaegerPropagator()
SHORT = TRACE_ID[16:]


@pytest.mark.parametrize(
    ("value", "trace_id", "flags"),
    [
        (f"{TRACE_ID}:{SPAN_ID}:0:1", TRACE_ID, 1),
        (f"{TRACE_ID}:{SPAN_ID}:0:0", TRACE_ID, 0),
        (f"{TRACE_ID}:{SPAN_ID}:0:01", TRACE_ID, 1),
        (f"{TRACE_ID}:{SPAN_ID}:0:3", TRACE_ID, 1),
        (f"{TRACE_ID}:{SPAN_ID}:0:2", TRACE_ID, 1),
        (f"{TRACE_ID}:{SPAN_ID}:0:8", TRACE_ID, 0),
        (f"{TRACE_ID}:{SPAN_ID}:{SPAN_ID}:9", TRACE_ID, 1),
        (f"{TRACE_ID}%3A{SPAN_ID}%3a0%3A1", TRACE_ID, 1),
        (f"{SHORT}:{SPAN_ID}:0:1", SHORT.rjust(32, "0"), 1),
        (f"{TRACE_ID.upper()}:{SPAN_ID.upper()}:0:1", TRACE_ID, 1),
    ],
)
def test_a_sound_header_is_continued(value, trace_id, flags):
    parent = extracted(JAEGER, {"Uber-Trace-Id": value})
    assert ids_of(parent) == (trace_id, SPAN_ID, flags)


def test_ids_come_without_their_leading_zeros():
    assert ids_of(extracted(JAEGER, {"uber-trace-id": "1f:2:0:1"})) == (
        "1f".rjust(32, "0"),
        "2".rjust(16, "0"),
        1,
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        TRACE_ID,
        f"{TRACE_ID}:{SPAN_ID}:0",
        f"{TRACE_ID}:{SPAN_ID}:0:1:1",
        f"{TRACE_ID}:{SPAN_ID}::1",
        f"{TRACE_ID}:{SPAN_ID}:0:",
        f"{TRACE_ID}:{SPAN_ID}:0:100",
        f"0:{SPAN_ID}:0:1",
        f"{TRACE_ID}:0:0:1",
        f"0{TRACE_ID}:{SPAN_ID}:0:1",
        f"{TRACE_ID}:0{SPAN_ID}:0:1",
        f"0x1f:{SPAN_ID}:0:1",
        f"+1f:{SPAN_ID}:0:1",
        f"1_f:{SPAN_ID}:0:1",
        f"{TRACE_ID}%253A{SPAN_ID}%253A0%253A1",
        f"{TRACE_ID}:{SPAN_ID}:0:1%0A",
        "%00" * 1_000_000,
    ],
)
def test_a_faulty_header_begins_a_new_trace(value):
    assert not extracted(JAEGER, {"uber-trace-id": value}).is_valid


def test_two_headers_begin_a_new_trace():
    value = f"{TRACE_ID}:{SPAN_ID}:0:1"
    assert not extracted(JAEGER, {"uber-trace-id": [value, value]}).is_valid


def test_the_longest_header_may_be_encoded_throughout():
    value = f"{TRACE_ID}:{SPAN_ID}:{SPAN_ID}:01"
    encoded = "".join(f"%{ord(character):02X}" for character in value)
    assert extracted(JAEGER, {"uber-trace-id": encoded}).is_valid


@pytest.mark.parametrize("flags", [0, 1])
def test_it_writes_full_ids_and_no_debug_flag_of_its_own(flags):
    written = injected(JAEGER, context_of(span_context(flags)))
    assert written == {"uber-trace-id": f"{TRACE_ID}:{SPAN_ID}:0:{flags}"}


def test_debug_is_handed_on_also_to_another_format():
    context = JAEGER.extract({"uber-trace-id": f"{TRACE_ID}:{SPAN_ID}:0:3"})
    assert injected(JAEGER, context)["uber-trace-id"].endswith(":0:3")
    assert injected(B3SinglePropagator(), context)["b3"].endswith("-d")
