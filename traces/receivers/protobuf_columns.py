"""Protobuf messages to Arrow columns, by a table of the fields that are wanted.

A message field is length-delimited bytes on the wire, so a table may declare a nested
message as `BYTES`: it then arrives undecoded, to be counted or read in another way.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import ptars
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf import descriptor_pb2, descriptor_pool

from traces.receivers.verdict import BadRequest
from traces.variant_columns import Ints

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "tracing_ui"
# Field names, each with its number and its type: a scalar in capitals or the name of
# a message, and a star if repeated.
Fields = Mapping[str, tuple[int, str]]


class Schema:
    """The messages of one dialect, as proto3; `dialect` is its name for people."""

    def __init__(self, dialect: str, messages: Mapping[str, Fields]) -> None:
        self.dialect = dialect
        file = _file_descriptor(messages)
        self._pool = descriptor_pool.DescriptorPool()
        self._pool.AddSerializedFile(file.SerializeToString())
        self._decoders = ptars.HandlerPool([self._pool.FindFileByName(file.name)])

    def messages(self, name: str) -> "Messages":
        descriptor = self._pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        return Messages(self._decoders.get_for_message(descriptor), self.dialect)


class Messages:
    """Decodes many messages of one type into a struct array."""

    def __init__(self, decoder: Any, dialect: str) -> None:
        self._decoder = decoder
        self._fault = f"the body is not valid {dialect} protobuf"

    def decode(self, messages: Sequence[bytes]) -> pa.StructArray:
        try:
            batch = self._decoder.list_to_record_batch(list(messages))
        except ValueError as error:
            reason = str(error).removeprefix("failed to decode Protobuf message: ")
            raise BadRequest(f"{self._fault}: {reason}") from None
        except BaseException as error:
            # A panic in Rust is no Exception, and must not end the process.
            if type(error).__name__ == "PanicException":
                raise BadRequest(self._fault) from None
            raise
        return batch.to_struct_array()


def _file_descriptor(messages: Mapping[str, Fields]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="messages.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            _add_field(message, field_name, number, kind)
    return file


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number)
    repeated = kind.endswith("*")
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    kind = kind.removesuffix("*")
    if kind.isupper():
        field.type = getattr(_Field, f"TYPE_{kind}")
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


def parents(lists: pa.ListArray) -> Ints:
    """For each element of the lists, which of them it is in."""
    found: Ints = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    return found
