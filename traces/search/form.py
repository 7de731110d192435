"""The search form: what a URL says, as one frozen value of texts.

`traces.search.translate` makes a TraceQuery of it. The same parameters serve the page,
its points and the REST API.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from traces.query import QueryError, Sort
from traces.search.windows import CUSTOM, DEFAULT_RANGE

DEFAULT_LIMIT: Final = 20
CONTEXT_CHARACTERS: Final = 40
SEVERAL: Final = ("service", "status", "kind")
# `from` is a word of Python's own.
ATTRIBUTE_NAMES: Final = {"from": "from_time", "to": "to_time"}
PARAMETERS: Final = {
    "service": "Service name; several are alternatives.",
    "name": "Span name.",
    "status": "Span status: unset, ok or error; several are alternatives.",
    "kind": "Span kind: unspecified, internal, server, client, producer or consumer.",
    "min_duration": "Shortest whole trace: 10ms, 1.5s, 200us; a plain number is ms.",
    "max_duration": "Longest whole trace.",
    "min_span_duration": "Shortest duration of the span that matches.",
    "max_span_duration": "Longest duration of the span that matches.",
    "where": "Conditions as text: span.http.response.status_code >= 500 AND …",
    "range": "Time range: 5m, 15m, 1h, 6h, 24h, 7d, all, or custom for from and to.",
    "from": "Start of the time range, inclusive: ISO 8601 or Unix nanoseconds.",
    "to": "End of the time range, exclusive.",
    "sort": "newest, oldest, longest, shortest, most-spans or most-errors.",
    "limit": "Traces on a page, at most 1000.",
    "after": "Where the last page ended: the `next` of its answer.",
}


class Parameters(Protocol):
    """What Django's QueryDict offers."""

    def get(self, key: str, /) -> Any: ...
    def getlist(self, key: str) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a parameter; `position` counts characters of its text."""

    parameter: str
    message: str
    position: int | None = None
    text: str = ""

    @property
    def before(self) -> str:
        """A little of the text before the place."""
        end = self.position or 0
        return self.text[max(0, end - CONTEXT_CHARACTERS) : end]

    @property
    def at(self) -> str:
        """What stands at the place, or a mark where the text ends."""
        rest = self.text[self.position or 0 :]
        return rest[:CONTEXT_CHARACTERS] or "\N{CARET}"


class FormError(QueryError):
    """Some parameters cannot be used."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.parameter}: {e.message}" for e in self.errors))


@dataclass(frozen=True, slots=True)
class SearchForm:
    """Every field as text, the empty text where nothing is asked."""

    service: tuple[str, ...] = ()
    name: str = ""
    status: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    min_duration: str = ""
    max_duration: str = ""
    min_span_duration: str = ""
    max_span_duration: str = ""
    where: str = ""
    range: str = DEFAULT_RANGE
    from_time: str = ""
    to_time: str = ""
    sort: str = Sort.NEWEST
    limit: str = str(DEFAULT_LIMIT)
    after: str = ""

    def params(self) -> list[tuple[str, str]]:
        """The parameters that differ from the defaults, in the form's order."""
        return [
            (parameter, value)
            for parameter in PARAMETERS
            for value in _differing(self, ATTRIBUTE_NAMES.get(parameter, parameter))
        ]

    def querystring(self, **changes: Any) -> str:
        """`?…` of this form with some fields changed; from the first page on."""
        changed: SearchForm = replace(self, **({"after": ""} | changes))
        return "?" + urlencode(changed.params())

    @property
    def is_filtered(self) -> bool:
        """Whether anything but time, order and paging is asked."""
        unfiltered = {"range", "from", "to", "sort", "limit", "after"}
        return any(parameter not in unfiltered for parameter, _ in self.params())


DEFAULTS: Final = SearchForm()


def _differing(form: SearchForm, attribute: str) -> tuple[str, ...]:
    value = getattr(form, attribute)
    if value == getattr(DEFAULTS, attribute):
        return ()
    return value if isinstance(value, tuple) else (value,)


def read_form(given: Parameters) -> SearchForm:
    """The form of a URL; never fails: what is wrong shows when it is translated."""
    texts: dict[str, Any] = {
        ATTRIBUTE_NAMES.get(parameter, parameter): _read(given, parameter)
        for parameter in PARAMETERS
    }
    if (texts["from_time"] or texts["to_time"]) and not texts["range"]:
        texts["range"] = CUSTOM
    if texts["range"] not in {CUSTOM, ""}:
        texts["from_time"] = texts["to_time"] = ""
    return replace(DEFAULTS, **{name: text for name, text in texts.items() if text})


def _read(given: Parameters, parameter: str) -> str | tuple[str, ...]:
    if parameter in SEVERAL:
        values = (str(value) for value in given.getlist(parameter))
        return tuple(dict.fromkeys(value for value in values if value))
    return str(given.get(parameter) or "").strip()
