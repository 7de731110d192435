"""The ways that requests went from service to service, and how often they failed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from analysis.measured import SERVICE_PATH
from analysis.pages.map_query import MapQuery
from analysis.pages.map_rows import shown_name
from analysis.peers import NodeType
from analysis.results.reading import Found, read_measures
from analysis.service_map import MapNode

MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class PathRow:
    """How often the last service was entered by this way."""

    found: Found
    query: MapQuery

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(map(str, self.found.fields))

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """(service, its name as it is shown, the map around it)."""
        nodes = [MapNode(service) for service in self.services]
        return [(node.name, shown_name(node), self.query.at(node)) for node in nodes]

    @property
    def calls(self) -> int:
        return round(self.found.merged.count)

    @property
    def failed(self) -> int:
        return round(self.found.merged.failed)

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.found.merged.count / self.query.window.seconds

    @property
    def errors(self) -> float:
        return self.found.merged.failed / (self.found.merged.count or 1)

    @property
    def failed_search(self) -> str:
        """Spans of the last service that failed, whichever way they were reached."""
        service, window = self.services[-1], self.query.window
        if service:
            return window.search(service=(service,), status=("error",))
        return window.search(where='service = ""', status=("error",))


COLUMNS: Final = (("path", "Path"), ("calls", "Calls"), ("errors", "Errors"))
ORDERS: Final[dict[str, Callable[[PathRow], Any]]] = {
    "path": lambda row: row.services,
    "calls": lambda row: -row.found.merged.count,
    "errors": lambda row: -row.errors,
}


def paths_of(query: MapQuery) -> dict[str, Any]:
    found = read_measures(SERVICE_PATH, query.window.minutes)
    rows = [PathRow(each, query) for each in found]
    chosen = [row for row in rows if _is_chosen(row, query)]
    sort = query.sort if query.sort in ORDERS else "calls"
    chosen.sort(key=ORDERS[sort])
    return {
        "any": bool(rows),
        "rows": chosen[:MOST_ROWS],
        "rows_left_out": max(len(chosen) - MOST_ROWS, 0),
        "headings": [
            (label, query.url(sort=name, view="paths"), name == sort)
            for name, label in COLUMNS
        ],
    }


def _is_chosen(row: PathRow, query: MapQuery) -> bool:
    focus, name = query.shown.focus, query.shown.name.casefold()
    if focus is not None and (
        focus.type is not NodeType.SERVICE or focus.name not in row.services
    ):
        return False
    return any(name in service.casefold() for service in row.services)
