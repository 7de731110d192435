"""Thrift bytes to Python objects, within bounds, by the library's decoder in C.

A list that claims more than there is, a text longer than its body and nesting beyond 64
levels are refused, also in fields that nobody asked for.
"""

import struct as binary
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import repeat
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


class _Bounds:
    """What the decoder in C asks of a protocol."""

    def __init__(self, body: bytes, most_items: int) -> None:
        self.trans = TMemoryBuffer(body)
        self.string_length_limit = len(body)
        # The smallest item takes a byte.
        self.container_length_limit = min(len(body), most_items)


class Protocol(Enum):
    BINARY = (fastbinary.decode_binary, TBinaryProtocol)
    COMPACT = (fastbinary.decode_compact, TCompactProtocol)

    def __init__(self, decode: Callable[..., Any], headers: Callable[..., Any]) -> None:
        self.decode, self.headers = decode, headers


def read(body: bytes, kind: Kind, protocol: Protocol, most_items: int) -> Any:
    """An object of the struct's class; lists and all structs have `most_items` at most.

    Bytes after the struct are passed over, as some senders pad. Raises BadRequest.
    """
    if len(body) > _SMALL_BODY:
        kind = _counting(kind, repeat(None, most_items).__next__)
    try:
        return protocol.decode(None, _Bounds(body, most_items), kind.arguments)
    except StopIteration:
        raise BadRequest(f"a request may hold {most_items} items at most") from None
    except _ERRORS as error:
        raise _unreadable(error) from None


def _counting(kind: Kind, count: Callable[[], None]) -> Kind:
    """The same, but each struct calls `count`, a callable in C, when it is made."""
    if kind.type == TType.LIST:
        return list_of(_counting(Kind(*kind.arguments[:2]), count))
    if kind.type != TType.STRUCT:
        return kind
    made, specs = kind.arguments
    counting = type(made.__name__, (made,), {"__init__": count, "__slots__": ()})
    return Kind(
        kind.type, [counting, tuple(spec and _counted(spec, count) for spec in specs)]
    )


def _counted(spec: _Spec, count: Callable[[], None]) -> _Spec:
    number, kind, name, arguments, default = spec
    return number, kind, name, _counting(Kind(kind, arguments), count)[1], default


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
