"""Edges and nodes of the map with their numbers, words and searches."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.urls import reverse

from analysis.edges import EdgeType
from analysis.histogram import Histogram
from analysis.pages.map_query import TYPE_NAMES, MapQuery
from analysis.pages.windows import PageWindow, with_range
from analysis.peers import NodeType
from analysis.results.measures import text_of
from analysis.service_map import EdgeTimes, MapEdge, MapNode
from traces.search.durations import format_duration
from traces.templatetags.display import percent, rate

NO_TIMES: Final = EdgeTimes()
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
VERBS: Final = {
    EdgeType.CALL: "calls",
    EdgeType.DATABASE: "asks",
    EdgeType.CACHE: "asks",
    EdgeType.QUEUE: "passes messages to",
    EdgeType.MESSAGING: "sends messages to",
    EdgeType.LINK: "is linked to by",
}
SYSTEMS: Final = {
    NodeType.DATABASE: ("db.system.name", "db.system"),
    NodeType.CACHE: ("db.system.name", "db.system"),
    NodeType.QUEUE: ("messaging.system",),
}


def shown_name(node: MapNode) -> str:
    return node.name or "no service name"


def quantile(histogram: Histogram, name: str) -> int | None:
    """In nanoseconds."""
    value = histogram.quantile(QUANTILES[name])
    return None if value is None else round(value)


@dataclass(frozen=True)
class EdgeRow:
    """An edge over the window of a query. The drawing and the table ask for the same
    words and numbers, so what is costly is found once: hence no slots."""

    edge: MapEdge
    query: MapQuery
    times: EdgeTimes = NO_TIMES

    @cached_property
    def caller(self) -> str:
        return shown_name(self.edge.caller)

    @cached_property
    def callee(self) -> str:
        return shown_name(self.edge.callee)

    @cached_property
    def caller_url(self) -> str:
        return self.query.at(self.edge.caller)

    @cached_property
    def callee_url(self) -> str:
        return self.query.at(self.edge.callee)

    @property
    def type_name(self) -> str:
        return self.edge.type.name.lower()

    @property
    def verb(self) -> str:
        return VERBS[self.edge.type]

    @property
    def calls(self) -> int:
        return round(self.edge.calls)

    @property
    def failed(self) -> int:
        return round(self.edge.failed)

    @cached_property
    def rate(self) -> float:
        """Calls per second."""
        return self.edge.calls / self.query.window.seconds

    @cached_property
    def errors(self) -> float:
        """The part that failed at either end."""
        return self.edge.failed / (self.edge.calls or 1)

    @cached_property
    def p50(self) -> int | None:
        return quantile(self.times.histogram, "p50")

    @cached_property
    def p95(self) -> int | None:
        return quantile(self.times.histogram, "p95")

    @cached_property
    def caller_p95(self) -> int | None:
        return quantile(self.times.client, "p95")

    @cached_property
    def label(self) -> str:
        """Its numbers in a line, as far as they were read."""
        parts = [rate(self.rate), f"{percent(self.errors)} errors"]
        for name, nano in (("p50", self.p50), ("p95", self.p95)):
            parts += [] if nano is None else [f"{name} {format_duration(nano)}"]
        return " · ".join(parts)

    @cached_property
    def sentence(self) -> str:
        return f"{self.caller} {self.verb} {self.callee}: {self.label}"

    @cached_property
    def key(self) -> str:
        return text_of(self.edge.fields)

    @property
    def chosen(self) -> bool:
        return self.query.edge == self.edge.fields

    @cached_property
    def url(self) -> str:
        return self.query.of_edge(self.edge.fields)

    @cached_property
    def search(self) -> str:
        return search_of(self.edge, self.query.window)

    @cached_property
    def failed_search(self) -> str:
        return search_of(self.edge, self.query.window, status=("error",))

    @property
    def searched(self) -> str:
        """What the searches find, in words: no search can ask for both ends."""
        if self.edge.callee.type is NodeType.SERVICE:
            return f"what {self.callee} answered, whoever called"
        return f"what {self.caller} called, as far as it can be told apart"


def search_of(edge: MapEdge, window: PageWindow, **fields: Any) -> str:
    """The query string of a search at the end that sent spans, the callee's first."""
    callee = edge.callee
    if callee.type is NodeType.SERVICE:
        return _search(window, callee.name, _KINDS[edge.type], "", fields)
    kinds = ("producer", "client") if callee.type is NodeType.QUEUE else ("client",)
    return _search(window, edge.caller.name, kinds, _system(callee), fields)


# Of the spans by which a service takes an edge of the type.
_KINDS: Final[dict[EdgeType, tuple[str, ...]]] = {
    EdgeType.CALL: ("server",),
    EdgeType.DATABASE: ("server",),
    EdgeType.CACHE: ("server",),
    EdgeType.QUEUE: ("consumer", "client"),
    EdgeType.MESSAGING: ("consumer", "client"),
    EdgeType.LINK: (),
}


def _system(node: MapNode) -> str:
    """A condition on what kind of database or queue it is."""
    # Names of databases and queues begin with their system, see `analysis.peers`.
    system = quoted(node.name.split(":")[0])
    return " OR ".join(f"span.{key} = {system}" for key in SYSTEMS.get(node.type, ()))


def _search(
    window: PageWindow,
    service: str,
    kinds: tuple[str, ...],
    where: str,
    fields: dict[str, Any],
) -> str:
    if service:
        return window.search(service=(service,), kind=kinds, where=where, **fields)
    unnamed = f'service = "" AND ({where})' if where else 'service = ""'
    return window.search(where=unnamed, kind=kinds, **fields)


def quoted(text: str) -> str:
    """As a text of the language of conditions."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node with the calls that it takes and makes on the edges that are shown."""

    node: MapNode
    taken: float
    failed: float
    made: float
    query: MapQuery

    @property
    def name(self) -> str:
        return shown_name(self.node)

    @property
    def type_name(self) -> str:
        return TYPE_NAMES[self.node.type]

    @property
    def is_service(self) -> bool:
        return self.node.type is NodeType.SERVICE

    @property
    def chosen(self) -> bool:
        return self.query.shown.focus == self.node

    @property
    def rate(self) -> float:
        """Calls per second that it takes; of who only calls, those that it makes."""
        return (self.taken or self.made) / self.query.window.seconds

    @property
    def errors(self) -> float:
        return self.failed / (self.taken or 1)

    @property
    def label(self) -> str:
        """Its numbers in a line."""
        if not self.taken:
            return f"{rate(self.rate)} out"
        return f"{rate(self.rate)} · {percent(self.errors)} errors"

    @property
    def sentence(self) -> str:
        return f"{self.type_name} {self.name}: {self.label}; what is around it"

    @property
    def url(self) -> str:
        return self.query.at(self.node)

    @property
    def operations_url(self) -> str:
        url = reverse("operations")
        return with_range(url, self.query.window, service=self.node.name)


def node_rows(edges: list[MapEdge], query: MapQuery) -> list[NodeRow]:
    """The nodes of these edges, in the order of their names."""
    sums: dict[MapNode, list[float]] = {}
    for edge in edges:
        callee = sums.setdefault(edge.callee, [0.0, 0.0, 0.0])
        callee[0] += edge.calls
        callee[1] += edge.failed
        sums.setdefault(edge.caller, [0.0, 0.0, 0.0])[2] += edge.calls
    return [
        NodeRow(node, taken, failed, made, query)
        for node, (taken, failed, made) in sorted(sums.items())
    ]
