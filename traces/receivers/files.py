"""A file of traces as batches: any form, gzipped or not, told by its content.

Line formats and runs of messages are read piece by piece, so that a file may be of any
size; a form that is one document may be as large as one request.
"""

import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from isal import igzip, isal_zlib

from traces.receivers import json_documents
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.receivers.frames import Framing, read_frames, tell_framing
from traces.receivers.json_documents import LeftOut, Readable
from traces.receivers.json_fields import UnreadableDocument
from traces.receivers.limits import limits_from_settings
from traces.receivers.verdict import Verdict
from traces.spans import SpanBatch

PEEK_BYTES: Final = 64 * 1024
_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Protobuf that begins with the same bytes has a control character before the first
# quotation mark closes, or no brace of that length could be.
_STARTS_AS_JSON = re.compile(
    rb"[ \t\r\n]*(?:\{[ \t\r\n]*(?:\"[^\x00-\x1f\"]*\"[ \t\r\n]*:|\}|\Z)"
    rb"|\[[ \t\r\n]*(?:[\[\]{]|\Z))"
)
_BLANK = re.compile(rb"[ \t\r\n]*")
_DECOMPRESSION_ERRORS: Final[tuple[Any, ...]] = (
    OSError,
    EOFError,
    zlib.error,
    isal_zlib.IsalError,
)


GROUP_BYTES: Final = 4 * 1024 * 1024
GROUP_DOCUMENTS: Final = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """What a document, line or message gave: spans, refusals, or why neither.

    The spans of many short lines come as one piece, which is of no place.
    """

    where: str = ""
    batch: SpanBatch | None = None
    refused: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    unreadable: str = ""


class CountedInput(io.RawIOBase):
    """A file or pipe that knows how much of it was read; size None is not known."""

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        self.size = size
        self.bytes_read = 0
        # Of what a pipe holds just now, not all that was asked for.
        self._read = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.bytes_read += len(chunk)
        return len(chunk)


class _BoundedInput(io.RawIOBase):
    """What is unpacked, up to a bound: a small file may unpack to any size."""

    def __init__(self, stream: Any, most_bytes: int) -> None:
        self._stream = stream
        self._most_bytes = most_bytes
        self._bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size: int = self._stream.readinto(buffer)
        self._bytes_read += size
        if self._bytes_read > self._most_bytes:
            raise UnreadableDocument(
                f"it unpacks to more than {self._most_bytes:,} bytes"
            )
        return size


@dataclass(frozen=True, slots=True)
class Undecoded:
    """A body from one place of the file."""

    where: str
    body: bytes
    encoding: Encoding


def read_pieces(
    stream: CountedInput,
    max_document_bytes: int,
    max_unpacked_bytes: int | None = None,
) -> Iterator[Piece]:
    """The pieces of a file, in order.

    A broken line is a piece that says so; what breaks the rest of the file off raises
    UnreadableDocument, after the pieces before it.
    """
    try:
        plain = _decompressed(stream, max_unpacked_bytes)
        parts = _read_plain(plain, max_document_bytes)
        yield from _decode_in_groups(parts)
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableDocument(f"the file cannot be read: {error}") from error


def _decode_in_groups(parts: Iterator[Undecoded | Piece]) -> Iterator[Piece]:
    """A call of the decoder costs as much as hundreds of spans, so few calls."""
    group: list[Undecoded] = []
    try:
        for part in parts:
            if isinstance(part, Piece):
                yield part
                continue
            if group and not _has_room(group, part):
                yield from _decoded(group)
                group = []
            group.append(part)
    except (UnreadableDocument, *_DECOMPRESSION_ERRORS):
        yield from _decoded(group)
        raise
    yield from _decoded(group)


def _has_room(group: list[Undecoded], part: Undecoded) -> bool:
    waiting = sum(len(each.body) for each in group)
    alike = part.encoding is group[0].encoding
    small = waiting + len(part.body) <= GROUP_BYTES
    return alike and small and len(group) < GROUP_DOCUMENTS


def _decoded(group: list[Undecoded]) -> Iterator[Piece]:
    if not group:
        return
    bodies = [part.body for part in group]
    decoded = decode(bodies, group[0].encoding, limits_from_settings())
    yield Piece(batch=decoded.batch)
    for part, verdict in zip(group, decoded.verdicts, strict=True):
        yield _verdict_piece(part, verdict)


