"""The encodings in which spans arrive, each a dialect and a form."""

from enum import StrEnum


class Encoding(StrEnum):
    OTLP_PROTOBUF = "otlp/protobuf"
    OTLP_JSON = "otlp/json"
    JAEGER_COMPACT = "jaeger/compact"
    JAEGER_BINARY = "jaeger/binary"
    JAEGER_THRIFT = "jaeger/thrift"
    JAEGER_PROTOBUF = "jaeger/protobuf"
    JAEGER_JSON = "jaeger/json"
    ZIPKIN_JSON = "zipkin/json"
    ZIPKIN_PROTOBUF = "zipkin/protobuf"
    ZIPKIN_V1_JSON = "zipkin/v1-json"
    ZIPKIN_V1_THRIFT = "zipkin/v1-thrift"
