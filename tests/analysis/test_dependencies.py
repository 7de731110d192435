"""Service dependency edges: links written down by hand for a trace of every kind."""

from hypothesis import given
from hypothesis import strategies as st

from analysis import nodes
from analysis.dependencies import edges
from analysis.forest import build_forest
from tests.analysis.edges import as_tuples, call, in_order, links, node_of, told
from tests.analysis.plain import analysed, forest, node
from tests.analysis.plain_dependencies import connected, plain_edges
from tests.builders import link, span_id, trace_id

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
USER = call("user:user", "a", server=1)
QUEUE = {"messaging.system": "kafka", "messaging.destination.name": "t"}


def a_server(number=1, parent=0, service="a", **more):
    return node(number, 0, 100, parent, kind=SERVER, service=service, **more)


def client(number, parent=1, service="a", end=90, **attributes):
    attributes = told(**attributes)
    return node(
        number, 10, end, parent, kind=CLIENT, service=service, attributes=attributes
    )


def internal(number, parent, service="a"):
    return node(number, 10, 80, parent, kind=INTERNAL, service=service)


def server(number, parent, service="b", **more):
    return node(number, 20, 70, parent, kind=SERVER, service=service, **more)


# Called spans name their callers


def test_a_client_and_its_server_are_one_call():
    assert links(a_server(), client(2), server(3, 2)) == [
        USER,
        call("a", "b", client=2, server=3, gap=30),
    ]


def test_a_server_below_a_server_of_another_service_has_no_client():
    assert links(a_server(), server(2, 1)) == [USER, call("a", "b", server=2)]


def test_internal_spans_of_both_sides_are_passed_through():
    spans = a_server(), internal(2, 1), internal(3, 2, "b"), server(4, 3)
    assert links(*spans) == [USER, call("a", "b", server=4)]


def test_a_client_above_the_callees_own_wrapper_is_still_the_client():
    assert links(a_server(), client(2), internal(3, 2, "b"), server(4, 3)) == [
        USER,
        call("a", "b", client=2, server=4, gap=30),
    ]


def test_nested_server_spans_count_once():
    spans = a_server(), client(2), server(3, 2), server(4, 3), internal(5, 4, "b")
    assert links(*spans, server(6, 5)) == [
        USER,
        call("a", "b", client=2, server=3, gap=30),
    ]


def test_a_service_that_calls_itself_is_proven_by_both_ends():
    assert links(a_server(), client(2), server(3, 2, "a")) == [
        USER,
        call("a", "a", client=2, server=3, gap=30),
    ]


def test_a_service_that_only_says_it_calls_itself_does_not():
    assert links(a_server(), client(2, peer__service="a")) == [USER]


def test_a_shared_span_of_zipkin_is_one_call():
    shared = client(2), server(2, 1)
    assert links(a_server(), *shared) == [
        USER,
        call("a", "b", client=2, server=2, gap=30),
    ]


# Kinds missing


def test_without_kinds_a_change_of_service_is_an_inferred_call():
    spans = (node(n, 0, 9, n - 1, kind=0, service=s) for n, s in enumerate("aabba", 1))
    assert links(*spans) == [
        call("a", "b", server=3, inferred=True),
        call("b", "a", server=5, inferred=True),
    ]


def test_a_client_whose_callee_tells_no_kind_is_an_inferred_call():
    assert links(a_server(), client(2, end=90), internal(3, 2, "b")) == [
        USER,
        call("a", "b", client=2, server=3, gap=10, inferred=True),
    ]


# Clients that nobody answers


def test_an_unanswered_client_calls_a_virtual_node():
    spans = a_server(), client(2, peer__service="x")
    assert links(*spans) == [USER, call("a", "x", client=2)]
    assert node_of("x", *spans).virtual
    assert not node_of("a", *spans).virtual


def test_a_client_that_tells_nothing_calls_something_unknown():
    assert links(a_server(), client(2)) == [
        USER,
        call("a", "unknown:unknown", client=2),
    ]


def test_an_address_is_an_external_node():
    assert links(a_server(), client(2, server__address="x", server__port=80)) == [
        USER,
        call("a", "external:x:80", client=2),
    ]


def test_of_nested_clients_the_innermost_counts_under_the_outer_ones_name():
    outer = client(2, rpc__service="shop.Cart")
    spans = a_server(), outer, internal(3, 2), client(4, 3, url__full="http://x/")
    assert links(*spans) == [USER, call("a", "shop.Cart", client=4)]


