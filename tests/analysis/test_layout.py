"""The drawing of a service map: nodes apart, callers left, few crossings."""

import math
import random
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import layering as layering_module
from analysis.heights import heights
from analysis.layering import layered
from analysis.layout import LARGEST, MOST_EDGES, NODE_WIDTH, EdgePath, layout
from analysis.ordering import Stretch, crossings, ordered, stretches


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(node, node), max_size=25))


def tiers(count, edge_count):
    """A map as large ones are: most calls lead to a few tiers further down."""
    chance = random.Random(1)
    edges = [(chance.randrange(node), node) for node in range(1, count)]
    while len(edges) < edge_count:
        edges.append((chance.randrange(count), chance.randrange(count)))
    return count, edges


def overlap(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(graphs())
def test_no_nodes_overlap(graph):
    boxes = layout(*graph).boxes
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))


@given(graphs())
def test_everything_is_inside_of_the_drawing(graph):
    drawn = layout(*graph)
    for box in drawn.boxes:
        assert 0 < box.x < box.x + box.width < drawn.width
        assert 0 < box.y < box.y + box.height < drawn.height
    for path in drawn.paths:
        for x, y in path.points:
            assert math.isfinite(x)
            assert math.isfinite(y)
            assert 0 <= x <= drawn.width
            assert 0 <= y <= drawn.height


@given(graphs())
def test_edges_lead_from_the_caller_to_the_right_but_for_those_marked_as_back(graph):
    drawn = layout(*graph)
    for (caller, callee), path in zip(graph[1], drawn.paths, strict=True):
        if caller == callee:
            continue
        first, last = drawn.boxes[caller], drawn.boxes[callee]
        (start_x, start_y), (end_x, end_y) = path.points[0], path.points[-1]
        assert first.y < start_y < first.y + first.height
        assert last.y < end_y < last.y + last.height
        if path.back:
            assert (start_x, end_x) == (first.x, last.x + last.width)
        else:
            assert (start_x, end_x) == (first.x + first.width, last.x)
        xs = [x for x, _ in path.points]
        assert xs == sorted(xs, reverse=path.back)


@given(graphs())
def test_without_a_cycle_no_edge_leads_back(graph):
    count, edges = graph
    onward = [edge for edge in edges if edge[0] < edge[1]]
    assert not any(path.back for path in layout(count, onward).paths)


def test_a_cycle_has_one_edge_that_leads_back():
    drawn = layout(3, [(0, 1), (1, 2), (2, 0)])
    assert [path.back for path in drawn.paths] == [False, False, True]


@given(graphs(), st.randoms())
def test_the_order_of_edges_changes_nothing(graph, chance):
    count, edges = graph
    shuffled = chance.sample(edges, len(edges))
    drawn, again = layout(count, edges), layout(count, shuffled)
    assert drawn.boxes == again.boxes
    assert set(drawn.paths) == set(again.paths)


def test_edges_both_ways_are_drawn_apart():
    there, back = layout(2, [(0, 1), (1, 0)]).paths
    assert set(there.points).isdisjoint(back.points)


def test_a_long_edge_goes_around_the_nodes_that_it_passes():
    drawn = layout(3, [(0, 1), (1, 2), (0, 2)])
    passed, path = drawn.boxes[1], drawn.paths[2]
    beside = [y for x, y in path.points if passed.x <= x <= passed.x + NODE_WIDTH]
    assert beside
    assert not any(passed.y <= y <= passed.y + passed.height for y in beside)


def test_a_node_that_calls_itself_has_a_loop_above_it():
    drawn = layout(1, [(0, 0)])
    assert all(y <= drawn.boxes[0].y for _, y in drawn.paths[0].points)


def test_two_callers_of_two_callees_do_not_cross():
    edges = [(0, 3), (1, 2), (4, 0), (4, 1)]
    layering = layered(5, edges)
    between = stretches(layering)
    place = np.zeros(5)
    for points in ordered(layering, between):
        place[points] = range(len(points))
    assert crossings(between, place) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_crossings_are_counted(parts):
    pairs = combinations(parts, 2)
    expected = sum((a - c) * (b - d) < 0 for (a, b), (c, d) in pairs)
    left, right = np.array(parts, np.int64).reshape(-1, 2).T
    assert crossings([Stretch(left, right + 6)], np.arange(12.0)) == expected


@given(graphs())
def test_ordering_never_makes_more_crossings(graph):
    count, edges = graph
    layering = layered(count, edges)
    between = stretches(layering)
    place = np.zeros(sum(map(len, layering.layers)))
    counts = []
    for layers in (layering.layers, ordered(layering, between)):
        for points in layers:
            place[points] = range(len(points))
        counts.append(crossings(between, place))
    assert counts[1] <= counts[0]


@given(graphs())
def test_every_edge_has_a_bend_in_each_layer_that_it_passes(graph):
    layering = layered(*graph)
    layer = {at: n for n, points in enumerate(layering.layers) for at in points}
    for chain in layering.chains:
        assert all(layer[b] == layer[a] + 1 for a, b in pairwise(chain))


def test_heights_keep_order_and_distance():
    layering = layered(4, [(0, 1), (0, 2), (0, 3)])
    found = heights(layering.layers, stretches(layering), 4, 40)
    first, second, third = (found[node] for node in layering.layers[1])
    assert second - first >= 60
    assert third - second >= 60
    assert found[0] == pytest.approx(second)


def test_a_straight_chain_is_drawn_straight():
    boxes = layout(4, [(0, 1), (1, 2), (2, 3)]).boxes
    assert len({round(box.y, 6) for box in boxes}) == 1


def test_parts_that_are_not_connected_lie_below_each_other():
    boxes = layout(6, [(0, 1), (1, 2), (3, 4)]).boxes
    assert max(box.y for box in boxes[:3]) < min(box.y for box in boxes[3:5])
    assert max(box.y for box in boxes[:5]) < boxes[5].y


def test_nothing_is_drawn_as_nothing():
    assert layout(0, []).boxes == ()


def test_three_hundred_nodes_are_drawn():
    drawn = layout(*tiers(300, 900))
    assert not any(overlap(*pair) for pair in combinations(drawn.boxes, 2))
    assert nx.number_connected_components(nx.Graph(tiers(300, 900)[1])) == 1


def test_beyond_the_limit_of_bends_long_edges_go_straight(monkeypatch):
    monkeypatch.setattr(layering_module, "BEND_LIMIT", 1)
    edges = [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3)]
    assert [len(chain) for chain in layered(4, edges).chains] == [2, 2, 2, 3, 2]
    assert len(layout(4, edges).paths[4].points) == 4


def test_a_map_with_too_many_nodes_or_edges_is_refused():
    with pytest.raises(ValueError, match="nodes"):
        layout(LARGEST + 1, [])
    with pytest.raises(ValueError, match="edges"):
        layout(2, [(0, 1)] * (MOST_EDGES + 1))


def test_paths_are_written_for_svg():
    level = EdgePath(((0, 1), (2, 1), (2, 1), (4, 1)), back=False)
    assert level.svg == "M0,1h4"
    points = ((192, 46), (240, 46), (240, 80.25), (288, 80.25))
    bent = EdgePath((*points, (300, 80.25), (300, 80.25), (310.55, 80.25)), back=False)
    assert bent.svg == "M192,46c48,0 48,34.2 96,34.2h22.6"
