"""One span in full, for the inspector beside the waterfall."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from traces import semconv
from traces.pages.outside_links import OutsideLink, outside_links
from traces.pages.trace_tables import SpanLine, span_line
from traces.pages.values import Shown, shown
from traces.query import Scope, Window
from traces.spans import SpanKind, StatusCode
from traces.trace import Trace
from traces.tree import NO_PARENT
from traces.variant import decode_attributes

HOUR_NANO: Final = 3_600_000_000_000
MAX_EVENTS: Final = 200
MAX_LINKS: Final = 200
EXCEPTION: Final = (
    semconv.EXCEPTION_TYPE,
    semconv.EXCEPTION_MESSAGE,
    semconv.EXCEPTION_STACKTRACE,
)


@dataclass(frozen=True, slots=True)
class ShownException:
    type: str
    message: str
    stacktrace: str


@dataclass(frozen=True, slots=True)
class ShownEvent:
    name: str
    at_nano: int
    attributes: list[Shown]
    dropped: int
    exception: ShownException | None = None


@dataclass(frozen=True, slots=True)
class ShownLink:
    trace_id: str
    span_id: str
    trace_state: str
    attributes: list[Shown]


@dataclass(frozen=True, slots=True)
class SpanDetail:
    """`sent_id` is the id as sent, which `line.span_id` is not where it was shared."""

    line: SpanLine
    sent_id: str
    parent: SpanLine | None
    parent_id: str
    kind: str
    status: str
    status_message: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    shift_nano: int
    trace_state: str
    scope_name: str
    scope_version: str
    attributes: list[Shown]
    resource: list[Shown]
    scope: list[Shown]
    events: list[ShownEvent]
    event_count: int
    links: list[ShownLink]
    link_count: int
    dropped: dict[str, int]
    defects: list[str]
    outside: list[OutsideLink]


def span_detail(trace: Trace, row: int) -> SpanDetail:
    sent = trace.spans.slice(row, 1).to_pylist()[0]
    window = _window_around(trace)
    events, links = sent["events"] or [], sent["links"] or []
    parent = int(trace.tree.parent[row])
    return SpanDetail(
        line=span_line(trace, row),
        sent_id=sent["span_id"].hex(),
        parent=None if parent == NO_PARENT else span_line(trace, parent),
        parent_id=(sent["parent_span_id"] or b"").hex(),
        kind=_kind(sent["kind"]),
        status=_status(sent["status_code"]),
        status_message=sent["status_message"],
        start_time_unix_nano=sent["start_time_unix_nano"],
        end_time_unix_nano=sent["start_time_unix_nano"] + sent["duration_nano"],
        shift_nano=int(trace.columns.shift[row]),
        trace_state=sent["trace_state"],
        scope_name=sent["scope_name"],
        scope_version=sent["scope_version"],
        attributes=_map(sent["attributes"], Scope.SPAN, window),
        resource=_map(sent["resource_attributes"], Scope.RESOURCE, window),
        scope=_map(sent["scope_attributes"], Scope.INSTRUMENTATION, window),
        events=[_event(trace, row, event, window) for event in events[:MAX_EVENTS]],
        event_count=len(events),
        links=[_link(link, window) for link in links[:MAX_LINKS]],
        link_count=len(links),
        dropped=_dropped(sent),
        defects=[found.sentence for found in trace.defects if row in found.rows],
        outside=outside_links(settings.SPAN_LINKS, sent, _own_and_resource(sent)),
    )


def _own_and_resource(sent: dict[str, Any]) -> list[dict[str, Any]]:
    columns = ("attributes", "resource_attributes")
    return [decode_attributes(sent[column]) for column in columns]


def _window_around(trace: Trace) -> Window:
    """A search from a span's value begins where its trace is."""
    start = max(trace.start_time_unix_nano - HOUR_NANO, 0)
    return Window(start, start + 2 * HOUR_NANO)


def _map(cell: Any, scope: Scope, window: Window) -> list[Shown]:
    return shown(decode_attributes(cell), scope, window)


def _kind(number: int) -> str:
    try:
        return SpanKind(number).name.lower()
    except ValueError:
        return f"kind {number}"


def _status(number: int) -> str:
    try:
        return StatusCode(number).name.lower()
    except ValueError:
        return f"status {number}"


def _event(trace: Trace, row: int, event: dict[str, Any], window: Window) -> ShownEvent:
    attributes = _map(event["attributes"], Scope.EVENT, window)
    exception = None
    if event["name"] == semconv.EXCEPTION_EVENT:
        texts = {each.key: each.text for each in attributes}
        exception = ShownException(*(texts.get(key, "") for key in EXCEPTION))
        attributes = [each for each in attributes if each.key not in EXCEPTION]
    moved = event["time_unix_nano"] + int(trace.columns.shift[row])
    return ShownEvent(
        event["name"],
        moved - trace.start_time_unix_nano,
        attributes,
        event["dropped_attributes_count"],
        exception,
    )


def _link(link: dict[str, Any], window: Window) -> ShownLink:
    # The language has no scope for links, so their values lead nowhere.
    attributes = [
        Shown(each.key, each.text, each.type, each.href)
        for each in _map(link["attributes"], Scope.SPAN, window)
    ]
    ids = link["trace_id"].hex(), link["span_id"].hex()
    return ShownLink(*ids, link["trace_state"], attributes)


def _dropped(sent: dict[str, Any]) -> dict[str, int]:
    words = ("attributes", "events", "links")
    counts = {word: sent[f"dropped_{word}_count"] for word in words}
    return {word: count for word, count in counts.items() if count}
