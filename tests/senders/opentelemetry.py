"""The trace of OpenTelemetry's senders, as it is expected to be stored."""

from collections.abc import Mapping
from typing import Any

from tests.senders.view import Event, Seen
from tests.senders.ways import Way

# How far after a step its senders' clock is; a format in microseconds loses this.
NANO_AFTER_THE_STEP = 123
DECLINED = "card declined"


def is_python(way: Way) -> bool:
    return way.sender.startswith("python")


def order_attributes(way: Way) -> dict[str, Any]:
    return {
        "order.id": "o-17",
        "order.total": 12.5,
        "order.items": 2**53 + 1 if is_python(way) else 3,
        "order.paid": True,
        "order.skus": ["a", "b"],
    }


def thrown(way: Way) -> dict[str, Any]:
    type_ = "ValueError" if is_python(way) else "TypeError"
    return {"exception.type": type_, "exception.message": DECLINED}


def opentelemetry_trace(
    *,
    order: Mapping[str, Any],
    checked: Event,
    exception: Event,
    links: list[tuple[str, dict[str, Any]]],
    everywhere: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Seen]:
    """`everywhere` tells, by service, the attributes of each of its spans."""
    more = everywhere or {"shop": {}, "warehouse": {}}
    shop, warehouse = dict(more["shop"]), dict(more["warehouse"])
    return [
        Seen(
            "shop",
            "POST /order",
            "SERVER",
            None,
            (0, 16),
            attributes={**order, **shop},
            events=[checked],
        ),
        Seen(
            "shop",
            "charge card",
            "CLIENT",
            "POST /order",
            (2, 6),
            ("ERROR", DECLINED),
            attributes=shop,
            events=[exception],
        ),
        Seen(
            "shop", "publish order", "PRODUCER", "POST /order", (8, 9), attributes=shop
        ),
        Seen(
            "warehouse",
            "pack order",
            "CONSUMER",
            "publish order",
            (10, 14),
            ("OK", ""),
            attributes=warehouse,
            links=links,
        ),
    ]
