"""The table of all edges below the map: one order, one page of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analysis.measured import Fields
from analysis.pages.map_query import MapQuery
from analysis.pages.map_rows import NO_TIMES, EdgeRow
from analysis.results.edges import read_times
from analysis.service_map import EdgeTimes, MapEdge

ORDERS: Final[dict[str, Callable[[EdgeRow], Any]]] = {
    "calls": lambda row: -row.edge.calls,
    "caller": lambda row: (row.caller, row.callee),
    "callee": lambda row: (row.callee, row.caller),
    "errors": lambda row: -row.errors,
    "p50": lambda row: -(row.p50 or 0),
    "p95": lambda row: -(row.p95 or 0),
    "caller-p95": lambda row: -(row.caller_p95 or 0),
}
# These need the times of every edge, of a page or not.
BY_TIME: Final = {"p50", "p95", "caller-p95"}
COLUMNS: Final = (
    ("caller", "Caller"),
    ("callee", "Callee"),
    ("calls", "Calls"),
    ("errors", "Errors"),
    ("p50", "p50"),
    ("p95", "p95"),
    ("caller-p95", "p95 at the caller"),
)
ROWS_A_PAGE: Final = 50
# Of more edges those with most calls are listed by time: reading times is slow.
MOST_TIMED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    label: str
    url: str
    sorted: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class EdgePage:
    """Some of all edges that can be listed, and how many more there are."""

    edges: list[MapEdge]
    query: MapQuery
    sort: str
    number: int
    edge_count: int
    left_out: int

    @property
    def first(self) -> int:
        return (self.number - 1) * ROWS_A_PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.edges) - 1

    @property
    def previous(self) -> str:
        return self._at(self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return self._at(self.number + 1) if self.last < self.edge_count else ""

    def _at(self, page: int) -> str:
        return self.query.url(page="" if page == 1 else page)

    @property
    def headings(self) -> list[Heading]:
        return [self._heading(*each) for each in COLUMNS]

    def _heading(self, name: str, label: str) -> Heading:
        is_number = name not in {"caller", "callee"}
        order = "descending" if is_number else "ascending"
        sorted_ = order if name == self.sort else ""
        return Heading(name, label, self.query.url(sort=name), sorted_, is_number)


def edge_page(edges: Sequence[MapEdge], query: MapQuery) -> EdgePage:
    """A page that is beyond the last is the last."""
    sort = query.sort if query.sort in ORDERS else "calls"
    listed = _ordered(edges, query, sort)
    number = max(1, min(query.page, -(-len(listed) // ROWS_A_PAGE)))
    begin = (number - 1) * ROWS_A_PAGE
    rows = listed[begin : begin + ROWS_A_PAGE]
    left_out = len(edges) - len(listed)
    shown = [row.edge for row in rows]
    return EdgePage(shown, query, sort, number, len(listed), left_out)


def _ordered(edges: Sequence[MapEdge], query: MapQuery, sort: str) -> list[EdgeRow]:
    listed, times = edges, {}
    if sort in BY_TIME:
        listed = sorted(edges, key=lambda edge: -edge.calls)[:MOST_TIMED]
        both = listed if sort == "caller-p95" else ()
        times = times_of(query, listed, both)
    return sorted(edge_rows(listed, query, times), key=ORDERS[sort])


def times_of(
    query: MapQuery, edges: Iterable[MapEdge], both: Iterable[MapEdge]
) -> dict[Fields, EdgeTimes]:
    """What callees measured; of the edges in `both` also what their callers did."""
    among, of_both = ({edge.fields for edge in each} for each in (edges, both))
    return read_times(query.window.minutes, among | of_both, of_both)


def edge_rows(
    edges: Iterable[MapEdge], query: MapQuery, times: dict[Fields, EdgeTimes]
) -> list[EdgeRow]:
    return [EdgeRow(edge, query, times.get(edge.fields, NO_TIMES)) for edge in edges]
