"""The context of a message, through the headers of several queues' clients."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from propagation import (
    MessageQueuePropagator,
    bytes_map_getter,
    bytes_map_setter,
    pairs_getter,
    pairs_setter,
    text_map_setter,
)
from tests.propagation.headers import (
    OTHER_TRACE_ID,
    SPAN_ID,
    TRACE_ID,
    TRACEPARENT,
    context_of,
    extracted,
    ids_of,
    injected,
    span_context,
)

QUEUE = MessageQueuePropagator()
X_IDS = {"x-trace-id": TRACE_ID, "x-span-id": SPAN_ID}
KINDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "dict of text": (dict, {}, {}),
    "dict of text, own setter": (dict, {}, {"setter": text_map_setter}),
    "dict of bytes": (
        dict,
        {"getter": bytes_map_getter},
        {"setter": bytes_map_setter},
    ),
    "list of pairs": (list, {"getter": pairs_getter}, {"setter": pairs_setter}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_producer_and_consumer_are_in_one_trace(kind):
    new_headers, extract, inject = KINDS[kind]
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    headers = new_headers()
    with tracer.start_as_current_span("send"):
        QUEUE.inject(headers, **inject)
    context = QUEUE.extract(headers, **extract)
    with tracer.start_as_current_span("process", context=context):
        pass
    sent, processed = exporter.get_finished_spans()
    assert processed.context.trace_id == sent.context.trace_id
    assert processed.parent.span_id == sent.context.span_id
    assert processed.parent.is_remote


def test_it_writes_the_ids_and_the_headers_of_w3c():
    written = injected(QUEUE, context_of(span_context(congo="1")))
    assert written == X_IDS | {"traceparent": TRACEPARENT, "tracestate": "congo=1"}
    assert set(written) == QUEUE.fields


def test_a_valid_traceparent_is_believed_before_the_ids():
    headers = X_IDS | {"traceparent": f"00-{OTHER_TRACE_ID}-{SPAN_ID}-00"}
    assert ids_of(extracted(QUEUE, headers)) == (OTHER_TRACE_ID, SPAN_ID, 0)


@pytest.mark.parametrize("bad", [{}, {"traceparent": TRACEPARENT[1:]}])
def test_without_a_valid_traceparent_the_ids_count(bad):
    headers = {"X-Trace-Id": TRACE_ID, "X-Span-Id": SPAN_ID} | bad
    assert ids_of(extracted(QUEUE, headers)) == (TRACE_ID, SPAN_ID, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-trace-id": TRACE_ID},
        {"x-span-id": SPAN_ID},
        X_IDS | {"x-trace-id": TRACE_ID[1:]},
        X_IDS | {"x-trace-id": TRACE_ID.upper()},
        X_IDS | {"x-trace-id": "0" * 32},
        X_IDS | {"x-span-id": "0" * 16},
        X_IDS | {"x-span-id": [SPAN_ID, SPAN_ID]},
        X_IDS | {"x-trace-id": 42},
        X_IDS | {"x-trace-id": None},
        {},
    ],
)
def test_faulty_ids_begin_a_new_trace(headers):
    assert not extracted(QUEUE, headers).is_valid


def test_headers_of_kafka_hold_bytes_text_nothing_and_repetitions():
    headers = [
        ("note", None),
        ("X-Trace-Id", TRACE_ID),
        ("x-span-id", SPAN_ID.encode()),
    ]
    assert ids_of(extracted(QUEUE, headers, getter=pairs_getter))[0] == TRACE_ID
    twice = [*headers, ("x-trace-id", OTHER_TRACE_ID.encode())]
    assert not extracted(QUEUE, twice, getter=pairs_getter).is_valid


def test_bytes_that_are_no_text_are_a_second_value():
    headers = [("traceparent", TRACEPARENT.encode()), ("traceparent", b"\xff")]
    assert not extracted(QUEUE, headers, getter=pairs_getter).is_valid


def test_a_dict_of_bytes_may_hold_anything_else():
    headers = {
        "x-trace-id": TRACE_ID.encode(),
        "x-span-id": SPAN_ID,
        "n": 1,
        2: b"\xff",
    }
    parent = extracted(QUEUE, headers, getter=bytes_map_getter)
    assert ids_of(parent) == (TRACE_ID, SPAN_ID, 1)


@pytest.mark.parametrize(
    ("headers", "setter", "getter"),
    [
        ({"Traceparent": "old", 7: "kept"}, text_map_setter, bytes_map_getter),
        ({"TRACEPARENT": b"old", 7: "kept"}, bytes_map_setter, bytes_map_getter),
        (
            [("TraceParent", b"old"), ("traceparent", b"older")],
            pairs_setter,
            pairs_getter,
        ),
    ],
)
def test_a_message_that_is_sent_on_carries_one_traceparent(headers, setter, getter):
    QUEUE.inject(headers, context_of(span_context()), setter=setter)
    assert ids_of(extracted(QUEUE, headers, getter=getter))[0] == TRACE_ID
