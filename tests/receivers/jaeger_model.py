"""Jaeger's protobuf messages, for tests to build requests with."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "jaeger.api_v2"
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "KeyValue": {
        "key": (1, "STRING"),
        "v_type": (2, "INT32"),
        "v_str": (3, "STRING"),
        "v_bool": (4, "BOOL"),
        "v_int64": (5, "INT64"),
        "v_float64": (6, "DOUBLE"),
        "v_binary": (7, "BYTES"),
    },
    "Time": {"seconds": (1, "INT64"), "nanos": (2, "INT32")},
    "Log": {"timestamp": (1, "Time"), "fields": (2, "KeyValue*")},
    "SpanRef": {
        "trace_id": (1, "BYTES"),
        "span_id": (2, "BYTES"),
        "ref_type": (3, "INT32"),
    },
    "Process": {"service_name": (1, "STRING"), "tags": (2, "KeyValue*")},
    "Span": {
        "trace_id": (1, "BYTES"),
        "span_id": (2, "BYTES"),
        "operation_name": (3, "STRING"),
        "references": (4, "SpanRef*"),
        "flags": (5, "UINT32"),
        "start_time": (6, "Time"),
        "duration": (7, "Time"),
        "tags": (8, "KeyValue*"),
        "logs": (9, "Log*"),
        "process": (10, "Process"),
        "process_id": (11, "STRING"),
        "warnings": (12, "STRING*"),
    },
    "Batch": {"spans": (1, "Span*"), "process": (2, "Process")},
    "PostSpansRequest": {"batch": (1, "Batch")},
    "SamplingStrategyParameters": {"service_name": (1, "STRING")},
    "ProbabilisticSamplingStrategy": {"sampling_rate": (1, "DOUBLE")},
    "RateLimitingSamplingStrategy": {"max_traces_per_second": (1, "INT32")},
    "OperationSamplingStrategy": {
        "operation": (1, "STRING"),
        "probabilistic_sampling": (2, "ProbabilisticSamplingStrategy"),
    },
    "PerOperationSamplingStrategies": {
        "default_sampling_probability": (1, "DOUBLE"),
        "default_lower_bound_traces_per_second": (2, "DOUBLE"),
        "per_operation_strategies": (3, "OperationSamplingStrategy*"),
        "default_upper_bound_traces_per_second": (4, "DOUBLE"),
    },
    "SamplingStrategyResponse": {
        "strategy_type": (1, "INT32"),
        "probabilistic_sampling": (2, "ProbabilisticSamplingStrategy"),
        "rate_limiting_sampling": (3, "RateLimitingSamplingStrategy"),
        "operation_sampling": (4, "PerOperationSamplingStrategies"),
    },
}


def _classes() -> Any:
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="jaeger_model.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = 3 if kind.endswith("*") else 1
            kind = kind.removesuffix("*")
            if kind.isupper():
                field.type = getattr(field_type, f"TYPE_{kind}")
            else:
                field.type, field.type_name = 11, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in _MESSAGES
    }


_CLASSES = _classes()


def message(name: str, **fields: Any) -> Any:
    return _CLASSES[name](**fields)


def parsed(name: str, body: bytes) -> Any:
    return _CLASSES[name].FromString(body)


def tag(key: str, value: Any) -> Any:
    """A tag of the type that the value has."""
    match value:
        case bool():
            typed: dict[str, Any] = {"v_type": 1, "v_bool": value}
        case int():
            typed = {"v_type": 2, "v_int64": value}
        case float():
            typed = {"v_type": 3, "v_float64": value}
        case bytes():
            typed = {"v_type": 4, "v_binary": value}
        case _:
            typed = {"v_str": value}
    return message("KeyValue", key=key, **typed)


def tags(values: dict[str, Any]) -> list[Any]:
    return [tag(key, value) for key, value in values.items()]


def time(nano: int) -> Any:
    return message("Time", seconds=nano // 10**9, nanos=nano % 10**9)


def process(service: str, **values: Any) -> Any:
    return message("Process", service_name=service, tags=tags(values))


def reference(kind: int, trace_id: bytes, span_id: bytes) -> Any:
    return message("SpanRef", trace_id=trace_id, span_id=span_id, ref_type=kind)


def post(*spans: Any, service: str | None = "shop") -> bytes:
    batch = message("Batch", spans=spans)
    if service is not None:
        batch.process.CopyFrom(process(service))
    encoded: bytes = message("PostSpansRequest", batch=batch).SerializeToString()
    return encoded
