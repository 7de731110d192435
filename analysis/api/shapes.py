"""The shapes of the answers, for the OpenAPI document and its page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from traces.api.rest.shapes import ERRORS as ERRORS
from traces.api.rest.shapes import text_parameter

NANO = "nanoseconds, 64-bit integer as text"
SERVICE = text_parameter("service", "The service's name.", required=True)
NAME = text_parameter("name", "The span's name.", required=True)
KIND = text_parameter("kind", "server, client, internal…", required=True)
ENTRY_SERVICE = text_parameter("service", "Of requests to this service alone.")
ENTRY = text_parameter("entry", "Of requests with this span name alone.")
ORIGIN = text_parameter("origin", "Of failures that began in this service alone.")
BAND = OpenApiParameter(
    "band", str, description="all, 0-50, 50-90, 90-99 or 99-100: of which percentiles."
)


def _nano(**more: Any) -> serializers.CharField:
    return serializers.CharField(help_text=NANO, **more)


class ProgressShape(serializers.Serializer[Any]):
    minutes_waiting = serializers.IntegerField(help_text="still to be analysed")
    beyond_limits = serializers.ListField(
        child=serializers.CharField(), help_text="what was added up or left out"
    )


class PercentilesShape(serializers.Serializer[Any]):
    p50_nano = _nano(allow_null=True)
    p75_nano = _nano(allow_null=True)
    p90_nano = _nano(allow_null=True)
    p95_nano = _nano(allow_null=True)
    p99_nano = _nano(allow_null=True)


class MeasuredShape(PercentilesShape):
    count = serializers.FloatField(help_text="spans; sampled ones stand for all")
    failed = serializers.FloatField()
    total_nano = _nano()


class OperationShape(MeasuredShape):
    service_name = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    slowest_trace_id = serializers.CharField(allow_null=True)
    failed_trace_id = serializers.CharField(allow_null=True)


class OperationsShape(ProgressShape):
    operations = OperationShape(many=True)
    left_out = serializers.IntegerField(help_text="beyond the limit")


class StepShape(MeasuredShape):
    start_time_unix_nano = _nano()


class SeriesShape(ProgressShape):
    step_seconds = serializers.IntegerField()
    steps = StepShape(many=True)


class NodeShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(help_text="service, database, cache, queue, external…")


class EdgeShape(serializers.Serializer[Any]):
    caller = NodeShape()
    callee = NodeShape()
    type = serializers.CharField(help_text="call, database, cache, queue, messaging…")
    calls = serializers.FloatField()
    failed = serializers.FloatField(help_text="calls of which either end failed")
    server = PercentilesShape()
    client = PercentilesShape()
    slowest_trace_id = serializers.CharField(allow_null=True)
    failed_trace_id = serializers.CharField(allow_null=True)


class EdgesShape(ProgressShape):
    edges = EdgeShape(many=True)
    left_out = serializers.IntegerField(help_text="beyond the limit")


class ExampleShape(serializers.Serializer[Any]):
    which = serializers.CharField(help_text="median or slowest")
    trace_id = serializers.CharField()
    sentence = serializers.CharField()


class VerdictShape(serializers.Serializer[Any]):
    verdict = serializers.CharField(help_text="normal, bottleneck or cascade_failure")
    requests = serializers.IntegerField()
    examples = ExampleShape(many=True)


class EntryShape(serializers.Serializer[Any]):
    service_name = serializers.CharField()
    name = serializers.CharField()
    requests = serializers.FloatField()
    verdicts = VerdictShape(many=True)


class SpanShape(serializers.Serializer[Any]):
    which = serializers.CharField(help_text="longest or median")
    own_nano = _nano()
    trace_id = serializers.CharField()
    span_id = serializers.CharField()


class SlowerShape(serializers.Serializer[Any]):
    service_name = serializers.CharField()
    callee = serializers.CharField(
        allow_null=True, help_text="null unless it is the way to it that is slower"
    )
    name = serializers.CharField(allow_null=True, help_text="span with most of it")
    excess_nano = _nano()
    usual_p95_nano = _nano()
    p95_nano = _nano()
    beyond_usual = serializers.FloatField(help_text="part beyond the usual p95")
    sentence = serializers.CharField()
    spans = SpanShape(many=True)


class OffenderShape(serializers.Serializer[Any]):
    service_name = serializers.CharField()
    name = serializers.CharField()
    callee = serializers.CharField(allow_null=True)
    on_path_nano = _nano()
    share = serializers.FloatField(help_text="of what all requests waited for")
    span_count = serializers.IntegerField()
    excess_nano = _nano(allow_null=True)
    spans = SpanShape(many=True)


class RepeatShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    service_name = serializers.CharField()
    name = serializers.CharField()
    what = serializers.CharField(help_text="what is called")
    share = serializers.FloatField(help_text="of the requests of the entry")
    median_calls = serializers.FloatField()
    most_calls = serializers.IntegerField()
    on_path_nano = _nano()
    saving_nano = _nano()
    sentence = serializers.CharField()
    trace_ids = serializers.ListField(child=serializers.CharField())


class BottlenecksShape(ProgressShape):
    requests = serializers.IntegerField()
    entries = EntryShape(many=True)
    left_out = serializers.IntegerField(help_text="entries")
    slower = SlowerShape(many=True)
    is_usual_known = serializers.BooleanField(help_text="of the 24 hours before")
    offenders = OffenderShape(many=True)
    repeats = RepeatShape(many=True)


class OriginShape(serializers.Serializer[Any]):
    service_name = serializers.CharField()
    name = serializers.CharField()


class CauseShape(OriginShape):
    affected = serializers.FloatField(help_text="requests that failed by it")
    share = serializers.FloatField(help_text="of the failed requests of the entry")
    lift = serializers.FloatField(allow_null=True)
    origin = OriginShape()
    failure_class = serializers.CharField()
    error = serializers.CharField()
    responsible = serializers.CharField()
    first_seen_unix_nano = _nano()
    reached = serializers.DictField(child=serializers.IntegerField())
    sentence = serializers.CharField()
    trace_ids = serializers.ListField(child=serializers.CharField())


class FailuresShape(ProgressShape):
    requests = serializers.IntegerField()
    failed = serializers.IntegerField()
    causes = CauseShape(many=True)
    left_out = serializers.IntegerField(help_text="causes")


class PathShape(serializers.Serializer[Any]):
    path = OriginShape(many=True)
    on_path_nano = _nano()
    part = serializers.FloatField(help_text="of the request's duration")
    self_nano = _nano()
    calls = serializers.FloatField(help_text="a request")
    requests = serializers.FloatField(help_text="the part with such a span")
    failed = serializers.FloatField()
    slowest_trace_id = serializers.CharField()
    typical_trace_id = serializers.CharField()


class CriticalPathShape(serializers.Serializer[Any]):
    requests = serializers.IntegerField()
    one_in = serializers.IntegerField(help_text="of so many traces one was read")
    mean_nano = _nano(allow_null=True)
    paths = PathShape(many=True)
