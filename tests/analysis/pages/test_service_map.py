"""The map: its counts, its links, what it leaves out, what it says when empty."""

import re
import time
from collections import Counter
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings

from analysis.dependencies import edges
from analysis.edges import EdgeType
from analysis.forest import build_forest
from analysis.models import AnalysedMinute, ChangedMinute, Measure, SeenSegment
from analysis.pages.map_drawing import THINNEST, WIDEST, edge_widths
from analysis.peers import NodeType
from analysis.results.changes import Change, mark, minute_of
from analysis.results.edges import read_edges
from analysis.results.measures import MINUTE, text_of
from analysis.results.minutes import analyse
from analysis.results.reading import Minutes
from analysis.service_map import MapEdge, MapNode, Shown, most_called, select
from tests.analysis.map_data import fill, map_edges
from tests.analysis.plain import analysed as table_of
from tests.analysis.plain_dependencies import connected
from tests.builders import SECOND, T0, batch, span, span_id, trace_id
from traces.store.current import use_store
from traces.store.memory import MemoryStore

HOSTILE = "<script>window.__x=1</script>\"'&"


def recent(number, parent=None, trace=1, **more):
    start = time.time_ns() - 120 * SECOND
    return span(
        trace_id=trace_id(trace),
        span_id=span_id(number),
        parent_span_id=span_id(parent) if parent else None,
        start_time_unix_nano=start,
        **more,
    )


def chain(*services):
    """A request that goes from service to service."""
    rows = [recent(1, service=services[0])]
    for at, (caller, callee) in enumerate(pairwise(services)):
        client, server = 2 + 2 * at, 3 + 2 * at
        rows.append(recent(client, client - 1, kind=3, service=caller))
        rows.append(recent(server, client, kind=2, service=callee))
    return rows


def opened(client, **parameters):
    answer = client.get("/map", parameters)
    return answer, answer.content.decode()


def drawn(answer):
    """(caller, callee) of the edges of the drawing."""
    rows = [edge.row for edge in answer.context["drawing"].edges]
    return {(row.caller, row.callee) for row in rows}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=connected())
def test_counts_of_the_map_are_those_of_its_raw_spans(db, rows):
    """Every edge over all minutes, against the edges of the spans taken together."""
    for model in (Measure, AnalysedMinute, ChangedMinute, SeenSegment):
        model.objects.all().delete()
    store = MemoryStore()
    store.write(batch(*rows))
    minute = minute_of(T0)
    with use_store(store):
        for at in (minute - 1, minute, minute + 1):
            mark(MINUTE, [at])
            analyse(store, Change(MINUTE, at, 1))
    every = edges(build_forest(table_of(*rows)))
    calls: Any = Counter()
    failed: Any = Counter()
    for at in range(len(every)):
        ends = every.nodes[every.caller[at]], every.nodes[every.callee[at]]
        key = *((n.name, int(n.type)) for n in ends), int(every.type[at])
        calls[key] += float(every.weight[at])
        failed[key] += float(every.weight[at]) * bool(every.failed[at])
    found = read_edges(Minutes(minute - 1, minute + 2))
    keys = [(tuple(e.caller), tuple(e.callee), int(e.type)) for e in found]
    assert dict(zip(keys, (e.calls for e in found), strict=True)) == dict(calls)
    assert {k: e.failed for k, e in zip(keys, found, strict=True)} == {
        key: failed[key] for key in calls
    }


def test_edges_have_rate_errors_and_latency_and_lead_to_their_panel(client, analysed):
    analysed(*chain("a", "b"), recent(9, trace=2, service="b", status_code=2))
    answer, _ = opened(client)
    assert drawn(answer) == {("user", "a"), ("a", "b"), ("user", "b")}
    (row,) = [e.row for e in answer.context["drawing"].edges if e.row.caller == "a"]
    assert (row.calls, row.failed) == (1, 0)
    panel = client.get(f"/map/edge{row.url}").content.decode()
    assert f"/trace/{trace_id(1).hex()}" in panel
    assert "<html" not in panel
    assert panel.strip() in opened_at(client, row.url)


