// OpenTelemetry's OTLP exporter over gRPC: send.js none|gzip HOST:PORT.
"use strict";

const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-grpc");
const { send } = require("../shared/opentelemetry_trace.js");

const [compression, address] = process.argv.slice(2);
send(() => new OTLPTraceExporter({ url: `http://${address}`, compression }));
