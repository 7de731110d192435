"""Zipkin's libraries, and OpenTelemetry's exporters to Zipkin."""

from typing import Any
from unittest.mock import ANY

import pytest

from tests.receivers.serving import running
from tests.senders.deliveries import DELIVERIES, Deliver
from tests.senders.opentelemetry import (
    is_python,
    opentelemetry_trace,
    order_attributes,
    thrown,
)
from tests.senders.view import Event, Seen, seen
from tests.senders.ways import OPENTELEMETRY_ZIPKIN, ZIPKIN, Way

HOST = "127.0.0.1"


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", OPENTELEMETRY_ZIPKIN, ids=str)
def test_opentelemetry_s_exporters_lose_only_types_and_links(
    way: Way, deliver: Deliver
):
    with running() as server:
        sent = deliver(way, server)
    python = is_python(way)
    # The exporter for JavaScript writes no attributes of events.
    assert seen(server.store.spans, sent) == opentelemetry_trace(
        order=as_texts(order_attributes(way))
        | {"order.skus": '["a","b"]' if python else "a,b"},
        checked=Event("cart checked", 1, {"step": 1} if python else {}),
        exception=Event("exception", 5, thrown(way) if python else {}),
        links=[],
        everywhere={
            service: resource_as_tags(service)
            | ({"zipkin.debug": True} if python else {})
            for service in ("shop", "warehouse")
        },
    )


def as_texts(attributes: dict[str, Any]) -> dict[str, str]:
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in attributes.items()
    }


def resource_as_tags(service: str) -> dict[str, Any]:
    return {"service.name": service, "service.version": "2.0"}


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", ZIPKIN, ids=str)
def test_zipkin_s_libraries_are_understood_in_every_format(way: Way, deliver: Deliver):
    """C1, and both halves of a span that client and server share."""
    with running() as server:
        sent = deliver(way, server)
    assert len(sent.trace_id) == (16 if is_v1(way) else 32)
    assert seen(server.store.spans, sent) == zipkin_trace(way)


def is_v1(way: Way) -> bool:
    return "thrift" in way.sender or way.arguments.startswith("v1")


def zipkin_trace(way: Way) -> list[Seen]:
    joins = ANY if is_python(way) else None
    order = {"order.id": "o-17", "order.total": "12.5", "order.paid": "true"}
    bank = {
        "service.peer.name": "bank",
        "network.peer.address": HOST,
        "network.peer.port": 9090,
    }
    shop, warehouse = at_port(8080), at_port(8081)
    return [
        Seen(
            "shop",
            "charge card",
            "CLIENT",
            "post /order",
            (2, 6),
            ("ERROR", "card declined"),
            shop | bank,
        ),
        Seen("shop", "get /stock", "CLIENT", "post /order", (6, 8), attributes=shop),
        Seen(
            "shop",
            "post /order",
            "SERVER",
            None,
            joins or (0, 16),
            attributes=shop | order,
            events=[Event("cart checked", 1)],
        ),
        Seen(
            "shop", "publish order", "PRODUCER", "post /order", (8, 9), attributes=shop
        ),
        Seen(
            "warehouse",
            "get /stock",
            "SERVER",
            "post /order",
            joins or (6, 7),
            attributes=warehouse | {"stock.left": "3", "zipkin.shared": True},
        ),
        Seen(
            "warehouse",
            "pack order",
            "CONSUMER",
            "publish order",
            (10, 14),
            # In Python a process has one address.
            attributes=shop if is_python(way) else warehouse,
        ),
    ]


def at_port(port: int) -> dict[str, Any]:
    return {"network.local.address": HOST, "network.local.port": port}
