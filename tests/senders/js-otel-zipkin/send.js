// OpenTelemetry's Zipkin exporter, v2 JSON: send.js HOST:PORT.
"use strict";

const { ZipkinExporter } = require("@opentelemetry/exporter-zipkin");
const { send } = require("../shared/opentelemetry_trace.js");

const [address] = process.argv.slice(2);
send(() => new ZipkinExporter({ url: `http://${address}/api/v2/spans` }));
