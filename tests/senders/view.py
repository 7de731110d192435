"""Stored spans as a test tells of them: by name, with nothing encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.senders.environments import Sent
from traces.spans import SpanBatch, SpanKind, StatusCode
from traces.variant import decode_attributes

Attributes = dict[str, Any]
START_UNIX_NANO = 1_767_225_600_000_000_000
STEP_NANO = 62_500_000
# What differs from one machine, run or version of the sender to the next.
UNTOLD = ("exception.stacktrace", "exception.escaped", "service.instance.id")
UNTOLD_PREFIX = "telemetry.sdk."


def typed(attributes: Attributes) -> Attributes:
    """Each value with its type, because 3 == 3.0 and 1 == True."""
    return {key: (type(value).__name__, value) for key, value in attributes.items()}


@dataclass
class Event:
    name: str
    step: float
    attributes: Attributes = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.attributes = typed(self.attributes)


@dataclass
class Seen:
    """A span; times are in steps of the senders' common clock, links name a span."""

    service: str
    name: str
    kind: str
    parent: str | None
    steps: tuple[float, float]
    status: tuple[str, str] = ("UNSET", "")
    attributes: Attributes = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[tuple[str, Attributes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.attributes = typed(self.attributes)


def seen(
    spans: SpanBatch, sent: Sent, *, more_nano: int = 0, digits: int | None = None
) -> list[Seen]:
    """One trace, by service and name.

    The sender's clock is `more_nano` after the step; `digits` of a step are exact where
    the sender computes times in floats.
    """
    names = {bytes.fromhex(i.zfill(16)): name for name, i in sent.spans.items()}
    rows = spans.sort_by([("service_name", "ascending"), ("name", "ascending")])
    rows = rows.to_pylist()
    assert {row["trace_id"].hex() for row in rows} == {sent.trace_id.zfill(32)}
    assert {names[row["span_id"]] for row in rows} == {row["name"] for row in rows}
    return [_Reading(names, START_UNIX_NANO + more_nano, digits).seen(r) for r in rows]


@dataclass(frozen=True)
class _Reading:
    names: Mapping[bytes, str]
    zero_unix_nano: int
    digits: int | None

    def seen(self, row: Mapping[str, Any]) -> Seen:
        start, parent = row["start_time_unix_nano"], row["parent_span_id"]
        return Seen(
            row["service_name"],
            row["name"],
            SpanKind(row["kind"]).name,
            self.names[parent] if parent else None,
            (self.step(start), self.step(start + row["duration_nano"])),
            (StatusCode(row["status_code"]).name, row["status_message"]),
            _told(row["attributes"]),
            [self.event(each) for each in row["events"] or []],
            [
                (self.names[link["span_id"]], _told(link["attributes"]))
                for link in row["links"] or []
            ],
        )

    def event(self, event: Mapping[str, Any]) -> Event:
        step = self.step(event["time_unix_nano"])
        return Event(event["name"], step, _told(event["attributes"]))

    def step(self, unix_nano: int) -> float:
        step = (unix_nano - self.zero_unix_nano) / STEP_NANO
        return step if self.digits is None else round(step, self.digits)


def _told(cell: Any) -> Attributes:
    attributes = decode_attributes(cell)
    return {
        key: value
        for key, value in attributes.items()
        if key not in UNTOLD and not key.startswith(UNTOLD_PREFIX)
    }
