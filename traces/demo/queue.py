"""A message queue between processes that needs no server: a folder per topic.

A message is a file. Publishing renames it into `ready`, consuming renames it into
`taken`; a rename succeeds for one process only. Each message is handed out once.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import Link, SpanKind

from propagation import MessageQueuePropagator
from traces.demo import environment

MAX_READY_MESSAGES = 1_000
POLL_SECONDS = 0.01
SYSTEM = "spool"

tracer = trace.get_tracer("shop.queue")
# Baggage holds the pattern that a request is to follow.
propagator = CompositePropagator([MessageQueuePropagator(), W3CBaggagePropagator()])


class QueueFull(Exception):
    """The consumers are too far behind for one more message."""


@dataclass(frozen=True)
class Message:
    """One message: its own id, string headers, and a JSON body."""

    id: str
    headers: dict[str, str]
    body: Any


def inject_context(headers: dict[str, str]) -> None:
    """Writes the current trace context into a message's headers."""
    propagator.inject(headers)


def extract_context(headers: dict[str, str]) -> Context:
    """The trace context a message's headers carry."""
    return propagator.extract(headers)


def publish(topic: str, body: object) -> str:
    """Puts a message on `topic` and returns its id; `QueueFull` beyond the limit."""
    message = Message(uuid.uuid4().hex, {}, body)
    attributes = _attributes(topic, "send", message)
    with tracer.start_as_current_span(
        f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes
    ):
        inject_context(message.headers)
        _store(topic, message)
    return message.id


def consume(topic: str, process: Callable[[Any], None], stopping: Event) -> None:
    """Gives each message's body to `process` until `stopping` is set."""
    while not stopping.is_set():
        taken = _take(topic)
        if taken is None:
            stopping.wait(POLL_SECONDS)
            continue
        try:
            _process(topic, _load(taken), process)
        finally:
            taken.unlink()


def pending(spool: Path) -> int:
    """How many messages wait or are being processed, over all topics."""
    return sum(1 for _ in spool.glob("*/*/*.json"))


def _process(topic: str, message: Message, process: Callable[[Any], None]) -> None:
    context = extract_context(message.headers)
    producer = trace.get_current_span(context).get_span_context()
    attributes = _attributes(topic, "process", message)
    try:
        with tracer.start_as_current_span(
            f"process {topic}",
            context=context,
            kind=SpanKind.CONSUMER,
            links=[Link(producer)],
            attributes=attributes,
        ):
            process(message.body)
    except Exception:
        # The span holds the exception; the next message is not to blame for it.
        return


def _attributes(topic: str, operation: str, message: Message) -> dict[str, str | int]:
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": topic,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.message.id": message.id,
        "messaging.message.body.size": len(json.dumps(message.body)),
    }


def _folder(topic: str, state: str) -> Path:
    folder = Path(os.environ[environment.SPOOL]) / topic / state
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _store(topic: str, message: Message) -> None:
    ready = _folder(topic, "ready")
    if sum(1 for _ in ready.iterdir()) >= MAX_READY_MESSAGES:
        raise QueueFull(f"{MAX_READY_MESSAGES} messages already wait on {topic}")
    unfinished = _folder(topic, "new") / message.id
    text = {"id": message.id, "headers": message.headers, "body": message.body}
    unfinished.write_text(json.dumps(text))
    unfinished.rename(ready / f"{time.time_ns()}-{message.id}.json")


def _take(topic: str) -> Path | None:
    for path in _oldest_first(topic):
        taken = _folder(topic, "taken") / path.name
        try:
            return path.rename(taken)
        except FileNotFoundError:  # another consumer was quicker
            continue
    return None


def _oldest_first(topic: str) -> Iterator[Path]:
    yield from sorted(_folder(topic, "ready").iterdir())


def _load(path: Path) -> Message:
    return Message(**json.loads(path.read_text()))
