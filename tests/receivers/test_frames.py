"""How messages lie in a file of protobuf."""

import io
import struct
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from traces.receivers.frames import Framing, read_frames, tell_framing
from traces.receivers.json_fields import UnreadableDocument


def message(service: str = "shop", spans: int = 1) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = service
    scope_spans = group.scope_spans.add()
    for number in range(1, spans + 1):
        span_id = number.to_bytes(8, "big")
        scope_spans.spans.add(trace_id=b"t" * 16, span_id=span_id, name="GET /")
    serialized: bytes = request.SerializeToString()
    return serialized


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def framed(framing: Framing, *messages: bytes) -> bytes:
    lengths: dict[Framing, Any] = {
        Framing.WHOLE: lambda length: b"",
        Framing.VARINT: varint,
        Framing.UINT32_LE: lambda length: struct.pack("<I", length),
        Framing.UINT32_BE: lambda length: struct.pack(">I", length),
    }
    return b"".join(lengths[framing](len(each)) + each for each in messages)


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("size", [0, 1, 2, 50, 91, 123, 200])
def test_the_framing_shows_in_the_lengths(framing, size):
    """Sizes at which a length is a brace or a bracket are among these."""
    for width in range(40):
        run = framed(framing, *[message("s" * (size + width), spans=2)] * 2)
        assert tell_framing(run) is framing


@pytest.mark.parametrize("framing", Framing)
def test_a_prefix_is_enough(framing):
    run = framed(framing, message("shop", spans=5_000))
    assert tell_framing(run[:1_000]) is framing


@pytest.mark.parametrize("junk", [b"\x00", b"hello there", b"\xff" * 64, b"\n" * 4096])
def test_what_is_no_protobuf_is_refused(junk):
    with pytest.raises(UnreadableDocument, match="neither JSON nor OTLP"):
        tell_framing(junk)


@pytest.mark.parametrize("framing", list(Framing)[1:])
def test_messages_are_read_one_by_one(framing):
    messages = [message("a"), message("b" * 300), b""]
    run = io.BytesIO(framed(framing, *messages))
    assert list(read_frames(run, framing, 10_000)) == messages


@pytest.mark.parametrize("framing", list(Framing)[1:])
def test_a_run_that_breaks_off_gives_its_whole_messages_first(framing):
    run = framed(framing, message("a"), message("b"))
    for missing in (1, len(message("b")), len(message("b")) + 1):
        frames = read_frames(io.BytesIO(run[:-missing]), framing, 10_000)
        assert next(frames) == message("a")
        if rest := run[len(framed(framing, message("a"))) : -missing]:
            assert rest
            with pytest.raises(UnreadableDocument, match="ends within"):
                next(frames)


def test_a_message_over_the_limit_is_refused_unread():
    run = io.BytesIO(struct.pack("<I", 2**31))
    with pytest.raises(UnreadableDocument, match="limit is 10,000"):
        list(read_frames(run, Framing.UINT32_LE, 10_000))
