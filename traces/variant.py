"""One attribute value or map in the Parquet VARIANT binary encoding, to and from Python.

A VARIANT is two byte strings: `metadata` holds the key names, `value` the typed
value. DuckDB, Spark and Arrow share the encoding, so no attribute is ever turned into
text on its way. Source: the Apache Parquet format's VariantEncoding specification.
Whole columns are encoded by `traces.variant_columns`.
"""

import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

AttributeValue = (
    str
    | bool
    | int
    | float
    | bytes
    | None
    | Sequence["AttributeValue"]
    | Mapping[str, "AttributeValue"]
)
Attributes = Mapping[str, AttributeValue]

VARIANT: Final = pa.struct(
    [
        pa.field("metadata", pa.binary(), nullable=False),
        pa.field("value", pa.binary(), nullable=False),
    ]
)
# DuckDB takes a column with this mark as its own VARIANT type.
VARIANT_FIELD_METADATA: Final = {
    "ARROW:extension:name": "arrow.parquet.variant",
    "ARROW:extension:metadata": "",
}

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_PRIMITIVE, _SHORT_STRING, _OBJECT, _ARRAY = range(4)
_NULL, _TRUE, _FALSE, _INT64, _DOUBLE, _BINARY, _STRING = 0, 1, 2, 6, 7, 15, 16
_FIXED: Final = {3: "<b", 4: "<h", 5: "<i", _INT64: "<q", _DOUBLE: "<d", 14: "<f"}
_SHORT_STRING_MAX = 63
_WIDE = 4  # we write every size, id and offset as four bytes; readers take any width
_METADATA_HEADER = 0x01 | (_WIDE - 1) << 6
_OBJECT_HEADER = _OBJECT | ((_WIDE - 1) | (_WIDE - 1) << 2 | 1 << 4) << 2
_ARRAY_HEADER = _ARRAY | ((_WIDE - 1) | 1 << 2) << 2


class Variant(NamedTuple):
    """The two byte strings of one VARIANT."""

    metadata: bytes
    value: bytes


def encode(value: AttributeValue) -> Variant:
    """Encode one value.

    Raises OverflowError for an integer beyond 64 bits, TypeError for another type.
    """
    names: dict[str, int] = {}
    encoded = _encode(value, names)
    return Variant(_encode_metadata(names), encoded)


def decode(variant: Variant) -> AttributeValue:
    """The Python value of a VARIANT; int stays int, double stays float."""
    return _decode(variant.value, 0, decode_metadata(variant.metadata))


def decode_attributes(cell: Mapping[str, bytes] | None) -> dict[str, AttributeValue]:
    """The attribute map of one cell of a VARIANT column (`Scalar.as_py()`)."""
    if cell is None:
        return {}
    decoded = decode(Variant(cell["metadata"], cell["value"]))
    return dict(decoded) if isinstance(decoded, Mapping) else {}


def encode_attributes(maps: Iterable[Attributes]) -> pa.StructArray:
    """A VARIANT column from Python maps, one row each; for small inputs."""
    pairs = [encode(attributes) for attributes in maps]
    return pa.StructArray.from_arrays(
        [
            pa.array([p.metadata for p in pairs], pa.binary()),
            pa.array([p.value for p in pairs], pa.binary()),
        ],
        fields=list(VARIANT),
    )


def _uint(value: int) -> bytes:
    return value.to_bytes(_WIDE, "little")


def _offsets(parts: Sequence[bytes]) -> list[int]:
    ends = [0]
    for part in parts:
        ends.append(ends[-1] + len(part))
    return ends


def _encode_metadata(names: Mapping[str, int]) -> bytes:
    keys = [name.encode() for name in names]
    offsets = b"".join(map(_uint, _offsets(keys)))
    return bytes([_METADATA_HEADER]) + _uint(len(keys)) + offsets + b"".join(keys)


def _encode(value: AttributeValue, names: dict[str, int]) -> bytes:
    match value:
        case None:
            return bytes([_NULL << 2])
        case bool():
            return bytes([(_TRUE if value else _FALSE) << 2])
        case int():
            return bytes([_INT64 << 2]) + _int64(value)
        case float():
            return bytes([_DOUBLE << 2]) + struct.pack("<d", value)
        case str():
            return _encode_string(value.encode())
        case bytes():
            return bytes([_BINARY << 2]) + _uint(len(value)) + value
        case Mapping():
            return _encode_object(value, names)
        case Sequence():
            return _encode_array(value, names)
    raise TypeError(f"an attribute value cannot be a {type(value).__name__}")


