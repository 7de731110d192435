// The trace that every OpenTelemetry sender in JavaScript sends; the same as
// opentelemetry_trace.py, which describes it.
"use strict";

const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require("@opentelemetry/api");
const { defaultResource, resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, TracerProvider } = require("@opentelemetry/sdk-trace");

const START_SECONDS = 1_767_225_600;
const STEP_NANO = 62_500_000;
const ORDER = {
  "order.id": "o-17",
  "order.total": 12.5,
  "order.items": 3,
  "order.paid": true,
  "order.skus": ["a", "b"],
};

async function send(makeExporter) {
  const shop = provider("shop", makeExporter());
  const warehouse = provider("warehouse", makeExporter());
  const spans = record(shop.getTracer("orders", "1.2"), warehouse.getTracer("packing"));
  await Promise.all([shop.shutdown(), warehouse.shutdown()]);
  const ids = spans.map((span) => [span.name, span.spanContext().spanId]);
  const traceId = spans[0].spanContext().traceId;
  console.log(JSON.stringify({ trace_id: traceId, spans: Object.fromEntries(ids) }));
}

function provider(service, exporter) {
  const named = { "service.name": service, "service.version": "2.0" };
  return new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(named)),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
}

function record(shop, warehouse) {
  const order = start(shop, "POST /order", SpanKind.SERVER, 0, { attributes: ORDER });
  order.addEvent("cart checked", { step: 1 }, at(1));
  const charge = start(shop, "charge card", SpanKind.CLIENT, 2, { parent: order });
  charge.recordException(declined(), at(5));
  charge.setStatus({ code: SpanStatusCode.ERROR, message: "card declined" });
  charge.end(at(6));
  const publish = start(shop, "publish order", SpanKind.PRODUCER, 8, { parent: order });
  publish.end(at(9));
  const links = [{ context: order.spanContext(), attributes: { why: "batch" } }];
  const pack = start(warehouse, "pack order", SpanKind.CONSUMER, 10, {
    parent: publish,
    links,
  });
  pack.setStatus({ code: SpanStatusCode.OK });
  pack.end(at(14));
  order.end(at(16));
  return [order, charge, publish, pack];
}

/** Its stack is not this machine's. */
function declined() {
  const error = new TypeError("card declined");
  error.stack = "TypeError: card declined\n    at charge (shop.js:17:5)";
  return error;
}

function start(tracer, name, kind, step, { parent, ...more }) {
  const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  return tracer.startSpan(name, { kind, startTime: at(step), ...more }, context);
}

/** Seconds and nanoseconds, the SDK's own form, which is exact. */
function at(step) {
  const nano = step * STEP_NANO;
  return [START_SECONDS + Math.floor(nano / 1e9), (nano % 1e9) + 123];
}

module.exports = { send };
