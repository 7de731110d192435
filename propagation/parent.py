"""The span of another process that ours continues, as every format tells it."""

from dataclasses import dataclass
from typing import Final, Self

from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.trace import (
    INVALID_SPAN_ID,
    INVALID_TRACE_ID,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)

# OpenTelemetry has no place for B3's and Jaeger's debug flag, yet it must be handed on.
DEBUG_KEY: Final = create_key("propagation-debug")


@dataclass(frozen=True, slots=True)
class Parent:
    """A valid span context, and whether its trace is one that somebody debugs."""

    span_context: SpanContext
    debug: bool = False

    @classmethod
    def from_hex(
        cls,
        trace_id: str,
        span_id: str,
        *,
        flags: int = TraceFlags.SAMPLED,
        trace_state: TraceState | None = None,
        debug: bool = False,
    ) -> Self | None:
        """From hexadecimal digits that are known to be such; None if an id is zero."""
        ids = int(trace_id, 16), int(span_id, 16)
        if ids[0] == INVALID_TRACE_ID or ids[1] == INVALID_SPAN_ID:
            return None
        flags |= TraceFlags.SAMPLED if debug else 0
        context = SpanContext(
            *ids, is_remote=True, trace_flags=TraceFlags(flags), trace_state=trace_state
        )
        return cls(context, debug)

    @classmethod
    def current(cls, context: Context | None) -> Self | None:
        """The span of `context` (None: the current context), if there is one."""
        span_context = get_current_span(context).get_span_context()
        if not span_context.is_valid:
            return None
        return cls(span_context, bool(get_value(DEBUG_KEY, context)))

    def set_in(self, context: Context) -> Context:
        span = NonRecordingSpan(self.span_context)
        return set_span_in_context(span, set_value(DEBUG_KEY, self.debug, context))

    @property
    def trace_id(self) -> str:
        """32 lower-case digits."""
        return format_trace_id(self.span_context.trace_id)

    @property
    def span_id(self) -> str:
        """16 lower-case digits."""
        return format_span_id(self.span_context.span_id)

    @property
    def sampled(self) -> bool:
        return self.span_context.trace_flags.sampled
