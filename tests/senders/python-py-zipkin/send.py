"""py-zipkin: send.py v1-json|v2-json|v2-proto HOST:PORT."""

import sys

from py_zipkin import Encoding
from zipkin_trace import send

encoding, address = sys.argv[1:]
CONTENT = {
    "v1-json": (Encoding.V1_JSON, "application/json"),
    "v2-json": (Encoding.V2_JSON, "application/json"),
    "v2-proto": (Encoding.V2_PROTO3, "application/x-protobuf"),
}
chosen, content_type = CONTENT[encoding]
# A v1 sender of its time makes ids of 64 bits.
send(address, encoding[:2], content_type, chosen, wide_ids=encoding != "v1-json")
