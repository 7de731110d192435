"""Continues a trace in whichever format it comes."""

from collections.abc import Sequence
from typing import Final

from propagation.b3 import B3SinglePropagator
from propagation.jaeger import JaegerPropagator
from propagation.message_queue import MessageQueuePropagator
from propagation.parent import Parent
from propagation.propagator import Headers, StrictPropagator
from propagation.w3c import W3CPropagator

READ_IN_ORDER: Final[Sequence[StrictPropagator]] = (
    W3CPropagator(),
    B3SinglePropagator(),  # reads the several headers too
    JaegerPropagator(),
    MessageQueuePropagator(),
)


class AnyFormatPropagator(StrictPropagator):
    """Reads W3C, then B3 (`b3` before `x-b3-…`), Jaeger, and `x-trace-id`.

    The first that is valid counts; one that is not is as if it were not there. Writes
    in one format, W3C unless told otherwise.
    """

    def __init__(self, writer: StrictPropagator | None = None) -> None:
        self.writer = writer or W3CPropagator()
        self.names = self.writer.names

    def read(self, headers: Headers) -> Parent | None:
        parents = (each.read(headers) for each in READ_IN_ORDER)
        return next((parent for parent in parents if parent), None)

    def write(self, parent: Parent) -> dict[str, str]:
        return self.writer.write(parent)
