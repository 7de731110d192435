"""Zipkin's version 1, in which one span may be a client and a server at once.

What a span is must be read from its annotations: `cs` and `cr` are the moments at which
a client sent and received, `sr` and `ss` those of a server, `ms` and `ws`, `wr` and
`mr` those of messages. Each side becomes a span of version 2.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec
import numpy as np

from traces.receivers.wire_format import Scalar, key_value
from traces.receivers.zipkin_columns import ZipkinColumns
from traces.receivers.zipkin_spans import (
    ABSENT,
    Annotation,
    Endpoint,
    Int64,
    ZipkinSpan,
    to_columns,
)
from traces.variant import INT64_MAX, INT64_MIN
from traces.variant_columns import Ints


class V1Annotation(msgspec.Struct, gc=False):
    timestamp: Int64
    value: str | None = None
    endpoint: Endpoint | None = None


class BinaryAnnotation(msgspec.Struct, gc=False):
    """A tag; or, if it is just true, somebody's address."""

    key: str = ""
    value: str | bool | Int64 | float | None = None
    type: str | None = None
    endpoint: Endpoint | None = None


class V1Span(msgspec.Struct, gc=False, rename="camel"):
    trace_id: str | None = None
    id: str | None = None
    parent_id: str | None = None
    name: str | None = None
    timestamp: Int64 | None = None
    duration: Int64 | None = None
    debug: bool | None = None
    annotations: list[V1Annotation] | None = None
    binary_annotations: list[BinaryAnnotation] | None = None
    # Only in version 2.
    kind: msgspec.Raw = ABSENT
    tags: msgspec.Raw = ABSENT
    shared: msgspec.Raw = ABSENT
    local_endpoint: msgspec.Raw = ABSENT
    remote_endpoint: msgspec.Raw = ABSENT


class Tag(NamedTuple):
    """A binary annotation whose value has its type."""

    key: str
    value: Scalar
    endpoint: Endpoint | None


class _Side(NamedTuple):
    first: str
    last: str
    shown_by: tuple[str, ...]
    other: str  # the key of the other side's address


# A span's own times are those of the first side that it has.
_SIDES: Final = {
    "CLIENT": _Side("cs", "cr", ("cs", "cr"), "sa"),
    "SERVER": _Side("sr", "ss", ("sr", "ss"), "ca"),
    "PRODUCER": _Side("ms", "ws", ("ms",), "ma"),
    "CONSUMER": _Side("wr", "mr", ("mr",), "ma"),
}
_NO_SIDE: Final = _Side("", "", (), "sa")
_MOMENTS: Final = {name for side in _SIDES.values() for name in (side.first, side.last)}
_ADDRESSES: Final = ("ca", "sa", "ma")
_NO_COMPONENT: Final = ("lc", "")  # says only where a local span was
_RECEIVED: Final = "mr"  # a message may be received at once


class _Half(NamedTuple):
    """A span of version 2 while it is filled, and its attributes that are no texts."""

    span: ZipkinSpan
    events: list[Annotation]
    tags: dict[str, str]
    typed: list[bytes]


def to_v2_columns(
    spans: Sequence[V1Span], tags: Sequence[Sequence[Tag]], request: Ints
) -> ZipkinColumns:
    """`tags` are the binary annotations of each span, `request` its number."""
    split = [
        _Splitting(span, list(its)).halves()
        for span, its in zip(spans, tags, strict=True)
    ]
    counts = np.fromiter(map(len, split), np.int64, len(split))
    flat = list(chain.from_iterable(split))
    return to_columns(
        [half.span for half in flat],
        np.repeat(request, counts),
        [half.typed for half in flat],
    )


class _Splitting:
    def __init__(self, span: V1Span, tags: Sequence[Tag]) -> None:
        self.span = span
        self.annotations = span.annotations or []
        self.moments: dict[str, V1Annotation] = {}
        for each in self.annotations:
            if each.value in _MOMENTS:
                self.moments.setdefault(each.value, each)
        # What the times of the halves say already.
        self.told: list[V1Annotation] = []
        self.addresses = {tag.key: tag.endpoint for tag in tags if _is_address(tag)}
        self.tags = [tag for tag in tags if not _is_address(tag)]

    def halves(self) -> list[_Half]:
        kinds = [
            kind
            for kind, side in _SIDES.items()
            if any(name in self.moments for name in side.shown_by)
        ]
        halves = [self._half(kind, owner=not n) for n, kind in enumerate(kinds or [""])]
        self._share_out(halves)
        return halves

    def _half(self, kind: str, *, owner: bool) -> _Half:
        side = _SIDES.get(kind, _NO_SIDE)
        first, last = self.moments.get(side.first), self.moments.get(side.last)
        start, duration = self._times(first, last, owner=owner)
        if first or duration:
            self.told += [moment for moment in (first, last) if moment]
        local = self._local(first or last)
        remote = self.addresses.get(side.other)
        if not kind and remote is None and "ca" in self.addresses:
            kind, remote = "SERVER", self.addresses["ca"]
        # Version 1 had no word for it, but only the owner of a span sent its times.
        joined = kind == "SERVER" and first is not None and not self.span.timestamp
        events: list[Annotation] = []
        tags: dict[str, str] = {}
        span = ZipkinSpan(
            trace_id=self.span.trace_id,
            id=self.span.id,
            parent_id=self.span.parent_id,
            kind=kind,
            name=self.span.name,
            timestamp=start,
            duration=duration,
            debug=self.span.debug,
            shared=joined or not owner,
            local_endpoint=local,
            remote_endpoint=None if remote == local else remote,
            annotations=events,
            tags=tags,
        )
        return _Half(span, events, tags, [])

    def _times(
        self, first: V1Annotation | None, last: V1Annotation | None, *, owner: bool
    ) -> tuple[int, int]:
        """Start and duration, 0 for what is not known."""
        own = self.span.timestamp if owner else None
        begin = first
        if last and last.value == _RECEIVED:
            begin = first or last
        start = own or (begin.timestamp if begin else 0)
        if own and self.span.duration:
            return start, self.span.duration
        taken = last.timestamp - start if last and begin else 0
        return start, max(INT64_MIN, min(taken, INT64_MAX))

    def _local(self, moment: V1Annotation | None) -> Endpoint | None:
        if moment:
            return moment.endpoint
        found = [each.endpoint for each in self.annotations]
        found += [each.endpoint for each in self.tags]
        return next(filter(None, found), self.addresses.get("ca"))

    def _share_out(self, halves: list[_Half]) -> None:
        """What is left goes to the side of the same service, or else to the first."""
        of_service = {_service(h.span.local_endpoint): h for h in reversed(halves)}
        for each in self.annotations:
            half = of_service.get(_service(each.endpoint), halves[0])
            if not any(each is moment for moment in self.told):
                half.events.append(Annotation(each.timestamp, each.value))
        for tag in self.tags:
            half = of_service.get(_service(tag.endpoint), halves[0])
            if not isinstance(tag.value, str):
                half.typed.append(key_value(tag.key, tag.value))
            elif (tag.key, tag.value) != _NO_COMPONENT:
                half.tags[tag.key] = tag.value


def _service(endpoint: Endpoint | None) -> str:
    return (endpoint and endpoint.service_name) or ""


def _is_address(tag: Tag) -> bool:
    """Some senders write 1 for true."""
    return (
        tag.key in _ADDRESSES
        and tag.endpoint is not None
        and tag.value in (True, "true", "1")
    )
