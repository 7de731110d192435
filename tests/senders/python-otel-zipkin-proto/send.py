"""OpenTelemetry's Zipkin exporter in protobuf: send.py HOST:PORT."""

import sys

from opentelemetry.exporter.zipkin.proto.http import ZipkinExporter
from opentelemetry_trace import send

[address] = sys.argv[1:]
send(lambda: ZipkinExporter(endpoint=f"http://{address}/api/v2/spans"))
