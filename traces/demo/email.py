"""The e-mail service: no address of its own, only a queue to read."""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from traces.demo.patterns import work
from traces.demo.queue import consume
from traces.demo.serving import stopping, traced_process

RENDER_MS = 1.0
RELAY_MS = 6.0
RELAY: dict[str, str | int] = {
    "peer.service": "mail-relay",
    "server.address": "mail-relay.example",
    "server.port": 587,
}

tracer = trace.get_tracer("shop.email")


def send_email(email: dict[str, Any]) -> None:
    """Renders one e-mail and gives it to the relay."""
    with tracer.start_as_current_span("render") as span:
        span.set_attribute("email.template", email["template"])
        work(RENDER_MS)
    with tracer.start_as_current_span("SMTP send", kind=SpanKind.CLIENT) as span:
        span.set_attributes(RELAY)
        work(RELAY_MS)


if __name__ == "__main__":
    with traced_process("email"):
        consume("emails", send_email, stopping)
