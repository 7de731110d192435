"""Templates of links from a span to other systems, as the settings give them.

A template is a URL with placeholders in braces: `trace_id`, `span_id`, `service`, `start_ms`,
`end_ms`, `start_iso`, `end_iso`, or the key of an attribute of the span or its resource.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
MOST: Final = 20
EXPECTED: Final = (
    'a JSON list such as [{"label": "Logs", "url": "https://logs.example/?id={trace_id}"}]'
    f" of at most {MOST}, each URL http or https with a fixed host"
)


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    label: str
    url: str


def parse_link_templates(text: str) -> tuple[LinkTemplate, ...]:
    """Raises ValueError."""
    try:
        rows = json.loads(text or "[]")
        templates = tuple(_template(row) for row in rows)
    except (ValueError, TypeError, KeyError):
        raise ValueError(EXPECTED) from None
    if len(templates) > MOST:
        raise ValueError(EXPECTED)
    return templates


def _template(row: Mapping[str, Any]) -> LinkTemplate:
    label, url = row["label"], row["url"]
    if not (isinstance(label, str) and isinstance(url, str) and label):
        raise ValueError
    parts = urlsplit(url)
    # A host of the sender's choice would be a link to anywhere.
    if parts.scheme not in ("http", "https") or not parts.netloc or "{" in parts.netloc:
        raise ValueError
    return LinkTemplate(label, url)
