"""The three ways a request of the shop can go, and how it tells each service.

The pattern travels as W3C baggage beside the trace context, so that no service has to
hand it on and the load needs no special address.
"""

import time
from enum import StrEnum

from opentelemetry import baggage

BAGGAGE_KEY = "shop.pattern"
DATABASE_BOTTLENECK_MS = 2_000
DATABASE_STATEMENT_TIMEOUT_MS = 1_500
"""The database gives up on a statement later than its caller does, as they often do."""
DATABASE_CALL_TIMEOUT_SECONDS = {"bottleneck": 10.0}
DATABASE_CALL_TIMEOUT_DEFAULT_SECONDS = 1.0


class Pattern(StrEnum):
    """How a checkout goes: as usual, slow in the database, or failing service by service."""

    NORMAL = "normal"
    BOTTLENECK = "bottleneck"
    CASCADE = "cascade"


def current_pattern() -> Pattern:
    """The pattern of the request being served; anything unknown is a normal one."""
    try:
        return Pattern(str(baggage.get_baggage(BAGGAGE_KEY)))
    except ValueError:
        return Pattern.NORMAL


def baggage_header(pattern: Pattern) -> dict[str, str]:
    """The HTTP header that asks the shop for `pattern`."""
    return {"baggage": f"{BAGGAGE_KEY}={pattern}"}


def work(milliseconds: float) -> None:
    """Stands for work that takes this long."""
    time.sleep(milliseconds / 1_000)