def opened_at(client, query):
    return client.get(f"/map{query}").content.decode()


def test_the_services_that_a_failure_reached_can_be_marked(client, analysed):
    analysed(*chain("shop", "payment", "bank"))
    _, page = opened(client, mark=["payment", "bank", HOSTILE])
    assert page.count("map-node service marked") == 2
    assert "Outlined in red" in page
    assert "<script>window" not in page
    assert "Outlined in red" not in opened(client)[1]


def test_an_edge_that_failed_leads_to_a_trace_that_failed(client, analysed):
    analysed(recent(1, trace=1), recent(1, trace=2, status_code=2))
    key = text_of(("user", NodeType.USER, "gateway", 0, 0))
    panel = client.get("/map/edge", {"edge": key}).content.decode()
    assert f'class="error-text" href="/trace/{trace_id(2).hex()}"' in panel


def test_the_search_of_an_edge_finds_its_traces(client, analysed):
    database = {"db.system": "postgresql", "server.address": "db"}
    rows = chain("a", "b"), recent(8, 1, kind=3, service="a", attributes=database)
    analysed(*rows[0], rows[1])
    answer, _ = opened(client)
    for row in (edge.row for edge in answer.context["drawing"].edges):
        found = client.get(f"/search{row.search}").content.decode()
        assert trace_id(1).hex() in found, row.sentence


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, {("b", "c"), ("c", "d")}),
        (2, {("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")}),
    ],
)
def test_the_map_can_be_narrowed_to_steps_around_a_service(
    client, analysed, depth, expected
):
    analysed(*chain("a", "b", "c", "d", "e"))
    answer, page = opened(client, focus="c", depth=depth)
    assert drawn(answer) == expected
    assert "/operations?service=c" in page


def test_the_map_can_be_narrowed_by_a_part_of_a_name(client, analysed):
    analysed(*chain("alpha", "beta", "gamma"))
    assert drawn(opened(client, q="ALPH")[0]) == {("user", "alpha"), ("alpha", "beta")}


def edge(caller, callee, type_=EdgeType.CALL, calls=1.0, callee_type=0):
    fields = (caller, 0, callee, int(callee_type), int(type_))
    return MapEdge(fields, calls, 0.0)


def test_without_queues_messages_go_from_service_to_service():
    into = edge("a", "q", EdgeType.QUEUE, callee_type=NodeType.QUEUE)
    past, linked = edge("a", "b", EdgeType.MESSAGING), edge("a", "b", EdgeType.LINK)
    every = [into, past, linked]
    assert select(every, Shown()) == [into]
    assert select(every, Shown(queues=False)) == [past]
    assert select(every, Shown(links=True)) == [into, linked]


def test_a_name_is_not_taken_for_that_of_a_node_of_another_type():
    into = edge("a", "x", EdgeType.DATABASE, callee_type=NodeType.DATABASE)
    assert select([into], Shown(focus=MapNode("x"))) == []
    assert select([into], Shown(focus=MapNode("x", NodeType.DATABASE))) == [into]


def test_the_nodes_with_most_calls_are_kept_and_the_others_counted():
    rows = [edge("hub", f"n{at}", calls=at + 1.0) for at in range(9)]
    part = most_called(rows, node_limit=4)
    assert [each.callee.name for each in part.edges] == ["n6", "n7", "n8"]
    assert (part.nodes_left_out, part.edges_left_out) == (6, 6)
    part = most_called(rows, edge_limit=2)
    assert [each.callee.name for each in part.edges] == ["n7", "n8"]


@pytest.mark.parametrize("nodes", [50, 300, 320])
def test_large_maps_are_drawn_up_to_a_limit_that_is_told(client, db, nodes):
    fill(map_edges(nodes, 3 * nodes), 2, time.time_ns())
    answer, page = opened(client)
    assert answer.status_code == 200
    assert len(answer.context["drawing"].nodes) == min(nodes, 300)
    assert answer.context["page"].edge_count == 3 * nodes
    assert len(answer.context["rows"]) == 50
    assert f"1 to 50 of {3 * nodes} edges" in page
    assert ("left out of the drawing" in page) == (nodes > 300)


