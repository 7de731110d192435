"""Requests of any encoding to one SpanBatch, with a verdict on each request."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from traces.collections_paused import no_collections
from traces.receivers import (
    jaeger_json,
    jaeger_protobuf,
    jaeger_thrift,
    otlp,
    zipkin_json,
    zipkin_protobuf,
    zipkin_v1_json,
    zipkin_v1_thrift,
)
from traces.receivers.encodings import Encoding
from traces.receivers.limits import Limits
from traces.receivers.span_columns import to_batch
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import Reader, require_few_items
from traces.spans import SpanBatch, empty_batch

# Larger, and the columns leave the processor's cache: a third slower.
_CHUNK_BYTES = 1 << 22

READERS: Final[dict[Encoding, Reader]] = {
    Encoding.OTLP_PROTOBUF: otlp.read_protobuf,
    Encoding.OTLP_JSON: otlp.read_json,
    Encoding.JAEGER_COMPACT: jaeger_thrift.read_compact_messages,
    Encoding.JAEGER_BINARY: jaeger_thrift.read_binary_messages,
    Encoding.JAEGER_THRIFT: jaeger_thrift.read_batches,
    Encoding.JAEGER_PROTOBUF: jaeger_protobuf.read_requests,
    Encoding.JAEGER_JSON: jaeger_json.read_documents,
    Encoding.ZIPKIN_JSON: zipkin_json.read_json,
    Encoding.ZIPKIN_PROTOBUF: zipkin_protobuf.read_protobuf,
    Encoding.ZIPKIN_V1_JSON: zipkin_v1_json.read_json,
    Encoding.ZIPKIN_V1_THRIFT: zipkin_v1_thrift.read_thrift,
}


class Decoded(NamedTuple):
    """The good spans of all requests in their order, and a verdict on each."""

    batch: SpanBatch
    verdicts: list[Verdict]


def decode(bodies: Sequence[bytes], encoding: Encoding, limits: Limits) -> Decoded:
    """A bad request does not touch its neighbours: its verdict holds the error."""
    if not bodies:
        return Decoded(empty_batch(), [])
    chunks = _chunks(bodies)
    if len(chunks) == 1:
        return _decode_chunk(bodies, encoding, limits)
    return _join([_decode_chunk(chunk, encoding, limits) for chunk in chunks])


def _chunks(bodies: Sequence[bytes]) -> list[list[bytes]]:
    chunks: list[list[bytes]] = []
    left = 0
    for body in bodies:
        if left <= 0:
            chunks.append([])
            left = _CHUNK_BYTES
        chunks[-1].append(body)
        left -= len(body)
    return chunks


def _join(parts: Sequence[Decoded]) -> Decoded:
    batch = pa.concat_tables([part.batch for part in parts])
    return Decoded(batch, [verdict for part in parts for verdict in part.verdicts])


def _decode_chunk(
    bodies: Sequence[bytes], encoding: Encoding, limits: Limits
) -> Decoded:
    try:
        return _decode_together(bodies, encoding, limits)
    except BadRequest as error:
        if len(bodies) == 1:
            return Decoded(empty_batch(), [Verdict(error=error)])
    except pa.ArrowException:
        # Together they may be more than one Arrow array holds.
        if len(bodies) == 1:
            raise
    # Halves, because most of many are good and a call costs as much as many spans.
    middle = len(bodies) // 2
    return _join(
        [
            _decode_chunk(half, encoding, limits)
            for half in (bodies[:middle], bodies[middle:])
        ]
    )


def _decode_together(
    bodies: Sequence[bytes], encoding: Encoding, limits: Limits
) -> Decoded:
    with no_collections():
        read = READERS[encoding](bodies, limits)
    require_few_items(read.wire, limits)
    return _refuse_hopeless(to_batch(read, limits), read.verdicts)


def _refuse_hopeless(batch: SpanBatch, verdicts: list[Verdict]) -> Decoded:
    """A request of bad spans alone is a bad request."""
    for verdict in verdicts:
        if verdict.spans and not verdict.accepted_spans:
            verdict.error = BadRequest(verdict.message)
    return Decoded(batch, verdicts)
