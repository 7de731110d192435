"""The receivers page: what arrived in which encoding, what was refused, what was lost."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from traces.receivers.reports import Received, Totals, read_received
from traces.store.base import StoreError
from tracing_ui.supervise.listening import receiver_addresses

REASONS_SHOWN: Final = 50
LABELS: Final = {
    "otlp/protobuf": "OTLP, protobuf",
    "otlp/json": "OTLP, JSON",
    "zipkin/json": "Zipkin v2, JSON",
    "zipkin/protobuf": "Zipkin v2, protobuf",
    "zipkin/v1-json": "Zipkin v1, JSON",
    "zipkin/v1-thrift": "Zipkin v1, thrift",
    "jaeger/compact": "Jaeger over UDP, compact thrift",
    "jaeger/binary": "Jaeger over UDP, binary thrift",
    "jaeger/thrift": "Jaeger over HTTP, thrift",
    "jaeger/protobuf": "Jaeger over gRPC, protobuf",
    "jaeger/json": "Jaeger, JSON",
}


@dataclass(frozen=True, slots=True)
class EncodingRow:
    label: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class ReasonRow:
    label: str
    reason: str
    count: int


@never_cache
@require_safe
def receivers(request: HttpRequest) -> HttpResponse:
    try:
        context = tables(read_received())
    except StoreError:
        context = {"away": True}
    context["addresses"] = receiver_addresses()
    status = 503 if "away" in context else 200
    return render(request, "traces/receivers.html", context, status=status)


def tables(received: Received) -> dict[str, Any]:
    rows = [EncodingRow(label(key), each) for key, each in received.totals.items()]
    return {
        "received": received,
        "rows": rows,
        "rejected": reasons((row.label, row.totals.rejected) for row in rows),
        "lost": reasons((row.label, row.totals.lost) for row in rows),
        "unsent": reasons((row.label, row.totals.unsent) for row in rows),
        "lost_datagrams": sum(row.totals.lost_datagrams for row in rows),
    }


def label(encoding: str) -> str:
    return LABELS.get(encoding, encoding)


def reasons(counts: Iterable[tuple[str, Counter[str]]]) -> list[ReasonRow]:
    """The most frequent first."""
    rows = [
        ReasonRow(label, reason, count)
        for label, counter in counts
        for reason, count in counter.items()
    ]
    rows.sort(key=lambda row: (-row.count, row.label, row.reason))
    return rows[:REASONS_SHOWN]
