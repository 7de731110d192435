"""What the parameters of a request ask for. What cannot be read is refused by name."""

from typing import Final

from rest_framework.request import Request

from analysis.measured import Fields
from analysis.pages.windows import PageWindow, stepped
from analysis.results.reading import Minutes
from traces.api.rest.completions import text_of, window_of
from traces.search.form import FieldError, FormError
from traces.search.values import KINDS

# As many minutes as a page's longest range has, twice.
MOST_MINUTES: Final = 14 * 24 * 60


def page_window(request: Request) -> PageWindow:
    """The minutes that the time range touches."""
    minutes = Minutes.of(window_of(request))
    if minutes.last - minutes.first > MOST_MINUTES:
        message = f"longer than {MOST_MINUTES} minutes"
        raise FormError([FieldError("range", message)])
    return stepped("", minutes)


def needed(request: Request, *parameters: str) -> tuple[str, ...]:
    """Their texts; they may be empty, but not left out."""
    missing = [each for each in parameters if each not in request.query_params]
    if missing:
        raise FormError(FieldError(each, "it is needed") for each in missing)
    return tuple(text_of(request, each) for each in parameters)


def operation_of(request: Request) -> Fields:
    """(service, name, kind), as the measures of operations have them."""
    service, name, kind = needed(request, "service", "name", "kind")
    if kind.lower() not in KINDS:
        message = f"expected one of {', '.join(KINDS)}"
        raise FormError([FieldError("kind", message)])
    return (service, name, int(KINDS[kind.lower()]))


def one_of(request: Request, parameter: str, known: dict[str, int]) -> int:
    """The first unless given."""
    text = text_of(request, parameter) or next(iter(known))
    if text not in known:
        message = f"expected one of {', '.join(known)}"
        raise FormError([FieldError(parameter, message)])
    return known[text]
