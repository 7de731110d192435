"""OpenTelemetry's Jaeger exporter in thrift: send.py udp|http HOST:PORT."""

import sys
import warnings

from opentelemetry.exporter.jaeger.thrift import JaegerExporter
from opentelemetry_trace import send

warnings.simplefilter("ignore")
transport, address = sys.argv[1:]
if transport == "http":
    url = f"http://{address}/api/traces?format=jaeger.thrift"
    send(lambda: JaegerExporter(collector_endpoint=url))
else:
    host, port = address.split(":")
    send(lambda: JaegerExporter(agent_host_name=host, agent_port=int(port)))
