"""What the fields of the search form offer to choose from."""

from dataclasses import dataclass
from typing import Any, Final

from traces.query import Op, QueryError, Sort, Window
from traces.search.form import SearchForm
from traces.search.values import KINDS, STATUSES
from traces.search.windows import ALL_TIME, LABELS, RANGES
from traces.store.base import StoreError
from traces.store.current import current_store

SERVICES_IN_SIGHT: Final = 12
MAX_SERVICES: Final = 500
LIMITS: Final = ("20", "50", "100", "500")
STATUS_ORDER: Final = ("error", "ok", "unset")
KIND_ORDER: Final = ("server", "client", "producer", "consumer", "internal")


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


def of(form: SearchForm, window: Window) -> dict[str, Any]:
    """The template's context: a list of choices for each field."""
    services = service_choices(form, window)
    return {
        "services": services[:SERVICES_IN_SIGHT],
        "more_services": services[SERVICES_IN_SIGHT:],
        "ranges": one_of(LABELS, form.range),
        "sorts": one_of({sort: sort.replace("-", " ") for sort in Sort}, form.sort),
        "limits": one_of({limit: limit for limit in LIMITS}, form.limit),
        "statuses": several_of(STATUS_ORDER, STATUSES, form.status),
        "kinds": several_of(KIND_ORDER, KINDS, form.kind),
        "operators": [str(op) for op in Op],
        "wider": wider_ranges(form),
    }


def one_of(labels: dict[str, str], chosen: str) -> list[Choice]:
    return [Choice(value, text, value == chosen) for value, text in labels.items()]


def several_of(
    order: tuple[str, ...], known: dict[str, int], chosen: tuple[str, ...]
) -> list[Choice]:
    """In our order; a rarer one is offered only while it is chosen."""
    wanted = {name.lower() for name in chosen}
    rare = [name for name in known if name in wanted and name not in order]
    return [Choice(name, name, name in wanted) for name in (*order, *rare)]


def service_choices(form: SearchForm, window: Window) -> list[Choice]:
    """The chosen ones first, so that they stay in sight; then all of the window."""
    names = [*form.service, *known_services(window)]
    unique = list(dict.fromkeys(names))[:MAX_SERVICES]
    return [Choice(name, name, name in form.service) for name in unique]


def known_services(window: Window) -> list[str]:
    try:
        return [name for name in current_store().get_services(window) if name]
    except (QueryError, StoreError):
        return []  # the results part of the page says what is wrong


def wider_ranges(form: SearchForm) -> list[tuple[str, str]]:
    """Links to the same search over more time: (query string, label)."""
    names = [*RANGES, ALL_TIME]
    start = names.index(form.range) + 1 if form.range in names else 0
    wider = [name for name in ("6h", "24h", "7d", ALL_TIME) if name in names[start:]]
    return [
        (form.querystring(range=name, from_time="", to_time=""), LABELS[name].lower())
        for name in wider
    ]