def test_an_inner_client_keeps_a_name_of_its_own():
    spans = a_server(), client(2, peer__service="x"), client(3, 2, peer__service="y")
    assert links(*spans) == [USER, call("a", "y", client=3)]


def test_an_outer_client_that_is_answered_further_down_calls_nobody_else():
    spans = a_server(), client(2, peer__service="b"), client(3, 2), server(4, 3)
    assert links(*spans) == [USER, call("a", "b", client=3, server=4, gap=20 + 10)]


def test_an_address_where_a_service_answered_is_that_service():
    address = {"server__address": "x", "server__port": 80}
    spans = a_server(), client(2, **address), server(3, 2), client(4, **address)
    assert links(*spans) == [
        USER,
        call("a", "b", client=2, server=3, gap=30),
        call("a", "b", client=4, span_missing=True),
    ]


def test_an_address_where_two_services_answered_is_nobodys():
    address = {"server__address": "x"}
    one = client(2, **address), server(3, 2)
    other = client(4, **address), server(5, 4, "c")
    found = links(a_server(), *one, *other, client(6, **address))
    assert found[-1] == call("a", "external:x", client=6)


def test_localhost_is_no_address_to_learn():
    """Each host has its own."""
    address = {"server__address": "localhost", "server__port": 80}
    spans = a_server(), client(2, **address), server(3, 2), client(4, **address)
    assert links(*spans)[-1] == call("a", "external:localhost:80", client=4)


def test_a_named_service_whose_span_is_missing_is_that_service():
    known = a_server(9, service="b", trace_id=trace_id(2))
    spans = a_server(), client(2, peer__service="b"), known
    assert call("a", "b", client=2, span_missing=True) in links(*spans)
    assert not node_of("b", *spans).virtual


# Databases


def test_a_database_is_a_node_of_its_own():
    db = {"db__system__name": "postgresql", "db__namespace": "shop"}
    assert links(a_server(), client(2, **db)) == [
        USER,
        call("a", "database:postgresql:shop", "database", client=2),
    ]


def test_a_database_is_never_the_service_of_the_same_name():
    known = a_server(9, service="orders", trace_id=trace_id(2))
    db = client(2, db__system="mysql", peer__service="orders")
    found = links(a_server(), db, known)
    assert call("a", "database:orders", "database", client=2) in found


def test_a_cache_is_neither():
    assert links(a_server(), client(2, db__system="redis")) == [
        USER,
        call("a", "cache:redis", "cache", client=2),
    ]


# Messages


def producer(number=2, parent=1, end=30, **more):
    more = {"kind": PRODUCER, "attributes": QUEUE} | more
    return node(number, 10, end, parent, **more)


def consumer(number, parent=0, start=50, to=(), **more):
    more = {"kind": CONSUMER, "service": "b", "attributes": QUEUE} | more
    ends = [link(trace_id(1), span_id(each)) for each in to]
    return node(number, start, 90, parent, links=ends, **more)


def sent(number=2):
    return call("a", "queue:kafka:t", "queue", client=number)


def received(number=3):
    return call("queue:kafka:t", "b", "queue", server=number)


def passed(client=2, server=3, gap=20):
    return call("a", "b", "messaging", client, server, gap=gap)


def test_a_message_tied_by_parent_goes_through_its_queue_and_past_it():
    spans = a_server(), producer(), consumer(3, parent=2)
    assert links(*spans) == [USER, sent(), received(), passed()]


def test_a_message_tied_by_link_waits_from_the_senders_end():
    there = consumer(3, to=[2], trace_id=trace_id(2))
    assert links(a_server(), producer(), there) == [USER, sent(), received(), passed()]


def test_a_parent_that_is_linked_too_sent_one_message():
    spans = a_server(), producer(), consumer(3, parent=2, to=[2])
    assert links(*spans) == [USER, sent(), received(), passed()]


def test_every_link_of_a_batch_counts():
    spans = a_server(), producer(2), producer(3), consumer(4, to=[2, 3, 99])
    assert links(*spans) == [
        USER,
        *(sent(2), sent(3)),
        *[received(4)] * 3,
        *(passed(2, 4), passed(3, 4)),
    ]


