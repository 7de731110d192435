"""Who a span talks to, from what it tells: attributes old and new."""

import pytest

from analysis.peers import NAME_LIMIT, NodeType, Role, Source, peers
from tests.analysis.plain import forest, node

CLIENT, PRODUCER, CONSUMER = 3, 4, 5


def peer(kind=CLIENT, **attributes):
    """(name, type) of the peer of one span; `__` stands for a dot."""
    told = {key.replace("__", "."): value for key, value in attributes.items()}
    found = peers(forest(node(1, 0, 9, kind=kind, attributes=told)))
    number = found.number[0]
    return found.name[number].as_py(), NodeType(found.type[number]).name.lower()


def role(kind, **attributes):
    told = {key.replace("__", "."): value for key, value in attributes.items()}
    found = peers(forest(node(1, 0, 9, kind=kind, attributes=told)))
    return Role(found.role[found.number[0]]).name.lower()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ("unknown", "unknown")),
        ({"peer__service": "x"}, ("x", "service")),
        ({"service__peer__name": "y", "peer__service": "x"}, ("y", "service")),
        ({"service__peer__name": "", "peer__service": "x"}, ("x", "service")),
        (
            {"rpc__service": "shop.Cart", "server__address": "c"},
            ("shop.Cart", "service"),
        ),
        ({"server__address": "c", "server__port": 80}, ("c:80", "external")),
        ({"net__peer__name": "c", "net__peer__port": 80}, ("c:80", "external")),
        ({"network__peer__address": "10.0.0.1"}, ("10.0.0.1", "external")),
        ({"server__port": 80}, ("unknown", "unknown")),
        (
            {"url__full": "https://me@Shop.example:8443/a?b#c"},
            ("shop.example", "external"),
        ),
        ({"http__url": "http://[::1]:80/a"}, ("[::1]", "external")),
        ({"url__full": "no url", "http__url": "http://h/"}, ("h", "external")),
        ({"peer__service": "x", "server__address": "c"}, ("x", "service")),
    ],
)
def test_the_first_name_that_is_told_counts(attributes, expected):
    assert peer(**attributes) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"db__system__name": "postgresql"}, ("postgresql", "database")),
        ({"db__system": "mysql", "db__name": "shop"}, ("mysql:shop", "database")),
        (
            {"db__system": "mysql", "db__name": "old", "db__namespace": "new"},
            ("mysql:new", "database"),
        ),
        (
            {"db__system": "mysql", "server__address": "h", "server__port": 3306},
            ("mysql:h", "database"),
        ),
        ({"db__system": "Redis", "db__namespace": "0"}, ("Redis:0", "cache")),
        ({"db__system": "mysql", "peer__service": "orders"}, ("orders", "database")),
        ({"db__name": "shop"}, ("unknown", "unknown")),
    ],
)
def test_a_system_makes_a_database_or_a_cache(attributes, expected):
    assert peer(**attributes) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"messaging__system": "kafka", "messaging__destination__name": "t"},
            ("kafka:t", "queue"),
        ),
        (
            {"messaging__system": "sqs", "messaging__destination": "t"},
            ("sqs:t", "queue"),
        ),
        ({"messaging__system": "kafka"}, ("kafka", "queue")),
        ({"messaging__destination": "t"}, ("t", "queue")),
        ({"peer__service": "broker"}, ("broker", "queue")),
        ({}, ("unknown", "queue")),
    ],
)
@pytest.mark.parametrize("kind", [PRODUCER, CONSUMER])
def test_producers_and_consumers_have_a_queue(kind, attributes, expected):
    assert peer(kind, **attributes) == expected


@pytest.mark.parametrize(
    ("kind", "operation", "expected"),
    [
        (PRODUCER, "send", "sends"),
        (PRODUCER, None, "sends"),
        (CONSUMER, "process", "receives"),
        (CONSUMER, "receive", "receives"),
        (CLIENT, "receive", "receives"),
        (CLIENT, "send", "sends"),
        (CLIENT, "publish", "sends"),
        (CLIENT, "settle", "settles"),
        (CLIENT, None, "sends"),
    ],
)
@pytest.mark.parametrize("key", ["messaging__operation__type", "messaging__operation"])
def test_the_operation_tells_what_a_client_does_with_a_message(
    kind, operation, expected, key
):
    assert role(kind, messaging__system="kafka", **{key: operation}) == expected


def test_a_client_without_a_messaging_system_moves_no_message():
    assert role(CLIENT, messaging__operation="send") == "none"


def test_servers_and_internal_spans_have_no_peer():
    found = peers(forest(*(node(n, 0, 9, kind=n - 1) for n in (1, 2, 3))))
    assert found.number.tolist() == [-1, -1, -1]
    assert len(found) == 0


def test_spans_that_tell_the_same_are_one_peer():
    urls = [{"url.full": f"http://h/{n}"} for n in range(5)]
    rows = [node(n, n, 9, kind=3, attributes=url) for n, url in enumerate(urls, 1)]
    found = peers(forest(*rows))
    assert found.number.tolist() == [0] * 5
    assert found.source.tolist() == [Source.ADDRESS]


def test_an_address_is_known_besides_a_name():
    told = {"peer.service": "x", "server.address": "c"}
    found = peers(forest(node(1, 0, 9, kind=3, attributes=told)))
    assert found.address.to_pylist() == ["c"]


def test_hostile_names_stay_what_they_are_but_not_longer_than_the_limit():
    name = "<script>\0\u202e'; DROP TABLE" + "x" * 1000
    assert peer(peer__service=name) == (name[:NAME_LIMIT], "service")
