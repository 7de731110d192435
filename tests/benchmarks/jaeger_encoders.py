"""The workload's requests as Jaeger's clients would send them: a batch has one process.

Over HTTP a batch is as large as the workload's requests are, in a datagram it is what
surely fits.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.benchmarks.encoders import (
    KINDS,
    NANO_PER_MICRO,
    Requests,
    attributes_of,
    duration_micro,
)
from tests.benchmarks.workload import SPANS_PER_REQUEST
from tests.receivers import jaeger_messages
from tests.receivers.thrift_writing import Value

SPANS_PER_DATAGRAM: Final = 100


def batches(requests: Requests) -> Iterator[bytes]:
    for process, spans in _processes(requests, SPANS_PER_REQUEST):
        yield jaeger_messages.batch(*spans, **process)


def datagrams(requests: Requests) -> Iterator[bytes]:
    for process, spans in _processes(requests, SPANS_PER_DATAGRAM):
        yield jaeger_messages.datagram(*spans, **process)


def _processes(
    requests: Requests, most: int
) -> Iterator[tuple[dict[str, Any], list[Value]]]:
    """Each service's process, and at most so many of its spans."""
    processes: dict[str, dict[str, Any]] = {}
    spans: dict[str, list[Span]] = defaultdict(list)
    for request in requests:
        for group in request.resource_spans:
            tags = attributes_of(group.resource)
            service = tags.pop("service.name")
            processes[service] = {"service": service, "process_tags": tags}
            spans[service] += [s for scope in group.scope_spans for s in scope.spans]
    for service, process in processes.items():
        of_service = spans[service]
        for start in range(0, len(of_service), most):
            yield process, [_span(s) for s in of_service[start : start + most]]


def _span(span: Span) -> Value:
    tags = attributes_of(span)
    if span.kind in KINDS:
        tags["span.kind"] = KINDS[span.kind].lower()
    if span.status.code == Status.STATUS_CODE_ERROR:
        tags |= {"error": True, "otel.status_description": span.status.message}
    return jaeger_messages.span(
        high=_signed(span.trace_id[:8]),
        low=_signed(span.trace_id[8:]),
        id=_signed(span.span_id),
        parent=_signed(span.parent_span_id),
        name=span.name,
        start=span.start_time_unix_nano // NANO_PER_MICRO,
        duration=duration_micro(span),
        tags=tags,
    )


def _signed(id_: bytes) -> int:
    return int.from_bytes(id_, signed=True)
