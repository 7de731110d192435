"""The rules of service dependencies once more, span by span, as they are told."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from analysis.forest import Forest
from tests.analysis.edges import Edge, call
from tests.analysis.plain import forests
from tests.builders import link, span_id, trace_id

UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
OPERATIONS = {"receive": "receives", "process": "receives", "settle": "settles"}

KEYS = (
    *("peer.service", "db.system", "rpc.service", "server.address", "http.url"),
    *("messaging.system", "messaging.destination.name", "messaging.operation"),
)
VALUES = ("a", "b", "x", "y", "proxy", "", "redis", "receive", "settle")
told = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)


@st.composite
def connected(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Forests whose spans tell of peers, link to each other and were sampled."""
    rows = draw(forests())
    for row in rows:
        row["attributes"] = draw(told)
        if host := row["attributes"].get("http.url"):
            row["attributes"]["http.url"] = f"http://{host}/"
        row["trace_state"] = draw(st.sampled_from(["", "ot=th:8", "ot=th:c"]))
        row["links"] = [
            link(trace_id(trace), span_id(span))
            for trace, span in draw(
                st.lists(st.tuples(st.integers(1, 2), st.integers(1, 9)), max_size=2)
            )
        ]
    return rows


@dataclass
class One:
    """A span with what surrounds it; compared by identity."""

    row: int
    id: int
    kind: int
    service: str
    start: int
    end: int
    attributes: dict[str, str]
    role: str = ""
    # Any: the rules below look at parents only where there is one.
    parent: Any = None
    children: list["One"] = field(default_factory=list)
    links: list["One | None"] = field(default_factory=list)

    @property
    def inside(self) -> bool:
        return self.parent is not None and self.parent.service == self.service

    def first(self, *keys: str) -> str:
        return next((v for k in keys if (v := self.attributes.get(k))), "")


def spans_of(of: Forest) -> list[One]:
    rows = of.spans.to_pylist()
    ones = [
        One(
            row,
            int.from_bytes(each["span_id"]),
            each["kind"],
            each["service_name"],
            int(of.start_time_unix_nano[row]),
            int((of.start_time_unix_nano + of.end - of.start)[row]),
            {k.removeprefix("attributes."): v for k, v in each.items() if "." in k},
        )
        for row, each in enumerate(rows)
    ]
    by_id: dict[Any, One] = {}
    for one, each in zip(ones, rows, strict=True):
        one.role = role(one)
        by_id.setdefault((each["trace_id"], each["span_id"]), one)
        if of.parent[one.row] >= 0:
            one.parent = ones[of.parent[one.row]]
            one.parent.children.append(one)
    for one, each in zip(ones, rows, strict=True):
        targets = dict.fromkeys((to["trace_id"], to["span_id"]) for to in each["links"])
        one.links = [by_id.get(target) for target in targets]
    return ones


def role(one: One) -> str:
    if one.kind in (PRODUCER, CONSUMER):
        return "sends" if one.kind == PRODUCER else "receives"
    if one.kind == CLIENT and one.first("messaging.system"):
        return OPERATIONS.get(one.first("messaging.operation"), "sends")
    return ""


def source_and_node(one: One) -> tuple[str, str]:
    system, place = one.first("messaging.system"), one.first("server.address")
    host = re.match(r"\w+://([^/]+)", one.first("http.url"))
    address = place or (host[1] if host else "")
    rest = [
        ("name", one.first("peer.service")),
        ("database", _joined(one.first("db.system"), place)),
        ("rpc", one.first("rpc.service")),
        ("address", address),
        ("nothing", "unknown"),
    ]
    if not one.first("db.system"):
        del rest[1]
    if one.role or one.kind in (PRODUCER, CONSUMER):
        rest = [each for each in rest if each[0] != "database"]
        queue = _joined(system, one.first("messaging.destination.name"))
        name = queue or next(name for _, name in rest if name)
        return "queue", f"queue:{name}"
    source, name = next(each for each in rest if each[1])
    types = {"address": "external:", "nothing": "unknown:"}
    if db := one.first("db.system"):
        return source, ("cache:" if db == "redis" else "database:") + name
    return source, types.get(source, "") + name


