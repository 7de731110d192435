"""Thrift bytes to Python objects, within bounds, by the library's decoder in C.

A list that claims more than there is, a text longer than its body and nesting beyond 64
levels are refused, also in fields that nobody asked for.
"""

import struct as binary
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from enum import Enum
from itertools import accumulate, repeat, starmap
from typing import Any, Final, NamedTuple

from thrift.protocol import fastbinary
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TException, TType
from thrift.transport.TTransport import TMemoryBuffer

from traces.receivers.verdict import BadRequest

_LONGEST_METHOD_NAME = 128
# In smaller bodies structs are not counted: they cannot be many, and it costs.
_SMALL_BODY = 1 << 18
# What the library raises for bytes that are no thrift.
_ERRORS: Final = (
    TException,
    ValueError,
    TypeError,
    OverflowError,
    EOFError,
    AssertionError,
    KeyError,
    SystemError,
    binary.error,
)


_Spec = tuple[int, int, str, Any, None]


class Kind(NamedTuple):
    """The type of a field, in the library's words."""

    type: int
    arguments: Any = None


BOOL: Final = Kind(TType.BOOL)
BYTE: Final = Kind(TType.BYTE)
I16: Final = Kind(TType.I16)
I32: Final = Kind(TType.I32)
I64: Final = Kind(TType.I64)
DOUBLE: Final = Kind(TType.DOUBLE)
# Bad UTF-8 becomes U+FFFD, never an error and never a lone surrogate.
TEXT: Final = Kind(TType.STRING, "UTF8")
BYTES: Final = Kind(TType.STRING, "BINARY")


def list_of(kind: Kind) -> Kind:
    return Kind(TType.LIST, (kind.type, kind.arguments, False))


def struct(made: type, fields: Mapping[int, tuple[str, Kind]]) -> Kind:
    """A struct becomes an object of the class, its fields attributes of it.

    The class has a default for each field. Fields of other numbers, or of another type
    than here, are passed over.
    """
    specs: list[_Spec | None] = [None] * (max(fields, default=0) + 1)
    for number, (name, kind) in fields.items():
        specs[number] = (number, kind.type, name, kind.arguments, None)
    return Kind(TType.STRUCT, [made, tuple(specs)])


class Place:
    """Stands in a kind for a struct that is not read: where it begins is told instead.

    What is in it is held to the same bounds all the same.
    """


PLACE: Final = Kind(TType.STRUCT, [Place, ()])


class _Bounds:
    """What the decoder in C asks of a protocol."""

    def __init__(self, transport: TMemoryBuffer, size: int, most_items: int) -> None:
        self.trans = transport
        self.string_length_limit = size
        # The smallest item takes a byte.
        self.container_length_limit = min(size, most_items)


class Protocol(Enum):
    BINARY = (fastbinary.decode_binary, TBinaryProtocol)
    COMPACT = (fastbinary.decode_compact, TCompactProtocol)

    def __init__(self, decode: Callable[..., Any], headers: Callable[..., Any]) -> None:
        self.decode, self.headers = decode, headers


