"""The last py-zipkin that writes Zipkin's v1 thrift: send.py HOST:PORT."""

import sys

from py_zipkin import Encoding
from zipkin_trace import send

[address] = sys.argv[1:]
send(address, "v1", "application/x-thrift", Encoding.V1_THRIFT, wide_ids=False)
