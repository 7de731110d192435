"""OTLP requests to one SpanBatch, with a verdict on each request."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa

from traces.receivers.limits import Limits
from traces.receivers.otlp_json import to_protobuf
from traces.receivers.otlp_protobuf import read_requests
from traces.receivers.span_columns import to_batch
from traces.receivers.verdict import BadRequest, Verdict
from traces.spans import SpanBatch, empty_batch

# Larger, and the columns leave the processor's cache: a third slower.
_CHUNK_BYTES = 1 << 22


class ContentType(StrEnum):
    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class Decoded(NamedTuple):
    """The good spans of all requests in their order, and a verdict on each."""

    batch: SpanBatch
    verdicts: list[Verdict]


def decode(
    bodies: Sequence[bytes], content_type: ContentType, limits: Limits
) -> Decoded:
    """A bad request does not touch its neighbours: its verdict holds the error."""
    if not bodies:
        return Decoded(empty_batch(), [])
    chunks = _chunks(bodies)
    if len(chunks) == 1:
        return _decode_chunk(bodies, content_type, limits)
    return _join([_decode_chunk(chunk, content_type, limits) for chunk in chunks])


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
    bodies: Sequence[bytes], content_type: ContentType, limits: Limits
) -> Decoded:
    try:
        return _decode_together(bodies, content_type, limits)
    except BadRequest as error:
        if len(bodies) == 1:
            return Decoded(empty_batch(), [Verdict(error=error)])
    except pa.ArrowException:
        # Together they may be more than one Arrow array holds.
        if len(bodies) == 1:
            raise
    return _join([_decode_chunk([body], content_type, limits) for body in bodies])


def _decode_together(
    bodies: Sequence[bytes], content_type: ContentType, limits: Limits
) -> Decoded:
    if content_type is ContentType.JSON:
        return _decode_json(bodies, limits)
    batch, verdicts = to_batch(read_requests(bodies, limits), limits)
    return _refuse_hopeless(batch, verdicts)


def _decode_json(bodies: Sequence[bytes], limits: Limits) -> Decoded:
    transcoded = [to_protobuf(body, limits) for body in bodies]
    wire = read_requests([each.body for each in transcoded], limits)
    batch, verdicts = to_batch(wire, limits)
    for verdict, each in zip(verdicts, transcoded, strict=True):
        verdict.spans += each.rejected.total()
        verdict.rejected.update(each.rejected)
        verdict.remarks |= each.remarks
    return _refuse_hopeless(batch, verdicts)


def _refuse_hopeless(batch: SpanBatch, verdicts: list[Verdict]) -> Decoded:
    """A request of bad spans alone is a bad request."""
    for verdict in verdicts:
        if verdict.spans and not verdict.accepted_spans:
            verdict.error = BadRequest(verdict.message)
    return Decoded(batch, verdicts)
