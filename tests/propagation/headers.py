"""Extract and inject without the ceremony."""

from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
OTHER_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


def span_context(flags: int = 1, **members: str) -> SpanContext:
    return SpanContext(
        int(TRACE_ID, 16),
        int(SPAN_ID, 16),
        is_remote=True,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState(list(members.items())),
    )


def context_of(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), Context())


def extracted(propagator: TextMapPropagator, headers: Any, **how: Any) -> SpanContext:
    """What the headers name; an invalid one if they name nothing."""
    context = propagator.extract(headers, **how)
    return get_current_span(context).get_span_context()


def ids_of(parent: SpanContext) -> tuple[str, str, int]:
    trace_id, span_id = format_trace_id(parent.trace_id), format_span_id(parent.span_id)
    return trace_id, span_id, int(parent.trace_flags)


def injected(propagator: TextMapPropagator, context: Context) -> dict[str, str]:
    headers: dict[str, str] = {}
    propagator.inject(headers, context)
    return headers
