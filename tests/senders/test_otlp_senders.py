"""OpenTelemetry's own SDKs over OTLP, by gRPC and HTTP, plain and gzipped."""

import pytest

from tests.receivers.serving import Running, running
from tests.senders.environments import Sent, send
from tests.senders.view import Event, Seen, seen
from tests.senders.ways import OTLP, Way
from traces.variant import decode_attributes

pytestmark = [pytest.mark.senders, pytest.mark.slow]
NANO_AFTER_THE_STEP = 123


@pytest.mark.parametrize("way", OTLP, ids=str)
def test_a_trace_arrives_as_the_sdk_made_it(way: Way):
    with running() as server:
        sent = deliver(way, server)
    assert_as_made(way, server, sent)


def deliver(way: Way, server: Running) -> Sent:
    """An acknowledged trace is stored: there is nothing to wait for."""
    ports = {"otlp_http": server.http_port, "otlp_grpc": server.grpc_port}
    return send(way.sender, *way.to(**ports))


def assert_as_made(way: Way, server: Running, sent: Sent) -> None:
    python = way.sender.startswith("python")
    assert seen(server.store.spans, sent, NANO_AFTER_THE_STEP) == the_trace(
        items=2**53 + 1 if python else 3,
        exception="ValueError" if python else "TypeError",
    )
    for row in server.store.spans.to_pylist():
        resource = decode_attributes(row["resource_attributes"])
        assert resource["service.version"] == "2.0"
        assert resource["telemetry.sdk.language"] == ("python" if python else "nodejs")
        shop = row["service_name"] == "shop"
        scope = ("orders", "1.2") if shop else ("packing", "")
        assert (row["scope_name"], row["scope_version"]) == scope


def the_trace(*, items: int, exception: str) -> list[Seen]:
    order = {
        "order.id": "o-17",
        "order.total": 12.5,
        "order.items": items,
        "order.paid": True,
        "order.skus": ["a", "b"],
    }
    checked = Event("cart checked", 1, {"step": 1})
    thrown = {"exception.type": exception, "exception.message": "card declined"}
    return [
        Seen(
            "shop",
            "POST /order",
            "SERVER",
            None,
            (0, 16),
            attributes=order,
            events=[checked],
        ),
        Seen(
            "shop",
            "charge card",
            "CLIENT",
            "POST /order",
            (2, 6),
            ("ERROR", "card declined"),
            events=[Event("exception", 5, thrown)],
        ),
        Seen("shop", "publish order", "PRODUCER", "POST /order", (8, 9)),
        Seen(
            "warehouse",
            "pack order",
            "CONSUMER",
            "publish order",
            (10, 14),
            ("OK", ""),
            links=[("POST /order", {"why": "batch"})],
        ),
    ]
