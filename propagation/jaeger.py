"""Jaeger's `uber-trace-id`: `trace:span:parent:flags`, perhaps URL-encoded.

Its ids may come without their leading zeros. The parent's parent is obsolete, and zero.
Baggage in `uberctx-…` headers is left out; W3C baggage has replaced it.
"""

import re
from typing import Final
from urllib.parse import unquote

from propagation.parent import Parent
from propagation.propagator import Headers, StrictPropagator

UBER_TRACE_ID: Final = "uber-trace-id"
MAX_LENGTH: Final = 3 * len(f"{0:032}:{0:016}:{0:016}:00")
"""Every character of the longest value URL-encoded."""

SAMPLED: Final = 1
DEBUG: Final = 2

_HEX = "[0-9a-fA-F]"
_FIELDS = re.compile(
    f"({_HEX}{{1,32}}):({_HEX}{{1,16}}):{_HEX}{{1,16}}:({_HEX}{{1,2}})"
)


class JaegerPropagator(StrictPropagator):
    """Stricter than OpenTelemetry's own, which also turns `sampled` into `debug`."""

    names = (UBER_TRACE_ID,)

    def read(self, headers: Headers) -> Parent | None:
        text = headers.only(UBER_TRACE_ID)
        match = _FIELDS.fullmatch(unquote(text)) if len(text) <= MAX_LENGTH else None
        if match is None:
            return None
        flags = int(match[3], 16)
        return Parent.from_hex(
            match[1], match[2], flags=flags & SAMPLED, debug=bool(flags & DEBUG)
        )

    def write(self, parent: Parent) -> dict[str, str]:
        flags = SAMPLED * parent.sampled | DEBUG * parent.debug
        return {UBER_TRACE_ID: f"{parent.trace_id}:{parent.span_id}:0:{flags:x}"}
