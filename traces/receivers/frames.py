"""How OTLP messages lie in a file of protobuf: one alone, or many with their lengths.

Nothing in such a file says which, so the lengths nested in the first message decide:
they must fit within one another.
"""

from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO, Final

from traces.receivers.json_fields import UnreadableDocument

LENGTH_BYTES: Final = 4
_LONGEST_VARINT = 5
_FIELD_1 = 0x0A
# The length-delimited fields of ExportTraceServiceRequest, ResourceSpans, and of what
# a ResourceSpans begins with.
_TAGS_BY_LEVEL: Final = (
    frozenset({_FIELD_1}),
    frozenset({_FIELD_1, 0x12, 0x1A}),
    frozenset({_FIELD_1, 0x12, 0x1A}),
)


class Framing(Enum):
    WHOLE = "one message"
    VARINT = "messages after their length as a varint"
    UINT32_LE = "messages after their length as a little-endian 32-bit number"
    # The Collector's file exporter writes these.
    UINT32_BE = "messages after their length as a big-endian 32-bit number"


_PREFIXED: Final = (Framing.VARINT, Framing.UINT32_LE, Framing.UINT32_BE)


def tell_framing(prefix: bytes) -> Framing:
    """The framing, from the beginning of the file.

    Raises UnreadableDocument when it is none of these, or could be two.
    """
    if _is_message(prefix, 0, None, 0):
        fitting = {Framing.WHOLE: 0}
    else:
        fitting = {}
    fitting |= {f: length for f in _PREFIXED if (length := _fitting(f, prefix))}
    if not fitting:
        raise UnreadableDocument(
            "neither JSON nor OTLP protobuf; see `manage.py import --help` for what is"
            " read"
        )
    if len(fitting) > 1 and Framing.WHOLE in fitting:
        readings = " or as ".join(framing.value for framing in fitting)
        raise UnreadableDocument(f"the protobuf could be read as {readings}")
    # A length in the wrong byte order is far too long, which only the rest of the file
    # could prove; so the shortest that its content fits into.
    return min(fitting, key=lambda framing: fitting[framing])


def _fitting(framing: Framing, prefix: bytes) -> int:
    """The first message's length; zero when the prefix is not framed so."""
    length, start = _frame_length(framing, prefix)
    if length and _is_message(prefix, start, start + length, 0):
        return length
    return 0


def _frame_length(framing: Framing, prefix: bytes) -> tuple[int | None, int]:
    """The first message's length and where it starts."""
    if framing is Framing.VARINT:
        return _varint(prefix, 0)
    if len(prefix) < LENGTH_BYTES:
        return None, 0
    return _uint32(prefix[:LENGTH_BYTES], framing), LENGTH_BYTES


def _uint32(number: bytes, framing: Framing) -> int:
    return int.from_bytes(number, "little" if framing is Framing.UINT32_LE else "big")


def _varint(buffer: bytes, at: int) -> tuple[int | None, int]:
    """The number at `at` and the place after it; None when there is none."""
    value = 0
    for index, byte in enumerate(buffer[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    return None, at


def _is_message(buffer: bytes, at: int, end: int | None, level: int) -> bool:
    """Whether [at, end) is a run of the level's fields; an empty run is one.

    What lies beyond the buffer is taken on trust; without an end the last field must
    only begin within it.
    """
    if level == len(_TAGS_BY_LEVEL):
        return True
    while at < len(buffer) and (end is None or at < end):
        if buffer[at] not in _TAGS_BY_LEVEL[level]:
            return False
        length, start = _varint(buffer, at + 1)
        if length is None:
            return start + _LONGEST_VARINT > len(buffer)
        at = start + length
        fits = end is None or at <= end
        if not fits or not _is_message(buffer, start, at, level + 1):
            return False
    return True


def read_frames(stream: BinaryIO, framing: Framing, max_bytes: int) -> Iterator[bytes]:
    """The messages one by one; raises UnreadableDocument where the run breaks off."""
    number = 0
    while (length := _read_length(stream, framing)) is not None:
        number += 1
        if length > max_bytes:
            raise UnreadableDocument(
                f"message {number} is {length:,} bytes long; the limit is {max_bytes:,}"
            )
        message = stream.read(length)
        if len(message) < length:
            raise UnreadableDocument(f"the file ends within message {number}")
        yield message


def _read_length(stream: BinaryIO, framing: Framing) -> int | None:
    """None at the end of the stream."""
    if framing is Framing.VARINT:
        return _read_varint(stream)
    head = stream.read(LENGTH_BYTES)
    if not head:
        return None
    if len(head) < LENGTH_BYTES:
        raise UnreadableDocument("the file ends within a message's length")
    return _uint32(head, framing)


def _read_varint(stream: BinaryIO) -> int | None:
    read = b""
    while (byte := stream.read(1)) and len(read) < _LONGEST_VARINT:
        read += byte
        if byte[0] < 0x80:
            return _varint(read, 0)[0]
    if not read:
        return None
    raise UnreadableDocument("the file ends within a message's length, or it is broken")