class Stream:
    """Bodies one after the other, each a struct of the kind.

    Lists and all structs of a body have `most_items` at most. Bytes after the struct are
    passed over, as some senders pad. Places are those in `data`. It must be closed, as
    the classes that tell places are cycles, which keep the bytes until they are found.
    """

    def __init__(
        self, bodies: Sequence[bytes], kind: Kind, protocol: Protocol, most_items: int
    ) -> None:
        self.data = b"".join(bodies)
        self._ends = list(accumulate(map(len, bodies), initial=0))
        self.protocol = protocol
        self._kind, self._most_items = kind, most_items
        self._transport = TMemoryBuffer(self.data)
        self._file = self._transport.cstringio_buf
        self._telling = _with_classes(kind, self._told)

    def read(self, number: int) -> Any:
        """An object of the struct's class. Raises BadRequest."""
        begin, end = self._ends[number : number + 2]
        try:
            made = self._decode(begin, end - begin, self._bounded_kind(end - begin))
        except BadRequest:
            if len(self._ends) == 2:
                raise
            return self._read_alone(begin, end)
        return made if self._file.tell() <= end else self._read_alone(begin, end)

    def read_at(self, place: int, kind: Kind) -> Any:
        """The struct there, which was passed over before. Raises BadRequest."""
        return self._decode(place, len(self.data) - place, kind)

    def close(self) -> None:
        self._file.close()

    def _read_alone(self, begin: int, end: int) -> Any:
        """A body that ends too soon must not be read on in the next one."""
        return read(self.data[begin:end], self._kind, self.protocol, self._most_items)

    def _decode(self, begin: int, size: int, kind: Kind) -> Any:
        bounds = _Bounds(self._transport, size, self._most_items)
        self._file.seek(begin)
        try:
            return self.protocol.decode(None, bounds, kind.arguments)
        except StopIteration:
            reason = f"a request may hold {self._most_items} items at most"
            raise BadRequest(reason) from None
        except _ERRORS as error:
            raise _unreadable(error) from None

    def _bounded_kind(self, size: int) -> Kind:
        if size <= _SMALL_BODY:
            return self._telling
        left = repeat((), self._most_items)
        tell = starmap(self._file.tell, left).__next__
        # Both are callables in C, and take one of what is left.
        none: dict[tuple[()], None] = {}
        nothing = map(none.get, left).__next__

        def counted(made: type) -> type:
            if made is Place:
                return _telling(tell)
            return type(made.__name__, (made,), {"__init__": nothing, "__slots__": ()})

        return _with_classes(self._kind, counted)

    def _told(self, made: type) -> type:
        return _telling(self._file.tell) if made is Place else made


def _telling(tell: Callable[[], int]) -> type:
    """A class that gives a place in place of an object of it."""
    telling: Callable[..., type] = type("Telling", (type,), {"__call__": tell})
    return telling("Place", (), {})


def read(body: bytes, kind: Kind, protocol: Protocol, most_items: int) -> Any:
    """As a `Stream` of one body reads it. Raises BadRequest."""
    with closing(Stream([body], kind, protocol, most_items)) as stream:
        return stream.read(0)


def _with_classes(kind: Kind, change: Callable[[type], type]) -> Kind:
    """The same, with other classes for its structs."""
    if kind.type == TType.LIST:
        return list_of(_with_classes(Kind(*kind.arguments[:2]), change))
    if kind.type != TType.STRUCT:
        return kind
    made, specs = kind.arguments
    changed = tuple(spec and _with_classes_in(spec, change) for spec in specs)
    return Kind(kind.type, [change(made), changed])


def _with_classes_in(spec: _Spec, change: Callable[[type], type]) -> _Spec:
    number, kind, name, arguments, default = spec
    changed = _with_classes(Kind(kind, arguments), change)
    return number, kind, name, changed.arguments, default


class _Holder:
    items: list[Any]


def read_list(body: bytes, kind: Kind, most_items: int) -> list[Any]:
    """A list that is not within a struct, in the binary protocol. Raises BadRequest."""
    holder = struct(_Holder, {1: ("items", list_of(kind))})
    field = b"\x0f\x00\x01" + body + b"\x00"
    items: list[Any] = read(field, holder, Protocol.BINARY, most_items).items
    return items


class Call(NamedTuple):
    """The method that a message calls, and its arguments, a struct still in bytes."""

    method: str
    arguments: bytes


def open_call(message: bytes, protocol: Protocol) -> Call:
    """Raises BadRequest."""
    transport = TMemoryBuffer(message)
    reader = protocol.headers(transport, string_length_limit=_LONGEST_METHOD_NAME)
    try:
        method, _, _ = reader.readMessageBegin()
    except _ERRORS as error:
        raise _unreadable(error) from None
    return Call(method, message[transport.cstringio_buf.tell() :])


def _unreadable(error: BaseException) -> BadRequest:
    # The decoder in C reports an end within a skipped field as an error of its own.
    ended = isinstance(error, EOFError | SystemError)
    reason = "it ends too soon" if ended else str(error)
    return BadRequest(f"the body is not valid thrift: {reason}")