def test_of_more_edges_than_can_be_drawn_those_with_most_calls_are(client, db):
    fill(map_edges(100, 2_010), 1, time.time_ns())
    answer, page = opened(client)
    drawn_edges = [each.row.edge for each in answer.context["drawing"].edges]
    assert len(drawn_edges) == 2_000
    assert "the 2,000 edges with most calls. 10 edges are left out" in page
    assert "1 to 50 of 2,010 edges" in page
    rarest = client.get("/map/edges", {"page": 41}).context["rows"]
    least = min(edge.calls for edge in drawn_edges)
    assert [row.edge.calls <= least for row in rarest] == [True] * 10


def test_the_pages_of_the_table_have_each_edge_once(client, db):
    fill(map_edges(90, 230), 1, time.time_ns())
    answer, url, rows = client.get("/map"), "?", []
    while url:
        answer = client.get(f"/map/edges{url}")
        assert b"<html" not in answer.content
        found = [row.edge.fields for row in answer.context["rows"]]
        whole = client.get(f"/map{url}").context["rows"]
        assert [row.edge.fields for row in whole] == found
        rows += found
        url = answer.context["page"].next
    assert len(rows) == len(set(rows)) == 230
    assert answer.context["page"].number == 5


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("2", 2), ("3", 2), ("999999", 2), ("9" * 5000, 1), ("0", 1), ("-1", 1), ("²", 1)],
)
def test_a_page_that_there_is_not_is_the_last_or_the_first(client, db, asked, shown):
    fill(map_edges(50, 80), 1, time.time_ns())
    assert opened(client, page=asked)[0].context["page"].number == shown


@pytest.mark.parametrize(("sort", "listed"), [("p95", 15), ("errors", 20)])
def test_an_order_by_time_lists_a_limited_number_of_edges_and_says_so(
    client, db, sort, listed
):
    fill(map_edges(9, 20), 1, time.time_ns())
    with patch("analysis.pages.map_table.MOST_TIMED", 15):
        answer, page = opened(client, sort=sort)
    assert len(answer.context["rows"]) == listed
    assert ("5 edges with fewer calls are left out of this order" in page) == (
        listed < 20
    )


@pytest.mark.parametrize(("most", "told"), [(12, True), (11, False)])
def test_a_large_drawing_tells_no_times_but_the_table_does(client, db, most, told):
    fill(map_edges(9, 12), 1, time.time_ns())
    with (
        patch("analysis.pages.map_table.ROWS_A_PAGE", 4),
        patch("analysis.pages.service_map.MOST_DRAWN_WITH_TIMES", most),
    ):
        context = opened(client)[0].context
    rows = {edge.row.edge.fields: edge.row for edge in context["drawing"].edges}
    listed = {row.edge.fields for row in context["rows"]}
    assert all(
        (rows[each].p95 is not None) == (told or each in listed) for each in rows
    )
    assert all(row.caller_p95 is not None for row in context["rows"])


@pytest.mark.parametrize("nodes", [60, 61])
def test_a_drawing_with_many_nodes_says_how_to_see_fewer(client, db, nodes):
    fill(map_edges(nodes, 2 * nodes), 1, time.time_ns())
    hint = f"{nodes} nodes and {2 * nodes} edges are drawn"
    assert (hint in opened(client)[1]) == (nodes > 60)
    assert hint not in opened(client, q="front")[1]


def test_edges_are_as_wide_as_the_logarithm_of_their_calls():
    assert edge_widths([], WIDEST) == []
    assert edge_widths([5.0, 5.0], WIDEST) == [THINNEST] * 2
    least, middle, most = edge_widths([1.0, 1e3, 1e6], WIDEST)
    assert (least, most) == (THINNEST, WIDEST)
    assert middle == pytest.approx((THINNEST + WIDEST) / 2)
    assert edge_widths([100.0, 110.0], WIDEST)[1] < THINNEST + 0.5
    assert edge_widths([0.0, 1.0], WIDEST) == [THINNEST] * 2


