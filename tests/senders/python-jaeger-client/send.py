"""Jaeger's own client: send.py HOST AGENT-PORT [SAMPLING-PORT].

The trace of shared/opentelemetry_trace.py as OpenTracing tells it. With a sampling
port, nothing is sampled until the client was told to.
"""

import json
import sys
import time
from typing import Any

from jaeger_client import Config, ConstSampler, Span, Tracer
from jaeger_client.sampler import RemoteControlledSampler
from opentracing import child_of, follows_from
from opentracing.ext import tags

# All times are exact in binary, so the client's floats lose nothing.
START = 1_767_225_600.0
STEP = 0.0625
PATIENCE_SECONDS = 30
# The host is told by the client where it is not told here.
PROCESS = {"service.version": "2.0", "hostname": "shop-1", "ip": "192.0.2.1"}
ORDER = {
    "order.id": "o-17",
    "order.total": 12.5,
    "order.items": 2**53 + 1,
    "order.paid": True,
}


def main(host: str, agent_port: str, sampling_port: str = "") -> None:
    agent = {
        "reporting_host": host,
        "reporting_port": agent_port,
        "sampling_port": sampling_port or 1,
    }
    shop, warehouse = (tracer(each, agent) for each in ("shop", "warehouse"))
    if sampling_port:
        obey_remote_sampler(shop)
    spans = record(shop, warehouse)
    for each in (shop, warehouse):
        closed = each.close()
        wait_until(closed.done)
    ids = {span.operation_name: f"{span.span_id:016x}" for span in spans}
    print(json.dumps({"trace_id": f"{spans[0].trace_id:032x}", "spans": ids}))


def tracer(service: str, agent: dict[str, Any]) -> Tracer:
    config = {
        "local_agent": agent,
        "sampler": {"type": "const", "param": True},
        "generate_128bit_trace_id": True,
        "tags": dict(PROCESS),
    }
    return Config(config, service_name=service, validate=True).new_tracer()


def obey_remote_sampler(shop: Tracer) -> None:
    shop.sampler = RemoteControlledSampler(
        channel=shop.reporter._channel,
        service_name="shop",
        init_sampler=ConstSampler(False),
        sampling_refresh_interval=1,
    )
    wait_until(lambda: not isinstance(shop.sampler.sampler, ConstSampler))


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the server did not answer"
        time.sleep(0.01)


def record(shop: Tracer, warehouse: Tracer) -> list[Span]:
    order = start(shop, "POST /order", tags.SPAN_KIND_RPC_SERVER, 0)
    for key, value in ORDER.items():
        order.set_tag(key, value)
    order.log_kv({"event": "cart checked", "step": 1}, timestamp=at(1))
    charge = start(
        shop, "charge card", tags.SPAN_KIND_RPC_CLIENT, 2, child_of(order.context)
    )
    charge.set_tag(tags.ERROR, True)
    charge.log_kv(
        {"event": "error", "error.kind": "ValueError", "message": "card declined"},
        timestamp=at(5),
    )
    charge.finish(at(6))
    publish = start(
        shop, "publish order", tags.SPAN_KIND_PRODUCER, 8, child_of(order.context)
    )
    publish.finish(at(9))
    causes = child_of(publish.context), follows_from(order.context)
    pack = start(warehouse, "pack order", tags.SPAN_KIND_CONSUMER, 10, *causes)
    pack.finish(at(14))
    audit = start(warehouse, "audit", None, 11, follows_from(pack.context))
    audit.finish(at(12))
    order.finish(at(16))
    return [order, charge, publish, pack, audit]


def start(
    tracer: Tracer, name: str, kind: str | None, step: int, *references: Any
) -> Span:
    named = {tags.SPAN_KIND: kind} if kind else {}
    return tracer.start_span(
        name, references=list(references), tags=named, start_time=at(step)
    )


def at(step: int) -> float:
    return START + step * STEP


main(*sys.argv[1:])
