"""Totals of one ingest process: received = stored + rejected + failed, always."""

from collections import Counter
from dataclasses import dataclass, field

from traces.receivers.verdict import Verdict


@dataclass(slots=True)
class Counters:
    """`failed` spans were answered with a retry hint; senders send them again."""

    received: int = 0
    stored: int = 0
    failed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def count_verdict(self, verdict: Verdict) -> None:
        """A request that is answered for good."""
        self.received += verdict.spans
        self.stored += verdict.accepted_spans
        self.rejected.update(verdict.rejected)
        self.requests["rejected" if verdict.error else "accepted"] += 1

    def count_failure(self, spans: int) -> None:
        self.received += spans
        self.failed += spans
        self.requests["failed"] += 1

    def prometheus_text(self) -> str:
        lines = [
            *_counter("spans_received_total", {"": self.received}),
            *_counter("spans_stored_total", {"": self.stored}),
            *_counter("spans_failed_total", {"": self.failed}),
            *_counter("spans_rejected_total", _labelled("reason", self.rejected)),
            *_counter("requests_total", _labelled("outcome", self.requests)),
        ]
        return "\n".join(lines) + "\n"


def _counter(name: str, values: dict[str, int]) -> list[str]:
    name = f"tracing_ui_ingest_{name}"
    samples = [f"{name}{label} {value}" for label, value in sorted(values.items())]
    return [f"# TYPE {name} counter", *samples]


def _labelled(name: str, counts: Counter[str]) -> dict[str, int]:
    return {f'{{{name}="{text}"}}': count for text, count in counts.items()}