def test_edges_name_the_nodes_that_they_end_at(client, analysed):
    analysed(*chain("a", "b"))
    _, page = opened(client)
    nodes = dict(re.findall(r'data-node="(\d)".*?aria-label="\w+ (\w+):', page))
    edges = re.findall(r'data-ends="(\d) (\d)".*?aria-label="(\w+) calls (\w+):', page)
    assert {(nodes[one], nodes[two]) for one, two, *_ in edges} == {
        ("user", "a"),
        ("a", "b"),
    }
    assert all((nodes[one], nodes[two]) == (a, b) for one, two, a, b in edges)


@pytest.mark.parametrize("sort", ["caller", "errors", "p95", "caller-p95", "nonsense"])
def test_the_table_can_be_sorted(client, db, sort):
    fill(map_edges(9, 12), 1, time.time_ns())
    rows = opened(client, sort=sort)[0].context["rows"]
    values = {
        "caller": [row.caller for row in rows],
        "errors": [-row.errors for row in rows],
        "p95": [-(row.p95 or 0) for row in rows],
        "caller-p95": [-(row.caller_p95 or 0) for row in rows],
        "nonsense": [-row.edge.calls for row in rows],
    }[sort]
    assert values == sorted(values)


def test_paths_are_listed_with_calls_and_errors(client, analysed):
    analysed(*chain("a", "b", "c"))
    answer, _ = opened(client, view="paths")
    found = {row.services: (row.calls, row.failed) for row in answer.context["rows"]}
    assert found == {("a", "b"): (1, 0), ("a", "b", "c"): (1, 0)}
    assert opened(client, view="paths", focus="c")[0].context["rows"][0].calls == 1
    assert "none that match" in opened(client, view="paths", focus="x")[1]


@pytest.mark.parametrize("view", ["", "paths"])
def test_names_of_strangers_are_text(client, analysed, view):
    analysed(*chain(HOSTILE, HOSTILE + "2"))
    answer, page = opened(client, view=view)
    assert "&lt;script&gt;window" in page
    assert "<script>window" not in page
    if not view:
        for row in answer.context["rows"]:
            assert "<script>window" not in opened_at(client, row.url)
            assert client.get(f"/search{row.search}").status_code == 200
    assert "<script>window" not in opened(client, focus=HOSTILE, q=HOSTILE)[1]


@pytest.mark.parametrize(
    "edge",
    ["x", "[" * 50_000, "[1,2,3]", '["a",0,"b",0,99]', "[[],0,[],0,0]", "9" * 99_999],
)
def test_an_edge_that_cannot_be_read_is_none(client, db, edge):
    """Hostile: JSON in an address."""
    assert client.get("/map/edge", {"edge": edge}).status_code == 200


def test_an_edge_that_was_not_seen_is_said_to_be_so(client, db):
    key = text_of(("x", 0, "y", 0, 0))
    assert "not seen" in client.get("/map/edge", {"edge": key}).content.decode()


@pytest.mark.parametrize("view", ["map", "paths"])
def test_nothing_found_says_what_to_do(client, db, view):
    assert "Last 24 hours" in opened(client, view=view)[1]


def test_what_is_still_to_be_analysed_is_said(client, store):
    mark(MINUTE, [minute_of(time.time_ns()) - 3])
    assert "still to be analysed" in opened(client)[1]


@pytest.mark.parametrize(
    "url",
    ["/map", "/map?view=paths", "/map/edges", '/map/edge?edge=["a",0,"b",0,0]'],
)
def test_a_database_that_is_away_is_503(client, db, url):
    with patch(
        "analysis.results.reading._measures", side_effect=OperationalError("gone")
    ):
        assert client.get(url).status_code == 503
