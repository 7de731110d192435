"""The encodings in which spans arrive, each a dialect and a form."""

from enum import StrEnum


class Encoding(StrEnum):
    OTLP_PROTOBUF = "otlp/protobuf"
    OTLP_JSON = "otlp/json"
