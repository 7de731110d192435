"""OpenTelemetry's own SDKs over OTLP, by gRPC and HTTP, plain and gzipped."""

import pytest

from tests.receivers.serving import running
from tests.senders.deliveries import DELIVERIES, Deliver
from tests.senders.opentelemetry import (
    NANO_AFTER_THE_STEP,
    is_python,
    opentelemetry_trace,
    order_attributes,
    thrown,
)
from tests.senders.view import Event, seen
from tests.senders.ways import OTLP, Way
from traces.variant import decode_attributes


@pytest.mark.parametrize("deliver", DELIVERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", OTLP, ids=str)
def test_a_trace_arrives_as_the_sdk_made_it(way: Way, deliver: Deliver):
    with running() as server:
        sent = deliver(way, server)
    found = seen(server.store.spans, sent, more_nano=NANO_AFTER_THE_STEP)
    assert found == opentelemetry_trace(
        order=order_attributes(way),
        checked=Event("cart checked", 1, {"step": 1}),
        exception=Event("exception", 5, thrown(way)),
        links=[("POST /order", {"why": "batch"})],
    )
    for row in server.store.spans.to_pylist():
        resource = decode_attributes(row["resource_attributes"])
        assert resource["service.version"] == "2.0"
        language = "python" if is_python(way) else "nodejs"
        assert resource["telemetry.sdk.language"] == language
        shop = row["service_name"] == "shop"
        scope = ("orders", "1.2") if shop else ("packing", "")
        assert (row["scope_name"], row["scope_version"]) == scope
