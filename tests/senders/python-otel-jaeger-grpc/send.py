"""OpenTelemetry's Jaeger exporter over gRPC: send.py HOST:PORT."""

import sys
import warnings

from opentelemetry.exporter.jaeger.proto.grpc import JaegerExporter
from opentelemetry_trace import send

warnings.simplefilter("ignore")
[address] = sys.argv[1:]
send(lambda: JaegerExporter(collector_endpoint=address, insecure=True))