def test_a_consumer_that_began_early_waited_for_nothing():
    spans = a_server(), producer(), consumer(3, parent=2, start=20)
    assert links(*spans)[-1] == passed(gap=0)


def test_a_root_consumer_has_its_queue_and_no_user():
    assert links(consumer(3)) == [received()]


def test_a_client_that_receives_takes_from_the_queue():
    asked = told(messaging__operation__type="receive") | QUEUE
    spans = a_server(), producer(), consumer(3, to=[2], kind=CLIENT, attributes=asked)
    assert links(*spans) == [USER, sent(), received(), passed()]


def test_settling_moves_no_message():
    settled = told(messaging__operation__type="settle") | QUEUE
    assert links(a_server(), producer(kind=CLIENT, attributes=settled)) == [USER]


def test_a_client_that_sends_what_others_created_sends_nothing_more():
    made = [link(trace_id(1), span_id(2))]
    spans = a_server(), producer(), producer(3, kind=CLIENT, links=made)
    assert links(*spans) == [USER, sent()]


def test_a_process_inside_of_a_receive_counts_once():
    spans = a_server(), producer(), consumer(3, to=[2]), consumer(4, parent=3)
    assert links(*spans) == [USER, sent(), received(), passed()]
    spans = a_server(), producer(), consumer(3), consumer(4, parent=3, to=[2])
    assert links(*spans) == [USER, sent(), received(4), passed(server=4)]


def test_the_client_inside_of_a_producer_is_how_the_message_went():
    how = client(3, parent=2, url__full="http://sqs.example/")
    spans = a_server(), producer(), how, consumer(4, parent=3)
    assert links(*spans) == [USER, sent(), received(4), passed(server=4)]


def test_a_consumer_below_a_span_that_sends_nothing_is_a_guess():
    guess = call("a", "b", "messaging", 1, 3, inferred=True)
    assert links(a_server(), consumer(3, parent=1)) == [USER, received(), guess]


def test_a_server_inside_of_a_consumer_is_the_same_work():
    spans = consumer(3), server(4, 3)
    assert links(*spans) == [received()]


# Entries


def test_a_root_client_has_no_user():
    assert links(client(2, parent=0), server(3, 2)) == [
        call("a", "b", client=2, server=3, gap=30)
    ]


def test_an_orphan_server_is_called_by_a_user_and_flagged():
    assert links(a_server(parent=99)) == [
        call("user:user", "a", server=1, caller_missing=True)
    ]


def test_an_orphan_server_that_names_its_caller_is_called_by_it():
    orphan = a_server(parent=99, attributes=told(service__peer__name="x"))
    assert links(orphan) == [call("x", "a", server=1, caller_missing=True)]


def test_a_service_named_user_is_not_the_user():
    assert links(a_server(service="user")) == [call("user:user", "user", server=1)]


# Hops


def test_a_service_between_that_sent_no_span_is_two_calls():
    spans = a_server(), client(2, peer__service="x"), server(3, 2)
    assert links(*spans) == [USER, call("a", "x", client=2), call("x", "b", server=3)]


def test_a_proxy_or_address_between_is_only_noted():
    for name in ("istio-ingressgateway", "10.0.0.1:80", "b.svc.local"):
        spans = a_server(), client(2, peer__service=name), server(3, 2)
        expected = call("a", "b", client=2, server=3, gap=30, via=name)
        assert links(*spans) == [USER, expected]


def test_a_client_that_names_its_own_service_has_no_hop():
    spans = a_server(), client(2, peer__service="a"), server(3, 2)
    expected = call("a", "b", client=2, server=3, gap=30, via="a")
    assert links(*spans) == [USER, expected]


def test_an_interface_of_another_name_is_no_hop():
    spans = a_server(), client(2, rpc__service="shop.Cart"), server(3, 2)
    assert links(*spans) == [USER, call("a", "b", client=2, server=3, gap=30)]


# Links


def test_a_link_that_carries_no_message_is_no_call():
    other = a_server(5, service="c", links=[link(trace_id(1), span_id(1))])
    assert links(a_server(), other) == [
        USER,
        call("user:user", "c", server=5),
        call("a", "c", "link", client=1, server=5),
    ]


def test_a_link_within_a_service_is_no_edge():
    other = a_server(5, links=[link(trace_id(1), span_id(1))])
    assert links(a_server(), other) == [USER, call("user:user", "a", server=5)]


