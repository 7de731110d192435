"""Totals of one ingest process: received = stored + rejected + failed, always."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from traces.receivers.encodings import Encoding
from traces.receivers.verdict import Verdict

_PREFIX = "tracing_ui_ingest"
_MOST_REASONS = 100
_OTHER = "other"


@dataclass(slots=True)
class Counters:
    """By encoding. `failed` spans were answered with a retry hint, so their senders
    send them again. Who waits for no answer does not: `lost` are its datagrams, and
    `unsent` the spans that it says it could not send."""

    received: Counter[Encoding] = field(default_factory=Counter)
    stored: Counter[Encoding] = field(default_factory=Counter)
    failed: Counter[Encoding] = field(default_factory=Counter)
    rejected: Counter[tuple[Encoding, str]] = field(default_factory=Counter)
    requests: Counter[tuple[Encoding, str]] = field(default_factory=Counter)
    lost: Counter[tuple[Encoding, str]] = field(default_factory=Counter)
    unsent: Counter[tuple[Encoding, str]] = field(default_factory=Counter)

    def count_verdict(self, encoding: Encoding, verdict: Verdict) -> None:
        """A request that is answered for good."""
        self.received[encoding] += verdict.spans
        self.stored[encoding] += verdict.accepted_spans
        for reason, count in verdict.rejected.items():
            self.rejected[encoding, self._bounded(reason)] += count
        self.requests[encoding, "rejected" if verdict.error else "accepted"] += 1

    def count_failure(self, encoding: Encoding, spans: int) -> None:
        self.received[encoding] += spans
        self.failed[encoding] += spans
        self.requests[encoding, "failed"] += 1

    def _bounded(self, reason: str) -> str:
        """A reason may quote what a stranger sent; labels must stay few and plain."""
        plain = "".join(c if c.isprintable() else "?" for c in reason)
        plain = plain.replace("\\", "/").replace('"', "'")
        known = {reason for _, reason in self.rejected}
        return plain if plain in known or len(known) < _MOST_REASONS else _OTHER

    def prometheus_text(self) -> str:
        lines = [
            *_counter("spans_received_total", _by_encoding(self.received)),
            *_counter("spans_stored_total", _by_encoding(self.stored)),
            *_counter("spans_failed_total", _by_encoding(self.failed)),
            *_counter("spans_rejected_total", _by_reason(self.rejected)),
            *_counter("requests_total", _by_reason(self.requests, "outcome")),
            *_counter("datagrams_lost_total", _by_reason(self.lost)),
            *_counter("spans_unsent_total", _by_reason(self.unsent)),
        ]
        return "\n".join(lines) + "\n"


def _counter(name: str, values: Mapping[str, int]) -> list[str]:
    name = f"{_PREFIX}_{name}"
    samples = [f"{name}{label} {value}" for label, value in sorted(values.items())]
    return [f"# TYPE {name} counter", *samples]


def _by_encoding(counts: Counter[Encoding]) -> dict[str, int]:
    """Each encoding, also those of which nothing came: a rate needs its zeros."""
    return {f'{{encoding="{each}"}}': counts[each] for each in Encoding}


def _by_reason(
    counts: Counter[tuple[Encoding, str]], name: str = "reason"
) -> dict[str, int]:
    return {
        f'{{encoding="{encoding}",{name}="{reason}"}}': count
        for (encoding, reason), count in counts.items()
    }
