"""The whole body of an HTTP request, bounded before and after decompression."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from isal import isal_zlib

from traces.receivers.admission import Hold
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest, TooLarge

Receive = Callable[[], Awaitable[dict[str, Any]]]

_GzipError: Final[Any] = isal_zlib.error
_GZIP: Final = 31  # zlib's window bits for a gzip header and the largest window
_INFLATE_STEP = 1 << 20
# Anything larger is inflated in a thread; this much takes a few milliseconds at worst.
_INLINE_BYTES = 4_096
_IDLE_SECONDS = 20.0
PLAIN, GZIP = "identity", "gzip"
ENCODINGS: Final = {"": PLAIN, "identity": PLAIN, "gzip": GZIP, "x-gzip": GZIP}


class ClientGone(Exception):
    """The client hung up before the body was complete."""


class ClientSilent(Exception):
    """Nothing more of the body came for too long."""


async def read_body(
    receive: Receive, encoding: str, declared: int | None, limits: Limits, hold: Hold
) -> bytes:
    """Raises TooLarge, BadRequest, Unavailable, ClientGone or ClientSilent."""
    most = limits.body_bytes
    if encoding == GZIP:
        most = min(most, limits.compressed_bytes)
    if declared is not None and declared > most:
        raise too_large(most)
    body = await _read_bounded(receive, most, hold)
    if encoding == PLAIN:
        return body
    if len(body) <= _INLINE_BYTES:
        inflated = inflate(body, limits.body_bytes)
    else:
        inflated = await asyncio.to_thread(inflate, body, limits.body_bytes)
    hold.add(len(inflated))
    return inflated


def too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {most} bytes")


async def _read_bounded(receive: Receive, most: int, hold: Hold) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await _next_message(receive)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise too_large(most)
        hold.add(len(chunk))
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks) if len(chunks) > 1 else chunks[0]


async def _next_message(receive: Receive) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_IDLE_SECONDS):
            message = await receive()
    except TimeoutError:
        raise ClientSilent from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def inflate(body: bytes, most: int) -> bytes:
    """One or more gzip members, at most `most` bytes in all.

    Raises BadRequest for what is no gzip, is cut off, or has something after it.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        member = isal_zlib.decompressobj(_GZIP)
        while not member.eof:
            part = _inflate_step(member, body, min(_INFLATE_STEP, most - size + 1))
            size += len(part)
            if size > most:
                raise too_large(most)
            parts.append(part)
            body = member.unconsumed_tail
            if not part and not body and not member.eof:
                raise BadRequest("the gzip body is cut off")
        body = member.unused_data
        if not body:
            return b"".join(parts)


def _inflate_step(member: Any, body: bytes, most: int) -> bytes:
    try:
        part: bytes = member.decompress(body, most)
    except _GzipError:
        raise BadRequest("the body is not valid gzip") from None
    return part
