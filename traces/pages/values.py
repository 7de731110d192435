"""Attribute values as a page shows them: exact, typed, and leading somewhere."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from traces.query import MAX_TEXT_BYTES, Attribute, Condition, Op, Scope, Window
from traces.search.form import SearchForm
from traces.search.printing import print_condition
from traces.search.translate import fixed_window
from traces.variant import AttributeValue

# Nothing but these schemes becomes a link: `javascript:` comes from strangers too.
WEB_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
FOLDED_CHARACTERS: Final = 400
FOLDED_LINES: Final = 8
MAX_URL_VALUE_BYTES: Final = 1_500


@dataclass(frozen=True, slots=True)
class Shown:
    """A key and its value; `type` is empty for text, the common case.

    `only_url` and `without_url` search for spans with this value and with others.
    """

    key: str
    text: str
    type: str = ""
    href: str = ""
    only_url: str = ""
    without_url: str = ""

    @property
    def is_long(self) -> bool:
        lines = self.text.count("\n")
        return len(self.text) > FOLDED_CHARACTERS or lines > FOLDED_LINES

    @property
    def beginning(self) -> str:
        lines = self.text[:FOLDED_CHARACTERS].split("\n")
        return "\n".join(lines[:FOLDED_LINES])


def shown(
    attributes: Mapping[str, AttributeValue], scope: Scope, window: Window
) -> list[Shown]:
    """Sorted by key; searches look into `window`."""
    return [_shown(key, attributes[key], scope, window) for key in sorted(attributes)]


def _shown(key: str, value: AttributeValue, scope: Scope, window: Window) -> Shown:
    text, kind = value_text(value)
    href = text if not kind and WEB_ADDRESS.fullmatch(text) else ""
    if not _is_searchable(value):
        return Shown(key, text, kind, href)
    attribute = Attribute(key, scope)
    assert isinstance(value, str | int | float)
    only, without = (
        search_url(Condition(attribute, op, value), window) for op in (Op.EQ, Op.NE)
    )
    return Shown(key, text, kind, href, only, without)


def value_text(value: AttributeValue) -> tuple[str, str]:
    """The value as text, and its type unless it is text itself."""
    match value:
        case None:
            return "null", "null"
        case str():
            return value, ""
        case bool():
            return str(value).lower(), "bool"
        case int():
            return str(value), "int"
        case float():
            return repr(value), "double"
        case bytes():
            return value.hex(" "), f"{len(value)} bytes, hex"
        case Mapping():
            return _json(value), "map"
    return _json(value), "array"


def search_url(condition: Condition, window: Window) -> str:
    form = SearchForm(where=print_condition(condition))
    return reverse("trace-search") + form.querystring(**fixed_window(window))


def _is_searchable(value: AttributeValue) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, str):
        return len(value.encode()) <= min(MAX_URL_VALUE_BYTES, MAX_TEXT_BYTES)
    return isinstance(value, bool | int | float)


def _json(value: AttributeValue) -> str:
    return json.dumps(
        value, ensure_ascii=False, indent=2, default=lambda inner: inner.hex(" ")
    )
