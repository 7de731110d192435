"""What the address of the map asks for, and the addresses of other views of it."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest

from analysis.edges import EdgeType
from analysis.measured import Fields
from analysis.pages.windows import PageWindow, read_window
from analysis.peers import NodeType
from analysis.results.measures import text_of
from analysis.service_map import DEEPEST, MapNode, Shown

TYPE_NAMES: Final = {each: each.name.lower() for each in NodeType}
TYPES: Final = {name: each for each, name in TYPE_NAMES.items()}
MOST_EDGE_CHARACTERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class MapQuery:
    """`edge` are the fields of the edge that is looked at, None for none; `page` is of
    the table."""

    window: PageWindow
    shown: Shown
    sort: str = ""
    edge: Fields | None = None
    page: int = 1

    @property
    def parameters(self) -> dict[str, str]:
        shown = self.shown
        values = {
            "range": self.window.chosen,
            "q": shown.name,
            "queues": "" if shown.queues else "hide",
            "links": "show" if shown.links else "",
            "sort": self.sort,
        }
        return {name: value for name, value in values.items() if value} | self.focused

    @property
    def focused(self) -> dict[str, str]:
        if self.shown.focus is None:
            return {}
        return focus_on(self.shown.focus) | {"depth": str(self.shown.depth)}

    def url(self, **changes: Any) -> str:
        """The same view but for these parameters; an empty one is left out."""
        changed = {**self.parameters, **changes}
        return f"?{urlencode({name: v for name, v in changed.items() if v != ''})}"

    def at(self, node: MapNode) -> str:
        return self.url(**{"depth": "1", "type": ""} | focus_on(node))

    def of_edge(self, fields: Fields) -> str:
        return self.url(edge=text_of(fields))

    @property
    def everything(self) -> str:
        """Without a focus."""
        kept = {k: v for k, v in self.parameters.items() if k not in self.focused}
        return f"?{urlencode(kept)}"


def focus_on(node: MapNode) -> dict[str, str]:
    # A service without a name can be looked at too.
    kind = {} if node.type is NodeType.SERVICE else {"type": TYPE_NAMES[node.type]}
    return {"focus": node.name} | kind


def read_query(request: HttpRequest, now_nano: int) -> MapQuery:
    """What cannot be read is left out."""
    asked = request.GET
    focus = None
    if "focus" in asked:
        type_ = TYPES.get(asked.get("type", ""), NodeType.SERVICE)
        focus = MapNode(asked["focus"], type_)
    return MapQuery(
        window=read_window(request, now_nano),
        shown=Shown(
            focus,
            _depth(asked.get("depth", "")),
            asked.get("q", "").strip(),
            queues=asked.get("queues") != "hide",
            links=asked.get("links") == "show",
        ),
        sort=asked.get("sort", ""),
        edge=_edge(asked.get("edge", "")),
        page=_page(asked.get("page", "")),
    )


def _depth(text: str) -> int:
    depths = {str(depth): depth for depth in range(1, DEEPEST + 1)}
    return depths.get(text, 1)


def _page(text: str) -> int:
    # More digits than any page has would take long to read.
    return int(text) if text.isdecimal() and len(text) < 7 else 1


def _edge(text: str) -> Fields | None:
    if not text or len(text) > MOST_EDGE_CHARACTERS:
        return None
    try:
        caller, caller_type, callee, callee_type, type_ = json.loads(text)
        types = NodeType(caller_type), NodeType(callee_type), EdgeType(type_)
    # Deeply nested JSON ends in a RecursionError.
    except (ValueError, TypeError, RecursionError):
        return None
    if not (isinstance(caller, str) and isinstance(callee, str)):
        return None
    return (caller, int(types[0]), callee, int(types[1]), int(types[2]))
