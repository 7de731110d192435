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

from traces.receivers import json_documents, otlp
from traces.receivers.frames import Framing, read_frames, tell_framing
from traces.receivers.json_documents import LeftOut, OtlpJson
from traces.receivers.json_fields import UnreadableDocument
from traces.receivers.limits import limits_from_settings
from traces.receivers.otlp import ContentType
from traces.receivers.translation import Translated
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


@dataclass(frozen=True, slots=True)
class Piece:
    """What one document, line or message gave: spans, refusals, or why neither."""

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


def read_pieces(stream: CountedInput, max_document_bytes: int) -> Iterator[Piece]:
    """The pieces of a file, in order.

    A broken line is a piece that says so; what breaks the rest of the file off raises
    UnreadableDocument.
    """
    try:
        yield from _read_plain(_decompressed(stream), max_document_bytes)
    except _DECOMPRESSION_ERRORS as error:
        raise UnreadableDocument(f"the file cannot be read: {error}") from error


def _decompressed(stream: CountedInput) -> io.BufferedReader:
    buffered: io.BufferedReader = io.BufferedReader(stream, PEEK_BYTES)
    if not buffered.peek(len(_GZIP)).startswith(_GZIP):
        return buffered
    inflated = igzip.GzipFile(fileobj=buffered, mode="rb")  # type: ignore[no-untyped-call]
    return io.BufferedReader(inflated, PEEK_BYTES)


def _read_plain(stream: io.BufferedReader, limit: int) -> Iterator[Piece]:
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


def _read_json(stream: io.BufferedReader, limit: int) -> Iterator[Piece]:
    """Lines when the first one is a document by itself, else one document."""
    first, number = b"\n", 0
    while first.isspace():
        first, number = _read_line(stream, limit), number + 1
    if not first:
        raise UnreadableDocument("the file is blank")
    if not _is_complete(first):
        yield from _read_one_document(first, stream, limit)
        return
    yield from _line_pieces(number, first)
    while line := _read_line(stream, limit):
        number += 1
        if not line.isspace():
            yield from _line_pieces(number, line)


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


def _line_pieces(number: int, line: bytes) -> Iterator[Piece]:
    where = f"line {number}"
    try:
        yield from _pieces(where, line)
    except UnreadableDocument as error:
        yield Piece(where, unreadable=str(error))


def _read_one_document(
    first: bytes, stream: io.BufferedReader, limit: int
) -> Iterator[Piece]:
    document = first + stream.read(limit + 1 - len(first))
    if len(document) > limit:
        raise UnreadableDocument(_too_large("one JSON document", limit))
    yield from _pieces("", document)


def _pieces(where: str, document: bytes) -> Iterator[Piece]:
    for part in json_documents.read_document(document):
        yield _piece(where, part)


def _piece(where: str, part: OtlpJson | Translated | LeftOut) -> Piece:
    match part:
        case LeftOut(what):
            return Piece(where, warnings=Counter([f"{what}: not traces, left out"]))
        case OtlpJson(body):
            return _decoded(where, body, ContentType.JSON)
    piece = _decoded(where, part.request.SerializeToString(), ContentType.PROTOBUF)
    piece.refused.update(part.refused)
    piece.warnings.update(part.warnings)
    return piece


def _decoded(where: str, body: bytes, content_type: ContentType) -> Piece:
    batch, [verdict] = otlp.decode([body], content_type, limits_from_settings())
    # A request whose every span was refused has both: the refusals tell more.
    if verdict.error and not verdict.rejected:
        raise UnreadableDocument(str(verdict.error))
    return Piece(where, batch, verdict.rejected, Counter(verdict.remarks))


def _read_protobuf(
    stream: io.BufferedReader, framing: Framing, limit: int
) -> Iterator[Piece]:
    if framing is Framing.WHOLE:
        message = stream.read(limit + 1)
        if len(message) > limit:
            raise UnreadableDocument(_too_large("one protobuf message", limit))
        yield _decoded("", message, ContentType.PROTOBUF)
        return
    for number, message in enumerate(read_frames(stream, framing, limit), 1):
        yield _message_piece(number, message)


def _message_piece(number: int, message: bytes) -> Piece:
    where = f"message {number}"
    try:
        return _decoded(where, message, ContentType.PROTOBUF)
    except UnreadableDocument as error:
        return Piece(where, unreadable=str(error))
