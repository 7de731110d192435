"""Jaeger's own clients, and OpenTelemetry's exporters to Jaeger."""

from typing import Any

import pytest

from tests.receivers.serving import Running, await_until, running
from tests.senders.deliveries import DELIVERIES, Deliver, live
from tests.senders.opentelemetry import (
    opentelemetry_trace,
    order_attributes,
    thrown,
)
from tests.senders.view import Event, Seen, seen
from tests.senders.ways import JAEGER, OPENTELEMETRY_JAEGER, SAMPLED_JAEGER, Way
from traces.variant import decode_attributes

FOLLOWS = {"opentracing.ref_type": "follows_from"}
# The exporter over gRPC computes its times in floats, to a part of a microsecond.
DIGITS = {"python-otel-jaeger-grpc": 4}


def await_spans(server: Running, number: int) -> None:
    """Datagrams have no answer, so the end is when all spans are stored."""
    await_until(lambda: len(server.store) >= number)


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", OPENTELEMETRY_JAEGER, ids=str)
def test_opentelemetry_s_exporters_lose_only_lists_and_names_of_events(
    way: Way, deliver: Deliver
):
    """They write an event's name where Jaeger has none, in the field `message`."""
    with running() as server:
        sent = deliver(way, server)
        await_spans(server, 4)
    found = seen(server.store.spans, sent, digits=DIGITS.get(way.sender))
    assert found == opentelemetry_trace(
        order=order_attributes(way) | {"order.skus": "('a', 'b')"},
        checked=Event("log", 1, {"message": "cart checked", "step": 1}),
        exception=Event("exception", 5, thrown(way)),
        links=[("POST /order", FOLLOWS)],
        everywhere={
            service: {"service.name": service, "service.version": "2.0"}
            for service in ("shop", "warehouse")
        },
    )
    scopes = {(s["scope_name"], s["scope_version"]) for s in rows(server)}
    assert scopes == {("orders", "1.2"), ("packing", "")}


def rows(server: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.store.spans.to_pylist()
    return found


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", JAEGER, ids=str)
def test_jaeger_s_own_clients_are_understood(way: Way, deliver: Deliver):
    with running() as server:
        sent = deliver(way, server)
        await_spans(server, 5)
    sampled = {"sampler.type": "const", "sampler.param": True}
    assert seen(server.store.spans, sent) == jaeger_trace(way, sampled)
    for row in rows(server):
        process = decode_attributes(row["resource_attributes"])
        assert process["service.version"] == "2.0"
        assert (process["hostname"], process["ip"]) == ("shop-1", "192.0.2.1")


@pytest.mark.senders
@pytest.mark.slow
@pytest.mark.parametrize("way", SAMPLED_JAEGER, ids=str)
def test_a_client_that_samples_nothing_is_told_to_sample_everything(way: Way):
    with running() as server:
        sent = live(way, server)
        await_spans(server, 5)
    sampled = {"sampler.type": "probabilistic", "sampler.param": 1.0}
    assert seen(server.store.spans, sent) == jaeger_trace(way, sampled)


def jaeger_trace(way: Way, sampled: dict[str, Any]) -> list[Seen]:
    python = way.sender.startswith("python")
    order = {
        "order.id": "o-17",
        "order.total": 12.5,
        # JavaScript's client makes every number a double.
        "order.items": 2**53 + 1 if python else 3.0,
        "order.paid": True,
    }
    declined = {
        "error.kind": "ValueError" if python else "TypeError",
        "message": "card declined",
    }
    return [
        Seen(
            "shop",
            "POST /order",
            "SERVER",
            None,
            (0, 16),
            attributes=order | sampled,
            events=[Event("cart checked", 1, {"step": 1 if python else 1.0})],
        ),
        Seen(
            "shop",
            "charge card",
            "CLIENT",
            "POST /order",
            (2, 6),
            ("ERROR", ""),
            events=[Event("error", 5, declined)],
        ),
        Seen("shop", "publish order", "PRODUCER", "POST /order", (8, 9)),
        Seen("warehouse", "audit", "INTERNAL", "pack order", (11, 12)),
        Seen(
            "warehouse",
            "pack order",
            "CONSUMER",
            "publish order",
            (10, 14),
            links=[("POST /order", FOLLOWS)],
        ),
    ]