def _int64(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def _encode_string(text: bytes) -> bytes:
    if len(text) <= _SHORT_STRING_MAX:
        return bytes([_SHORT_STRING | len(text) << 2]) + text
    return bytes([_STRING << 2]) + _uint(len(text)) + text


def _encode_object(value: Attributes, names: dict[str, int]) -> bytes:
    # The specification wants field ids in the byte order of their names.
    keys = sorted(value, key=str.encode)
    ids = b"".join(_uint(names.setdefault(key, len(names))) for key in keys)
    parts = [_encode(value[key], names) for key in keys]
    offsets = b"".join(map(_uint, _offsets(parts)))
    return bytes([_OBJECT_HEADER]) + _uint(len(keys)) + ids + offsets + b"".join(parts)


def _encode_array(value: Sequence[AttributeValue], names: dict[str, int]) -> bytes:
    parts = [_encode(item, names) for item in value]
    offsets = b"".join(map(_uint, _offsets(parts)))
    return bytes([_ARRAY_HEADER]) + _uint(len(parts)) + offsets + b"".join(parts)


def _read_uint(buffer: bytes, at: int, width: int) -> int:
    return int.from_bytes(buffer[at : at + width], "little")


def _read_uints(buffer: bytes, at: int, width: int, count: int) -> list[int]:
    return [_read_uint(buffer, at + i * width, width) for i in range(count)]


def decode_metadata(metadata: bytes) -> list[str]:
    """The key names a VARIANT's value refers to, of maps at every depth."""
    width = (metadata[0] >> 6) + 1
    count = _read_uint(metadata, 1, width)
    offsets = _read_uints(metadata, 1 + width, width, count + 1)
    base = 1 + width * (count + 2)
    return [
        metadata[base + start : base + end].decode()
        for start, end in itertools.pairwise(offsets)
    ]


def _decode(buffer: bytes, at: int, names: list[str]) -> AttributeValue:
    basic_type, header = buffer[at] & 3, buffer[at] >> 2
    if basic_type == _PRIMITIVE:
        return _decode_primitive(buffer, at + 1, header)
    if basic_type == _SHORT_STRING:
        return buffer[at + 1 : at + 1 + header].decode()
    if basic_type == _OBJECT:
        return _decode_object(buffer, at + 1, header, names)
    return _decode_array(buffer, at + 1, header, names)


def _decode_primitive(buffer: bytes, at: int, kind: int) -> AttributeValue:
    if kind in _FIXED:
        number: int | float = struct.unpack_from(_FIXED[kind], buffer, at)[0]
        return number
    if kind in (_BINARY, _STRING):
        end = at + 4 + _read_uint(buffer, at, 4)
        content = buffer[at + 4 : end]
        return content if kind == _BINARY else content.decode()
    if kind in (_NULL, _TRUE, _FALSE):
        return None if kind == _NULL else kind == _TRUE
    raise ValueError(f"VARIANT primitive type {kind} is none that attributes have")


def _decode_object(
    buffer: bytes, at: int, header: int, names: list[str]
) -> dict[str, AttributeValue]:
    offset_width, id_width = (header & 3) + 1, (header >> 2 & 3) + 1
    count_width = 4 if header >> 4 & 1 else 1
    count = _read_uint(buffer, at, count_width)
    at += count_width
    ids = _read_uints(buffer, at, id_width, count)
    at += count * id_width
    offsets = _read_uints(buffer, at, offset_width, count)
    base = at + (count + 1) * offset_width
    return {
        names[i]: _decode(buffer, base + offset, names)
        for i, offset in zip(ids, offsets, strict=True)
    }


def _decode_array(
    buffer: bytes, at: int, header: int, names: list[str]
) -> list[AttributeValue]:
    offset_width = (header & 3) + 1
    count_width = 4 if header >> 2 & 1 else 1
    count = _read_uint(buffer, at, count_width)
    at += count_width
    offsets = _read_uints(buffer, at, offset_width, count)
    base = at + (count + 1) * offset_width
    return [_decode(buffer, base + offset, names) for offset in offsets]
