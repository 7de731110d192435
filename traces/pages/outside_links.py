"""Links from a span to logs and metrics elsewhere, from templates in the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from tracing_ui.link_templates import PLACEHOLDER, LinkTemplate

MAX_VALUE: Final = 500
MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class OutsideLink:
    label: str
    href: str


def outside_links(
    templates: Sequence[LinkTemplate],
    span: Mapping[str, Any],
    attributes: Sequence[Mapping[str, Any]],
) -> list[OutsideLink]:
    """Of one span, a row of SPAN_SCHEMA; `attributes` are of span, then of resource.

    A link for which the span lacks something is left out.
    """
    values = _values(span, attributes)
    links = []
    for template in templates:
        names = PLACEHOLDER.findall(template.url)
        if all(name in values for name in names):
            href = PLACEHOLDER.sub(lambda m: values[m.group(1)], template.url)
            links.append(OutsideLink(template.label, href))
    return links


def _values(
    span: Mapping[str, Any], attributes: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    start = span["start_time_unix_nano"]
    end = start + max(span["duration_nano"], 0)
    own = {
        "trace_id": span["trace_id"].hex(),
        "span_id": span["span_id"].hex(),
        "service": span["service_name"],
        "start_ms": str(start // MS),
        "end_ms": str(-(-end // MS)),
        "start_iso": _iso(start),
        "end_iso": _iso(end),
    }
    found: dict[str, str] = {}
    for each in reversed(attributes):
        found |= {key: _text(value) for key, value in each.items() if _is_plain(value)}
    return {
        key: quote(text[:MAX_VALUE], safe="") for key, text in (found | own).items()
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _iso(nano: int) -> str:
    moment = datetime.fromtimestamp(nano // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nano % 10**9 // MS:03}Z"