# Nothing, and much


def test_no_span_has_no_edge():
    assert links() == []


def test_hostile_names_stay_apart():
    """Hostile names: what could look like another node's type or name."""
    names = "0x", "1x", "<b>&\"'", "\0", "x\0", "\u202e", "user", "unknown", ""
    rows = [
        a_server(number, service=name, trace_id=trace_id(number))
        for number, name in enumerate(names, 1)
    ]
    assert links(*rows) == [
        call("user:user", name, server=number) for number, name in enumerate(names, 1)
    ]


def test_beyond_the_limit_the_rarest_peers_are_one_node(monkeypatch):
    """Hostile: a client that calls an address of its own each time."""
    monkeypatch.setattr(nodes, "PEER_LIMIT", 2)
    addresses = "x", "y", "y", "z", "z", "x2"
    clients = [client(n, server__address=a) for n, a in enumerate(addresses, 2)]
    found = [edge.callee for edge in links(a_server(), *clients)]
    others, y, z = (f"external:{name}" for name in ("others", "y", "z"))
    assert found == ["a", others, y, y, z, z, others]


def test_a_very_deep_trace_has_its_edges():
    """Hostile: a chain of thousands of spans."""
    kinds = {0: SERVER, 1: CLIENT, 2: INTERNAL}
    chain = [
        node(n, n, 9999, n - 1, kind=kinds[n % 3], service=f"s{n // 3 % 2}")
        for n in range(1, 3001)
    ]
    assert len(links(*chain)) == 1000


def test_forests_without_attributes_have_edges_too():
    found = forest(a_server(), client(2), server(3, 2))
    bare = found.spans.select([c for c in found.spans.column_names if "." not in c])
    assert len(edges(build_forest(bare.drop_columns(["links"])))) == 2


# Everything at once


@given(connected())
def test_edges_are_what_the_rules_tell_span_by_span(rows):
    found = forest(*rows)
    assert as_tuples(found, edges(found)) == in_order(plain_edges(found))


@given(connected(), st.randoms())
def test_the_order_of_arrival_changes_no_edge(rows, random):
    table = analysed(*rows)
    order = random.sample(range(len(rows)), len(rows))
    first, second = build_forest(table), build_forest(table.take(order))
    assert as_tuples(first, edges(first)) == as_tuples(second, edges(second))
    assert edges(first).nodes == edges(second).nodes


@given(connected())
def test_an_edge_weighs_what_its_rarer_end_does_and_fails_with_either(rows):
    found = forest(*rows)
    all_edges = edges(found)
    for at in range(len(all_edges)):
        ends = [row for row in (all_edges.client[at], all_edges.server[at]) if row >= 0]
        assert all_edges.weight[at] == max(found.weight[row] for row in ends)
        assert all_edges.failed[at] == any(found.failed[row] for row in ends)
        start = found.start_time_unix_nano[ends[-1]]
        assert all_edges.start_time_unix_nano[at] == start
        assert all_edges.trace_id[at] == found.spans["trace_id"][int(ends[-1])]


@given(connected())
def test_nodes_are_virtual_unless_they_sent_spans(rows):
    found = forest(*rows)
    every = edges(found).nodes
    real = [node.name for node in every if not node.virtual]
    assert sorted(real) == sorted(found.services)
    assert len(set(every)) == len(every)


def retried(*spans):
    found = forest(*spans)
    all_edges = edges(found)
    rows = all_edges.client[all_edges.retry].tolist()
    return [int.from_bytes(found.spans["span_id"][row].as_py()) for row in rows]


def attempt(number, start, *, failed=True, **more):
    status = 2 if failed else 0
    more = {"name": "get", "attributes": {"peer.service": "x"}} | more
    more |= {"kind": CLIENT, "status_code": status}
    return node(number, start, start + 5, 1, **more)


def test_a_call_after_a_failed_one_of_the_same_is_a_retry():
    tries = attempt(2, 10), attempt(3, 20), attempt(4, 30, failed=False)
    assert retried(a_server(), *tries, attempt(5, 40)) == [3, 4]


def test_another_call_or_one_at_the_same_time_is_no_retry():
    other = attempt(3, 20, attributes={"peer.service": "y"})
    named = attempt(4, 30, name="put")
    assert retried(a_server(), attempt(2, 10), other, named, attempt(5, 12)) == []
