"""What counts as failed, and templates of what errors say."""

import pytest

from analysis.error_text import MESSAGE_CHARACTERS, excerpt, template
from analysis.faults import LONGEST, failed_spans, read_faults
from tests.analysis.plain import forest, node

SERVER, CLIENT = 2, 3


@pytest.mark.parametrize(
    ("fields", "is_failed"),
    [
        ({"status_code": 2}, True),
        ({"status_code": 0}, False),
        ({"attributes": {"error": True}}, True),
        ({"attributes": {"error": "no route"}}, True),
        ({"attributes": {"error": False}}, False),
        ({"attributes": {"error": True}, "status_code": 1}, False),
        ({"attributes": {"http.status_code": 500}, "kind": SERVER}, True),
        ({"attributes": {"http.status_code": 404}, "kind": SERVER}, False),
        ({"attributes": {"http.response.status_code": 404}, "kind": CLIENT}, True),
        ({"attributes": {"http.status_code": "200"}, "kind": CLIENT}, False),
        ({"attributes": {"http.status_code": "many"}, "kind": CLIENT}, False),
        ({"attributes": {"rpc.grpc.status_code": 5}, "kind": SERVER}, False),
        ({"attributes": {"rpc.grpc.status_code": 5}, "kind": CLIENT}, True),
        ({"attributes": {"rpc.grpc.status_code": 14}, "kind": SERVER}, True),
        ({"attributes": {"rpc.response.status_code": "INTERNAL"}}, True),
        ({"attributes": {"rpc.grpc.status_code": 0}, "kind": CLIENT}, False),
    ],
)
def test_a_span_failed_by_its_status_or_else_by_its_attributes(fields, is_failed):
    assert failed_spans(forest(node(1, 0, 9, **fields))).tolist() == [is_failed]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 17 of 3.5 kg", "order <n> of <n> kg"),
        ("user 'ann' can't pay", "user <text> can't pay"),
        ('key "a b" is there', "key <text> is there"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id <uuid>"),
        ("at 0xdeadBEEF", "at <hex>"),
        ("trace 4bf92f3577b34da6", "trace <hex>"),
        ("dial tcp 10.0.0.1:5432: refused", "dial tcp <host>: refused"),
        ("card-network.example:443 refused", "<host> refused"),
        ("no db.shop.svc", "no <host>"),
        ("GET http://a/b?c=1 failed", "GET <url> failed"),
        ("java.lang.NullPointerException", "java.lang.NullPointerException"),
        ("first\nsecond", "first"),
        ("", ""),
    ],
)
def test_a_template_leaves_out_what_changes(message, expected):
    assert template(message) == expected


def test_a_message_without_end_is_cut():
    found = read_faults(
        forest(node(1, 0, 9, status_code=2, status_message="x " * 100_000)),
        forest(node(1, 0, 9)).roots,
    )
    assert len(found[0].message) == LONGEST
    assert len(excerpt(found[0].message)) == MESSAGE_CHARACTERS
    assert len(found[0].error) <= MESSAGE_CHARACTERS
