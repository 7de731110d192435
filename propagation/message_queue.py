"""The context of a message: W3C's headers, and the two ids in headers of their own."""

import re
from typing import Final

from propagation.parent import Parent
from propagation.propagator import Headers, StrictPropagator
from propagation.w3c import W3CPropagator

X_TRACE_ID: Final = "x-trace-id"
X_SPAN_ID: Final = "x-span-id"

_W3C = W3CPropagator()
_IDS = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")


class MessageQueuePropagator(StrictPropagator):
    """Writes `x-trace-id` and `x-span-id` beside `traceparent` and `tracestate`.

    A valid `traceparent` is believed before the ids, which cannot say whether the trace
    is recorded: they are taken as if it is. For headers that are bytes, give `extract`
    and `inject` the getters and setters of `propagation.carriers`.
    """

    names = (X_TRACE_ID, X_SPAN_ID, *_W3C.names)

    def read(self, headers: Headers) -> Parent | None:
        return _W3C.read(headers) or read_ids(headers)

    def write(self, parent: Parent) -> dict[str, str]:
        ids = {X_TRACE_ID: parent.trace_id, X_SPAN_ID: parent.span_id}
        return ids | _W3C.write(parent)


def read_ids(headers: Headers) -> Parent | None:
    match = _IDS.fullmatch(f"{headers.only(X_TRACE_ID)}-{headers.only(X_SPAN_ID)}")
    return Parent.from_hex(match[1], match[2]) if match else None
