// zipkin-js: send.js v1|v2 HOST:PORT.
// The trace of shared/zipkin_trace.py.
"use strict";

const {
  Annotation,
  BatchRecorder,
  ExplicitContext,
  InetAddress,
  Tracer,
  TraceId,
  jsonEncoder,
} = require("zipkin");
const { HttpLogger } = require("zipkin-transport-http");

const START_MICRO = 1_767_225_600_000_000;
const STEP_MICRO = 62_500;
const HOST = new InetAddress("127.0.0.1");
const PORTS = { shop: 8080, warehouse: 8081 };
const KINDS = {
  client: [Annotation.ClientSend, Annotation.ClientRecv],
  server: [Annotation.ServerRecv, Annotation.ServerSend],
  producer: [Annotation.ProducerStart, Annotation.ProducerStop],
  consumer: [Annotation.ConsumerStart, Annotation.ConsumerStop],
};
const ORDER = { "order.id": "o-17", "order.total": 12.5, "order.paid": true };

async function main(version, address) {
  const encoders = { v1: jsonEncoder.JSON_V1, v2: jsonEncoder.JSON_V2 };
  const logger = new HttpLogger({
    endpoint: `http://${address}/api/${version}/spans`,
    jsonEncoder: encoders[version],
    httpInterval: 10,
  });
  const recorder = new BatchRecorder({ logger });
  const done = new Promise((resolve, reject) => {
    logger.on("success", resolve);
    logger.on("error", reject);
  });
  console.log(JSON.stringify(record(recorder, { traceId128Bit: version === "v2" })));
  // The library's own timer lets the process end before it has sent.
  const alive = setTimeout(() => process.exit("nothing was sent"), 30_000);
  await done;
  clearTimeout(alive);
}

function record(recorder, options) {
  const ctxImpl = new ExplicitContext();
  const tracer = new Tracer({ ctxImpl, recorder, ...options });
  const span = (...rest) => recordSpan(tracer, ...rest);
  const order = tracer.createRootId();
  const charge = tracer.createChildId(order);
  const stock = tracer.createChildId(order);
  const publish = tracer.createChildId(order);
  const pack = tracer.createChildId(publish);
  span(charge, "shop", "client", "charge card", 2, 6, () => {
    tracer.recordBinary("error", "card declined");
    const bank = { serviceName: "bank", host: HOST, port: 9090 };
    tracer.recordAnnotation(new Annotation.ServerAddr(bank), at(2));
  });
  span(stock, "shop", "client", "get /stock", 6, 8);
  span(publish, "shop", "producer", "publish order", 8, 9);
  span(order, "shop", "server", "post /order", 0, 16, () => {
    Object.entries(ORDER).forEach(([key, value]) => tracer.recordBinary(key, value));
    tracer.recordAnnotation(new Annotation.Message("cart checked"), at(1));
  });
  span(shared(stock), "warehouse", "server", "get /stock", 6, 7, () => {
    tracer.recordBinary("stock.left", 3);
  });
  span(pack, "warehouse", "consumer", "pack order", 10, 14);
  return {
    trace_id: order.traceId,
    spans: {
      "post /order": order.spanId,
      "charge card": charge.spanId,
      "get /stock": stock.spanId,
      "publish order": publish.spanId,
      "pack order": pack.spanId,
    },
  };
}

/** The server's half of a call: the ids of the client's half. */
function shared({ traceId, parentSpanId, spanId, sampled }) {
  return new TraceId({ traceId, parentId: parentSpanId, spanId, sampled, shared: true });
}

function recordSpan(tracer, id, service, kind, name, first, last, more = () => {}) {
  const [Start, Stop] = KINDS[kind];
  tracer.letId(id, () => {
    tracer.recordServiceName(service);
    tracer.recordRpc(name);
    const local = { host: HOST, port: PORTS[service] };
    tracer.recordAnnotation(new Annotation.LocalAddr(local));
    tracer.recordAnnotation(new Start(), at(first));
    more();
    tracer.recordAnnotation(new Stop(), at(last));
  });
}

const at = (step) => START_MICRO + step * STEP_MICRO;

main(...process.argv.slice(2));