def _verdict_piece(part: Undecoded, verdict: Verdict) -> Piece:
    # A request whose every span was refused has both: the refusals tell more.
    failed = verdict.error and not verdict.rejected
    return Piece(
        part.where,
        refused=verdict.rejected,
        warnings=Counter(verdict.remarks),
        unreadable=str(verdict.error) if failed else "",
    )


def _decompressed(stream: CountedInput, most: int | None) -> io.BufferedReader:
    buffered: io.BufferedReader = io.BufferedReader(stream, PEEK_BYTES)
    if not buffered.peek(len(_GZIP)).startswith(_GZIP):
        return buffered
    inflated: Any = igzip.GzipFile(fileobj=buffered, mode="rb")  # type: ignore[no-untyped-call]
    if most is not None:
        inflated = _BoundedInput(inflated, most)
    return io.BufferedReader(inflated, PEEK_BYTES)


def _read_plain(stream: io.BufferedReader, limit: int) -> Iterator[Undecoded | Piece]:
    prefix = stream.peek(PEEK_BYTES)
    if prefix.startswith(_UTF8_MARK):
        stream.read(len(_UTF8_MARK))
        prefix = stream.peek(PEEK_BYTES)
    if not prefix:
        raise UnreadableDocument("the file is empty")
    if prefix.startswith(_UTF16_MARKS):
        raise UnreadableDocument("the file is UTF-16; JSON is to be UTF-8")
    if _STARTS_AS_JSON.match(prefix) or _BLANK.fullmatch(prefix):
        yield from _read_json(stream, limit)
    else:
        yield from _read_protobuf(stream, tell_framing(prefix), limit)


def _read_json(stream: io.BufferedReader, limit: int) -> Iterator[Undecoded | Piece]:
    """Lines when the first one is a document by itself, else one document."""
    first, number = b"\n", 0
    while first.isspace():
        first, number = _read_line(stream, limit), number + 1
    if not first:
        raise UnreadableDocument("the file is blank")
    if not _is_complete(first):
        yield from _read_one_document(first, stream, limit)
        return
    yield from _line_parts(number, first)
    while line := _read_line(stream, limit):
        number += 1
        if not line.isspace():
            yield from _line_parts(number, line)


def _read_line(stream: io.BufferedReader, limit: int) -> bytes:
    line = stream.readline(limit + 1)
    if len(line) > limit:
        raise UnreadableDocument(_too_large("a line", limit))
    return line


def _too_large(what: str, limit: int) -> str:
    return f"{what} of more than {limit:,} bytes; MAX_BODY_BYTES is the limit"


def _is_complete(line: bytes) -> bool:
    try:
        json_documents.parse(line)
    except UnreadableDocument:
        return False
    return True


def _line_parts(number: int, line: bytes) -> Iterator[Undecoded | Piece]:
    where = f"line {number}"
    try:
        yield from _parts(where, line)
    except UnreadableDocument as error:
        yield Piece(where, unreadable=str(error))


def _read_one_document(
    first: bytes, stream: io.BufferedReader, limit: int
) -> Iterator[Undecoded | Piece]:
    document = first + stream.read(limit + 1 - len(first))
    if len(document) > limit:
        raise UnreadableDocument(_too_large("one JSON document", limit))
    yield from _parts("", document)


def _parts(where: str, document: bytes) -> Iterator[Undecoded | Piece]:
    for part in json_documents.read_document(document):
        yield _part(where, part)


def _part(where: str, part: Readable | LeftOut) -> Undecoded | Piece:
    match part:
        case LeftOut(what):
            return Piece(where, warnings=Counter([f"{what}: not traces, left out"]))
        case Readable(body, encoding):
            return Undecoded(where, body, encoding)


def _read_protobuf(
    stream: io.BufferedReader, framing: Framing, limit: int
) -> Iterator[Undecoded]:
    if framing is Framing.WHOLE:
        message = stream.read(limit + 1)
        if len(message) > limit:
            raise UnreadableDocument(_too_large("one protobuf message", limit))
        yield Undecoded("", message, Encoding.OTLP_PROTOBUF)
        return
    for number, message in enumerate(read_frames(stream, framing, limit), 1):
        yield Undecoded(f"message {number}", message, Encoding.OTLP_PROTOBUF)
