"""The shapes of the answers, for the OpenAPI document and its page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from traces.search.form import PARAMETERS, SEVERAL

TIME_PARAMETERS = ("range", "from", "to")
WHOLE = ("limit",)


class ServiceShareShape(serializers.Serializer[Any]):
    service_name = serializers.CharField()
    span_count = serializers.IntegerField()
    error_count = serializers.IntegerField()


class TraceSummaryShape(serializers.Serializer[Any]):
    trace_id = serializers.CharField(help_text="32 hexadecimal digits")
    root_service_name = serializers.CharField()
    root_name = serializers.CharField()
    start_time_unix_nano = serializers.CharField(help_text="64-bit integer as text")
    duration_nano = serializers.CharField(help_text="64-bit integer as text")
    span_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    services = ServiceShareShape(many=True)


class ScannedShape(serializers.Serializer[Any]):
    spans = serializers.IntegerField()
    segments = serializers.IntegerField()
    left_out = serializers.ListField(child=serializers.CharField())


class SearchShape(serializers.Serializer[Any]):
    traces = TraceSummaryShape(many=True)
    matched = serializers.IntegerField(help_text="All that match, on every page")
    scanned = ScannedShape()
    next = serializers.CharField(allow_null=True, help_text="URL of the next page")


class NamesShape(serializers.Serializer[Any]):
    names = serializers.ListField(child=serializers.CharField())


class AttributeKeyShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    scope = serializers.CharField(allow_null=True)


class AttributeKeysShape(serializers.Serializer[Any]):
    keys = AttributeKeyShape(many=True)


class TypedValueShape(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["string", "bool", "int", "double"])
    value = serializers.CharField(help_text="The value as text; int64 stays exact")


class AttributeValuesShape(serializers.Serializer[Any]):
    values = TypedValueShape(many=True)


class EncodingCountsShape(serializers.Serializer[Any]):
    encoding = serializers.CharField(help_text="dialect and form, as otlp/protobuf")
    received = serializers.IntegerField(help_text="spans")
    stored = serializers.IntegerField(help_text="spans")
    failed = serializers.IntegerField(
        help_text="spans whose senders were told to send again later"
    )
    rejected = serializers.DictField(
        child=serializers.IntegerField(), help_text="spans by reason"
    )
    lost = serializers.DictField(
        child=serializers.IntegerField(), help_text="UDP datagrams by reason"
    )
    unsent = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="spans by reason that UDP clients say they could not send",
    )


class ReceivedShape(serializers.Serializer[Any]):
    running = serializers.IntegerField(help_text="ingest processes")
    since_unix_nano = serializers.CharField(
        allow_null=True, help_text="64-bit integer as text"
    )
    encodings = EncodingCountsShape(many=True)


class ErrorShape(serializers.Serializer[Any]):
    parameter = serializers.CharField(required=False)
    message = serializers.CharField()
    position = serializers.IntegerField(required=False)


class ErrorsShape(serializers.Serializer[Any]):
    errors = ErrorShape(many=True)  # type: ignore[assignment]


class TraceShape(serializers.Serializer[Any]):
    resourceSpans = serializers.ListField(  # noqa: N815 - OTLP's own name
        child=serializers.DictField(), help_text="As OTLP's JSON encoding has them"
    )


def search_parameter(name: str) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        type=int if name in WHOLE else str,
        many=name in SEVERAL,
        description=PARAMETERS[name],
    )


def text_parameter(
    name: str, description: str, *, required: bool = False
) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description, required=required)


SEARCH = [search_parameter(name) for name in PARAMETERS]
TIME = [search_parameter(name) for name in TIME_PARAMETERS]
PREFIX = text_parameter("prefix", "What a key or value must start with.")
LIMIT = OpenApiParameter("limit", int, description="At most 1000, 100 unless given.")
ERRORS = {400: ErrorsShape, 503: ErrorsShape}
