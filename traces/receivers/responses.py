"""What a client is told of a request that was taken, in either encoding."""

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from traces.receivers.otlp import ContentType
from traces.receivers.status import shorten
from traces.receivers.verdict import Verdict


def encode_response(verdict: Verdict, content_type: ContentType) -> bytes:
    """`partial_success` is set only when something was refused or altered."""
    if content_type is ContentType.PROTOBUF:
        return _protobuf(verdict)
    if not verdict.message:
        return b"{}"
    # Zero is a default and left out, as protobuf's own JSON does.
    partial = {"errorMessage": shorten(verdict.message)}
    if verdict.rejected_spans:
        partial["rejectedSpans"] = str(verdict.rejected_spans)
    return orjson.dumps({"partialSuccess": partial})


def _protobuf(verdict: Verdict) -> bytes:
    if not verdict.message:
        return b""
    partial = ExportTracePartialSuccess(
        rejected_spans=verdict.rejected_spans, error_message=shorten(verdict.message)
    )
    encoded: bytes = ExportTraceServiceResponse(
        partial_success=partial
    ).SerializeToString()
    return encoded
