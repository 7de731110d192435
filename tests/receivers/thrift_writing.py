"""Thrift by hand: a struct as its fields, in either protocol."""

from collections.abc import Callable
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

WRITERS: dict[str, Callable[..., Any]] = {
    "binary": TBinaryProtocol,
    "compact": TCompactProtocol,
}
# One value: its type, and what is written.
Value = tuple[int, Any]


def text(value: str | bytes) -> Value:
    return TType.STRING, value.encode() if isinstance(value, str) else value


def i16(value: int) -> Value:
    return TType.I16, value


def i32(value: int) -> Value:
    return TType.I32, value


def i64(value: int) -> Value:
    return TType.I64, value


def double(value: float) -> Value:
    return TType.DOUBLE, value


def boolean(value: bool) -> Value:
    return TType.BOOL, value


def struct(fields: dict[int, Value]) -> Value:
    return TType.STRUCT, fields


def listed(*values: Value, of: int = TType.STRUCT) -> Value:
    return TType.LIST, (of, values)


def written(value: Value, protocol: str = "binary") -> bytes:
    transport = TMemoryBuffer()
    _write(WRITERS[protocol](transport), value)
    return bytes(transport.getvalue())


def call(
    method: str, arguments: dict[int, Value], protocol: str, number: int = 0
) -> bytes:
    """A oneway message."""
    transport = TMemoryBuffer()
    writer = WRITERS[protocol](transport)
    writer.writeMessageBegin(method, TMessageType.ONEWAY, number)
    _write(writer, struct(arguments))
    writer.writeMessageEnd()
    return bytes(transport.getvalue())


def _write(writer: Any, value: Value) -> None:
    kind, content = value
    match kind:
        case TType.STRUCT:
            _write_struct(writer, content)
        case TType.LIST:
            of, items = content
            writer.writeListBegin(of, len(items))
            for item in items:
                _write(writer, item)
            writer.writeListEnd()
        case TType.STRING:
            writer.writeBinary(content)
        case TType.BOOL:
            writer.writeBool(content)
        case TType.I16:
            writer.writeI16(content)
        case TType.I32:
            writer.writeI32(content)
        case TType.I64:
            writer.writeI64(content)
        case TType.DOUBLE:
            writer.writeDouble(content)


def _write_struct(writer: Any, fields: dict[int, Value]) -> None:
    writer.writeStructBegin("")
    for number, value in fields.items():
        writer.writeFieldBegin("", value[0], number)
        _write(writer, value)
        writer.writeFieldEnd()
    writer.writeFieldStop()
    writer.writeStructEnd()
