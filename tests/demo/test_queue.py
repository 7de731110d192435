"""The queue between the shop's processes."""

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from traces.demo import environment, queue
from traces.demo.patterns import BAGGAGE_KEY, Pattern, current_pattern


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(environment.SPOOL, str(tmp_path))
    return tmp_path


def consumed(topic: str, count: int) -> list[Any]:
    """The bodies of the next `count` messages."""
    bodies: list[Any] = []
    enough = Event()

    def process(body: Any) -> None:
        bodies.append(body)
        if len(bodies) == count:
            enough.set()
        if body == "poison":
            raise ValueError(body)

    queue.consume(topic, process, enough)
    return bodies


def in_pattern(name: str) -> Context:
    return baggage.set_baggage(BAGGAGE_KEY, name)


@pytest.mark.usefixtures("spool")
def test_messages_come_out_in_the_order_they_went_in():
    for number in range(3):
        queue.publish("orders", {"number": number})
    assert consumed("orders", 3) == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_a_message_is_handed_out_once(spool: Path):
    queue.publish("orders", 1)
    consumed("orders", 1)
    assert queue.pending(spool) == 0


def test_a_waiting_message_is_pending(spool: Path):
    queue.publish("orders", 1)
    assert queue.pending(spool) == 1


@pytest.mark.usefixtures("spool")
def test_topics_are_apart():
    queue.publish("orders", "an order")
    queue.publish("emails", "an e-mail")
    assert consumed("emails", 1) == ["an e-mail"]


@pytest.mark.usefixtures("spool")
def test_a_message_that_cannot_be_processed_does_not_stop_the_next():
    queue.publish("orders", "poison")
    queue.publish("orders", "fine")
    assert consumed("orders", 2) == ["poison", "fine"]


@pytest.mark.usefixtures("spool")
def test_a_full_queue_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queue, "MAX_READY_MESSAGES", 2)
    queue.publish("orders", 1)
    queue.publish("orders", 2)
    with pytest.raises(queue.QueueFull, match="2 messages already wait on orders"):
        queue.publish("orders", 3)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(queue, "tracer", provider.get_tracer("test"))
    return exporter


@pytest.mark.usefixtures("spool")
def test_producer_and_consumer_are_in_one_trace(recorded: InMemorySpanExporter):
    queue.publish("orders", 1)
    consumed("orders", 1)
    sent, processed = recorded.get_finished_spans()
    assert (sent.kind, processed.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert processed.context.trace_id == sent.context.trace_id
    assert processed.parent.span_id == sent.context.span_id
    assert [link.context.span_id for link in processed.links] == [sent.context.span_id]


def test_a_message_names_trace_and_span(spool: Path, recorded: InMemorySpanExporter):
    queue.publish("orders", 1)
    (sent,) = recorded.get_finished_spans()
    (message,) = spool.glob("orders/ready/*.json")
    headers = json.loads(message.read_text())["headers"]
    assert headers["x-trace-id"] == format_trace_id(sent.context.trace_id)
    assert headers["x-span-id"] == format_span_id(sent.context.span_id)
    assert headers["x-trace-id"] in headers["traceparent"]


def test_the_pattern_travels_in_the_headers_of_a_message():
    headers: dict[str, str] = {}
    token = context.attach(in_pattern("cascade"))
    queue.inject_context(headers)
    context.detach(token)
    extracted = queue.extract_context(headers)
    assert baggage.get_baggage(BAGGAGE_KEY, extracted) == "cascade"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("bottleneck", Pattern.BOTTLENECK), ("no such pattern", Pattern.NORMAL)],
)
def test_an_unknown_pattern_is_a_normal_request(name: str, pattern: Pattern):
    token = context.attach(in_pattern(name))
    try:
        assert current_pattern() is pattern
    finally:
        context.detach(token)
