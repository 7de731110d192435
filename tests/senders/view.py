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
# They tell of the sender's machine and language.
UNTOLD = ("exception.stacktrace", "exception.escaped")


@dataclass(frozen=True)
class Event:
    name: str
    step: float
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
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


def seen(spans: SpanBatch, sent: Sent, more_nano: int = 0) -> list[Seen]:
    """All of one trace, by start; the sender's clock is `more_nano` after the step."""
    names = {bytes.fromhex(i.zfill(16)): name for name, i in sent.spans.items()}
    rows = sorted(spans.to_pylist(), key=lambda row: row["start_time_unix_nano"])
    assert {row["trace_id"].hex() for row in rows} == {sent.trace_id.zfill(32)}
    assert {names[row["span_id"]] for row in rows} == {row["name"] for row in rows}
    return [_seen(row, names, START_UNIX_NANO + more_nano) for row in rows]


def _seen(row: Mapping[str, Any], names: Mapping[bytes, str], zero: int) -> Seen:
    def step(unix_nano: int) -> float:
        return (unix_nano - zero) / STEP_NANO

    start, parent = row["start_time_unix_nano"], row["parent_span_id"]
    return Seen(
        row["service_name"],
        row["name"],
        SpanKind(row["kind"]).name,
        names[parent] if parent else None,
        (step(start), step(start + row["duration_nano"])),
        (StatusCode(row["status_code"]).name, row["status_message"]),
        decode_attributes(row["attributes"]),
        [
            Event(e["name"], step(e["time_unix_nano"]), _told(e["attributes"]))
            for e in row["events"] or []
        ],
        [
            (names[link["span_id"]], decode_attributes(link["attributes"]))
            for link in row["links"] or []
        ],
    )


def _told(cell: Any) -> Attributes:
    attributes = decode_attributes(cell)
    return {key: value for key, value in attributes.items() if key not in UNTOLD}
