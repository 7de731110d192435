"""A sampling strategy as Jaeger's clients read it: JSON, and protobuf for gRPC."""

import struct
from typing import Any, Final

import orjson

from traces.receivers.protobuf_columns import Schema
from traces.receivers.sampling import PROBABILISTIC, Strategy
from traces.receivers.wire_format import sized, varint

_NAMES: Final = ("PROBABILISTIC", "RATE_LIMITING")
_DOUBLE: Final = struct.Struct("<d")
_PARAMETERS: Final = Schema(
    "Jaeger", {"Parameters": {"service": (1, "STRING")}}
).messages("Parameters")


def as_json(strategy: Strategy, *, numbered: bool = False) -> bytes:
    """`numbered`: the type as a number, as the oldest clients read it."""
    number = _number(strategy)
    answer: dict[str, Any] = {"strategyType": number if numbered else _NAMES[number]}
    if strategy.kind == PROBABILISTIC:
        answer["probabilisticSampling"] = {"samplingRate": strategy.param}
    else:
        answer["rateLimitingSampling"] = {"maxTracesPerSecond": int(strategy.param)}
    if strategy.operations:
        answer["operationSampling"] = {
            "defaultSamplingProbability": strategy.operation_default,
            # Clients refuse an answer without it.
            "defaultLowerBoundTracesPerSecond": 0,
            "perOperationStrategies": [
                {"operation": name, "probabilisticSampling": {"samplingRate": rate}}
                for name, rate in strategy.operations.items()
            ],
        }
    return orjson.dumps(answer)


def _number(strategy: Strategy) -> int:
    return 0 if strategy.kind == PROBABILISTIC else 1


def as_protobuf(strategy: Strategy) -> bytes:
    """A `jaeger.api_v2.SamplingStrategyResponse`."""
    parts = [b"\x08" + varint(_number(strategy))]
    if strategy.kind == PROBABILISTIC:
        parts.append(sized(b"\x12", _double(b"\x09", strategy.param)))
    else:
        parts.append(sized(b"\x1a", b"\x08" + varint(int(strategy.param))))
    if strategy.operations:
        operations = [
            sized(
                b"\x1a",
                sized(b"\x0a", name.encode()) + sized(b"\x12", _double(b"\x09", rate)),
            )
            for name, rate in strategy.operations.items()
        ]
        default = _double(b"\x09", strategy.operation_default)
        parts.append(sized(b"\x22", default + b"".join(operations)))
    return b"".join(parts)


def _double(tag: bytes, value: float) -> bytes:
    return tag + _DOUBLE.pack(value)


def service_asked_for(body: bytes) -> str:
    """Of `jaeger.api_v2.SamplingStrategyParameters`. Raises BadRequest."""
    [service] = _PARAMETERS.decode([body]).field("service").to_pylist()
    return str(service)