def _joined(first: str, second: str) -> str:
    return ":".join(each for each in (first, second) if each)


def climb(one: One, kinds: tuple[int, ...], *, without_role: bool = False) -> One:
    """The highest span of the own service that is reached through such kinds."""
    while one.inside and one.parent.kind in kinds:
        if without_role and one.parent.role:
            break
        one = one.parent
    return one


def around(one: One, kinds: tuple[int, ...], *, without_role: bool = False):
    """The next span of the own service above those."""
    top = climb(one, kinds, without_role=without_role)
    return top.parent if top.inside else None


INNER = (UNSPECIFIED, INTERNAL)
PASSABLE = (UNSPECIFIED, INTERNAL, CLIENT)


def plain_edges(of: Forest) -> list[Edge]:
    spans = spans_of(of)
    found, pairs = _called(spans)
    services = {one.service for one in spans}
    for one in spans:
        if one.kind == SERVER and one.parent is None:
            found.append(_entry(one, orphan=bool(of.orphan[one.row])))
    found += _unanswered(spans, pairs, services)
    found += _messages(spans)
    return found


def _entry(one: One, *, orphan: bool) -> Edge:
    caller = one.first("peer.service") if orphan else ""
    caller = caller or "user:user"
    return call(caller, one.service, server=one.id, caller_missing=orphan)


def _called(spans: list[One]) -> tuple[list[Edge], list[tuple[One, One]]]:
    found, pairs, through = [], [], []
    for one in (each for each in spans if each.kind == SERVER and each.parent):
        caller, top = one.parent, one
        if caller.kind != CLIENT:
            top = climb(one, INNER)
            caller = top.parent
            if caller is None or caller.service == one.service:
                continue
        through.append(top)
        edges, straight = _pair(caller, one)
        found += edges
        if straight:
            pairs.append((caller, one))
    for one in (each for each in spans if each.parent and not each.inside):
        if (
            one.kind == SERVER
            or one.role == "receives"
            or any(one is t for t in through)
        ):
            continue
        found.append(_straight(one.parent, one, inferred=True))
        pairs.append((one.parent, one))
    return found, pairs


def _pair(caller: One, one: One) -> tuple[list[Edge], bool]:
    source, said = source_and_node(caller) if caller.kind == CLIENT else ("", "")
    other = source == "name" and ":" not in said and said != one.service
    if other and "proxy" not in said and said != caller.service:
        first = call(caller.service, said, client=caller.id)
        return [first, call(said, one.service, server=one.id)], False
    return [_straight(caller, one, via=said if other else "")], True


def _straight(caller: One, one: One, **more: Any) -> Edge:
    client, gap = 0, -1
    if caller.kind == CLIENT:
        client = caller.id
        gap = max((caller.end - caller.start) - (one.end - one.start), 0)
    ends = {"client": client, "server": one.id, "gap": gap}
    return call(caller.service, one.service, **ends, **more)


def _unanswered(spans, pairs, services) -> list[Edge]:
    answers = defaultdict(set)
    for caller, one in pairs:
        if caller.kind == CLIENT and (address := _address(caller)):
            answers[address].add(one.service)
    found = []
    for one in spans:
        if one.kind != CLIENT or one.role or _answered(one) or _has_client(one):
            continue
        source, node = source_and_node(one)
        if _is_transport(one) and source in ("rpc", "address", "nothing"):
            continue
        lender = one
        while source in ("address", "nothing"):
            lender = around(lender, INNER)
            if lender is None or lender.kind != CLIENT or lender.role:
                source, node = source_and_node(one)
                break
            source, node = source_and_node(lender)
        learnt = answers.get(_address(one), ())
        if source in ("rpc", "address", "nothing") and len(learnt) == 1:
            node = next(iter(learnt))
        if node != one.service:
            type_ = node.split(":")[0] if ":" in node else "call"
            type_ = type_ if type_ in ("database", "cache") else "call"
            missing = node in services
            found.append(call(one.service, node, type_, one.id, span_missing=missing))
    return found


