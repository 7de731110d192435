"""The trace that every OpenTelemetry sender in Python sends.

An order is placed in the shop: the card is declined (an error with its exception), the
order is published, and the warehouse takes it up (a link back to the order). The times
are fixed; the ids are the SDK's own and are printed as JSON.
"""

import json
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

# Whole microseconds and a bit, so that rounding down or to the nearest is the same.
START = 1_767_225_600_000_000_123
STEP = 62_500_000
ORDER = {
    "order.id": "o-17",
    "order.total": 12.5,
    "order.items": 2**53 + 1,
    "order.paid": True,
    "order.skus": ["a", "b"],
}


def send(make_exporter: Callable[[], SpanExporter]) -> None:
    shop = provider("shop", make_exporter())
    warehouse = provider("warehouse", make_exporter())
    spans = record(shop.get_tracer("orders", "1.2"), warehouse.get_tracer("packing"))
    for each in (shop, warehouse):
        each.shutdown()
    trace_id = trace.format_trace_id(spans[0].get_span_context().trace_id)
    ids = {s.name: trace.format_span_id(s.get_span_context().span_id) for s in spans}
    print(json.dumps({"trace_id": trace_id, "spans": ids}))


def provider(service: str, exporter: SpanExporter) -> TracerProvider:
    resource = Resource.create({"service.name": service, "service.version": "2.0"})
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def record(shop: trace.Tracer, warehouse: trace.Tracer) -> list[trace.Span]:
    order = start(shop, "POST /order", SpanKind.SERVER, 0, attributes=ORDER)
    order.add_event("cart checked", {"step": 1}, timestamp=at(1))
    charge = start(shop, "charge card", SpanKind.CLIENT, 2, parent=order)
    charge.record_exception(ValueError("card declined"), timestamp=at(5))
    charge.set_status(Status(StatusCode.ERROR, "card declined"))
    charge.end(at(6))
    publish = start(shop, "publish order", SpanKind.PRODUCER, 8, parent=order)
    publish.end(at(9))
    links = [Link(order.get_span_context(), {"why": "batch"})]
    pack = start(
        warehouse, "pack order", SpanKind.CONSUMER, 10, parent=publish, links=links
    )
    pack.set_status(Status(StatusCode.OK))
    pack.end(at(14))
    order.end(at(16))
    return [order, charge, publish, pack]


def start(
    tracer: trace.Tracer,
    name: str,
    kind: SpanKind,
    step: int,
    *,
    parent: trace.Span = trace.INVALID_SPAN,
    **more: object,
) -> trace.Span:
    context = trace.set_span_in_context(parent)
    return tracer.start_span(name, context, kind, start_time=at(step), **more)


def at(step: int) -> int:
    return START + step * STEP
