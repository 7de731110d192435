"""The corrections every reader of a trace applies, in their order."""

from collections.abc import Callable
from typing import TypeAlias

from traces.adjust.clock_skew import correct_clock_skew
from traces.adjust.duplicates import drop_exact_duplicates, separate_shared_ids
from traces.spans import SpanBatch
from traces.trace import Trace

Adjuster: TypeAlias = Callable[[Trace], Trace]

STRUCTURE: tuple[Adjuster, ...] = (
    drop_exact_duplicates,
    # After the copies are gone: a copy is not a second half of a shared span.
    separate_shared_ids,
)
STANDARD: tuple[Adjuster, ...] = (
    *STRUCTURE,
    # Last: it compares clients with their servers, so it needs the tree.
    correct_clock_skew,
)


def adjust(batch: SpanBatch, adjusters: tuple[Adjuster, ...] = STANDARD) -> Trace:
    """One trace, adjusted; `STRUCTURE` alone leaves the times as they were sent."""
    trace = Trace.from_batch(batch)
    for adjuster in adjusters:
        trace = adjuster(trace)
    return trace
