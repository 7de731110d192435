"""W3C Trace Context: the headers `traceparent` and `tracestate`."""

import re
from collections.abc import Iterable
from typing import Final

from opentelemetry.trace import TraceState

from propagation.parent import Parent
from propagation.propagator import Headers, StrictPropagator

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
TRACEPARENT_LENGTH: Final = 55
MAX_TRACESTATE_MEMBERS: Final = 32
MAX_TRACESTATE_LENGTH: Final = 8192
"""Of all headers together; the specification only says that 512 must be possible."""

SAMPLED: Final = 0x01
RANDOM: Final = 0x02
KNOWN_FLAGS: Final = SAMPLED | RANDOM
_FIELDS = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
# The keys of the first edition, as OpenTelemetry's TraceState can hold no others.
_KEY = r"[a-z][-a-z0-9_*/]{0,255}|[a-z0-9][-a-z0-9_*/]{0,240}@[a-z][-a-z0-9_*/]{0,13}"
_MEMBER = re.compile(rf"({_KEY})=([ -+\--<>-~]{{0,255}}[!-+\--<>-~])")


class W3CPropagator(StrictPropagator):
    """Stricter than OpenTelemetry's own, which takes the first of two `traceparent`."""

    names = (TRACEPARENT, TRACESTATE)

    def read(self, headers: Headers) -> Parent | None:
        fields = parse_traceparent(headers.only(TRACEPARENT))
        if fields is None:
            return None
        trace_id, span_id, flags = fields
        # A fault here costs the tracestate alone.
        trace_state = TraceState(parse_tracestate(headers.all(TRACESTATE)))
        return Parent.from_hex(trace_id, span_id, flags=flags, trace_state=trace_state)

    def write(self, parent: Parent) -> dict[str, str]:
        flags = parent.span_context.trace_flags & KNOWN_FLAGS
        written = {TRACEPARENT: f"00-{parent.trace_id}-{parent.span_id}-{flags:02x}"}
        if parent.span_context.trace_state:
            written[TRACESTATE] = parent.span_context.trace_state.to_header()
        return written


def parse_traceparent(text: str) -> tuple[str, str, int] | None:
    """Trace id, span id and the flags that are known; None if it is no traceparent.

    Zero ids are left to the caller. Of a version that is not known yet the first fields
    count, and of its flags only `sampled`, if what follows begins with a dash.
    """
    match = _FIELDS.fullmatch(text[:TRACEPARENT_LENGTH])
    if match is None:
        return None
    version, trace_id, span_id, flags = match.groups()
    rest = text[TRACEPARENT_LENGTH:]
    if version == "00":
        return None if rest else (trace_id, span_id, int(flags, 16) & KNOWN_FLAGS)
    if version == "ff" or rest[:1] not in ("", "-"):
        return None
    return trace_id, span_id, int(flags, 16) & SAMPLED


def parse_tracestate(headers: Iterable[str]) -> list[tuple[str, str]]:
    """The members of all headers in order; none at all if one is at fault.

    Faults are a member that is not `key=value` in the characters allowed, a key that
    comes twice, and more members or characters than the limits above.
    """
    combined = ",".join(headers)
    if len(combined) > MAX_TRACESTATE_LENGTH:
        return []
    texts = [text for part in combined.split(",") if (text := part.strip(" \t"))]
    matches = [match for text in texts if (match := _MEMBER.fullmatch(text))]
    members = {match[1]: match[2] for match in matches}
    is_sound = len(members) == len(texts) <= MAX_TRACESTATE_MEMBERS
    return list(members.items()) if is_sound else []
