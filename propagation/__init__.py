"""Strict propagators for OpenTelemetry; they need its API and nothing else."""

from propagation.any_format import AnyFormatPropagator
from propagation.b3 import B3MultiPropagator, B3SinglePropagator
from propagation.carriers import (
    bytes_map_getter,
    bytes_map_setter,
    pairs_getter,
    pairs_setter,
    text_map_setter,
)
from propagation.jaeger import JaegerPropagator
from propagation.message_queue import MessageQueuePropagator
from propagation.w3c import W3CPropagator

__all__ = [
    "AnyFormatPropagator",
    "B3MultiPropagator",
    "B3SinglePropagator",
    "JaegerPropagator",
    "MessageQueuePropagator",
    "W3CPropagator",
    "bytes_map_getter",
    "bytes_map_setter",
    "pairs_getter",
    "pairs_setter",
    "text_map_setter",
]
