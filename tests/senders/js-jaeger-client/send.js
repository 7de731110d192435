// Jaeger's own client: send.js udp|http HOST PORT [SAMPLING-PORT].
// The trace of python-jaeger-client. With a sampling port, nothing is sampled until the
// client was told to.
"use strict";

const { initTracer, RemoteSampler, ConstSampler } = require("jaeger-client");
const { REFERENCE_CHILD_OF, REFERENCE_FOLLOWS_FROM, Reference } = require("opentracing");

const START_MILLI = 1_767_225_600_000;
const STEP_MILLI = 62.5;
// The host is told by the client where it is not told here.
const PROCESS = { "service.version": "2.0", hostname: "shop-1", ip: "192.0.2.1" };
const ORDER = {
  "order.id": "o-17",
  "order.total": 12.5,
  "order.items": 3,
  "order.paid": true,
};

async function main(transport, host, port, samplingPort) {
  const reporter =
    transport === "http"
      ? { collectorEndpoint: `http://${host}:${port}/api/traces?format=jaeger.thrift` }
      : { agentHost: host, agentPort: Number(port) };
  const [shop, warehouse] = ["shop", "warehouse"].map((each) => tracer(each, reporter));
  if (samplingPort) await obeyRemoteSampler(shop, host, Number(samplingPort));
  const spans = record(shop, warehouse);
  await Promise.all([shop, warehouse].map(close));
  const ids = spans.map((span) => [span.operationName, span.context().spanIdStr]);
  const traceId = spans[0].context().traceIdStr;
  console.log(JSON.stringify({ trace_id: traceId, spans: Object.fromEntries(ids) }));
}

function tracer(serviceName, reporter) {
  const sampler = { type: "const", param: 1 };
  const options = { tags: PROCESS, traceId128bit: true };
  return initTracer({ serviceName, sampler, reporter }, options);
}

function obeyRemoteSampler(shop, host, port) {
  return new Promise((resolve) => {
    shop._sampler = new RemoteSampler("shop", {
      sampler: new ConstSampler(false),
      host,
      port,
      refreshInterval: 100,
      onSamplerUpdate: resolve,
    });
  });
}

function close(tracer) {
  return new Promise((resolve) => tracer.close(resolve));
}

function record(shop, warehouse) {
  const order = start(shop, "POST /order", "server", 0);
  order.addTags(ORDER);
  order.log({ event: "cart checked", step: 1 }, at(1));
  const charge = start(shop, "charge card", "client", 2, childOf(order));
  charge.setTag("error", true);
  charge.log(
    { event: "error", "error.kind": "TypeError", message: "card declined" },
    at(5),
  );
  charge.finish(at(6));
  const publish = start(shop, "publish order", "producer", 8, childOf(order));
  publish.finish(at(9));
  const causes = [childOf(publish), followsFrom(order)];
  const pack = start(warehouse, "pack order", "consumer", 10, ...causes);
  pack.finish(at(14));
  const audit = start(warehouse, "audit", undefined, 11, followsFrom(pack));
  audit.finish(at(12));
  order.finish(at(16));
  return [order, charge, publish, pack, audit];
}

function start(tracer, name, kind, step, ...references) {
  const tags = kind ? { "span.kind": kind } : {};
  return tracer.startSpan(name, { references, tags, startTime: at(step) });
}

const childOf = (span) => new Reference(REFERENCE_CHILD_OF, span.context());
const followsFrom = (span) => new Reference(REFERENCE_FOLLOWS_FROM, span.context());
const at = (step) => START_MILLI + step * STEP_MILLI;

main(...process.argv.slice(2));