def _address(one: One) -> str:
    host = re.match(r"\w+://([^/]+)", one.first("http.url"))
    return one.first("server.address") or (host[1] if host else "")


def _answered(one: One) -> bool:
    return any(
        child.service != one.service
        or (child.kind == SERVER and one.kind == CLIENT)
        or (child.kind in PASSABLE and _answered(child))
        for child in one.children
    )


def _has_client(one: One) -> bool:
    return any(
        (child.kind == CLIENT and not child.role)
        or (child.kind in PASSABLE and _has_client(child))
        for child in one.children
        if child.service == one.service
    )


def _is_transport(one: One) -> bool:
    outer = around(one, PASSABLE, without_role=True)
    if outer is None:
        return False
    return outer.role == "sends" or (outer.kind == CLIENT and outer.role != "")


def _messages(spans: list[One]) -> list[Edge]:
    found = []
    ties = {one.row: _ties(one) for one in spans if one.role == "receives"}
    for one in spans:
        for target in one.links:
            if one.role == "receives" and (target is None or target.role == "sends"):
                continue
            if target and target.service != one.service:
                ends = target.service, one.service
                found.append(call(*ends, "link", target.id, one.id))
        outer = around(one, PASSABLE, without_role=True)
        queue = source_and_node(one)[1]
        same = outer is not None and source_and_node(outer)[1] == queue
        if one.role == "sends":
            again = same and outer.role == "sends"
            if not again and not (one.kind == CLIENT and one.links):
                found.append(call(one.service, queue, "queue", client=one.id))
        if one.role == "receives" and not _elsewhere(one, spans, ties):
            for sender, guessed in ties[one.row] or [(None, False)]:
                found.append(call(queue, one.service, "queue", server=one.id))
                if sender:
                    found.append(_message(sender, one, inferred=guessed))
    return found


def _message(sender: One, one: One, *, inferred: bool) -> Edge:
    gap = -1 if inferred else max(one.start - sender.end, 0)
    ends = {"client": sender.id, "server": one.id, "gap": gap}
    return call(sender.service, one.service, "messaging", **ends, inferred=inferred)


def _ties(one: One) -> list[tuple[One | None, bool]]:
    known = [t for t in one.links if t is not None and t.role == "sends"]
    absent = [t for t in one.links if t is None]
    sender, parent = None, one.parent
    if parent and parent.role == "sends":
        sender = parent
    elif parent and parent.kind in PASSABLE and not parent.role:
        outer = around(parent, PASSABLE, without_role=True)
        sender = outer if outer and outer.role == "sends" else None
    if sender and not any(sender is each for each in known):
        known.append(sender)
    guess = parent is not None and not one.inside and not known and not absent
    every = [(each, False) for each in known + absent]
    return every + ([(parent, True)] if guess else [])


def _elsewhere(one: One, spans: list[One], ties) -> bool:
    """The messages of this span count with one that is around or inside of it."""

    def outer(of: One):
        found = around(of, PASSABLE, without_role=True)
        if found is None or found.role != "receives" or of.role != "receives":
            return None
        return found if source_and_node(found)[1] == source_and_node(of)[1] else None

    def inner(of: One) -> list[One]:
        return [each for each in spans if outer(each) is of]

    def tied_inside(of: One) -> bool:
        return any(ties[each.row] for each in inner(of))

    if tied_inside(one) or (inner(one) and not ties[one.row]):
        return True
    above = outer(one)
    return bool(
        not ties[one.row] and above and ties[above.row] and not tied_inside(above)
    )
