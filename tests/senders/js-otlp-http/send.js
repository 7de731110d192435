// OpenTelemetry's OTLP exporter in JSON: send.js none|gzip HOST:PORT.
"use strict";

const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { send } = require("../shared/opentelemetry_trace.js");

const [compression, address] = process.argv.slice(2);
const url = `http://${address}/v1/traces`;
send(() => new OTLPTraceExporter({ url, compression }));
