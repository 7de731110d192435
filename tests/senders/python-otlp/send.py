"""OpenTelemetry's OTLP exporters: send.py grpc|http none|gzip HOST:PORT."""

import sys

import grpc
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http
from opentelemetry_trace import send

transport, compression, address = sys.argv[1:]
if transport == "grpc":
    chosen = grpc.Compression.Gzip if compression == "gzip" else None
    send(lambda: over_grpc.OTLPSpanExporter(address, insecure=True, compression=chosen))
else:
    url = f"http://{address}/v1/traces"
    send(lambda: over_http.OTLPSpanExporter(url, compression=Compression(compression)))
