"""What a span does, without what changes from one time to the next."""

import pytest

from analysis.fingerprints import fingerprints, path_of
from analysis.statements import has_literals, normalised
from tests.analysis.plain import forest, node


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT * FROM a WHERE b = 17", "select * from a where b = ?"),
        ("SELECT  a\n FROM t1 WHERE n='it''s'", "select a from t1 where n=?"),
        ("x IN (1, 2,3)", "x in (…)"),
        ("x IN (%s, %s)", "x in (…)"),
        ("VALUES (1, 'a'), (2, 'b')", "values (…)"),
        ("a = $1 AND b = :name AND c = @p", "a = ? and b = ? and c = ?"),
        ("a::int = 5 -- why 7?", "a::int = ?"),
        ("/* trace 9 */ SELECT 1.5e3", "select ?"),
        ('SELECT "Col 1" FROM `T 2`', 'select "Col 1" from `T 2`'),
        ("SELECT 'cut off", "select ?"),
        ("", ""),
    ],
)
def test_statements_of_one_shape_have_one_text(statement, expected):
    assert normalised(statement) == expected


def test_only_literals_tell_what_a_statement_asks_for():
    assert has_literals("SELECT * FROM a WHERE b = 17")
    assert has_literals("SELECT 'x'")
    assert not has_literals("SELECT a1 FROM t2 WHERE b = ? AND c = $1")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://a/users/17/orders?x=1", "/users/{}/orders"),
        ("/users/4bf92f3577b34da6", "/users/{}"),
        ("https://a:80/v1/users", "/v1/users"),
        ("http://a", "/"),
        ("", "/"),
    ],
)
def test_a_path_has_no_ids(url, path):
    assert path_of(url) == path


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"db.query.summary": "SELECT a", "db.query.text": "x"}, "SELECT a"),
        ({"db.system": "mysql", "db.statement": "SELECT 7"}, "mysql: select ?"),
        (
            {"http.method": "GET", "http.url": "http://b:80/x/17", "peer.service": "b"},
            "GET b/x/{}",
        ),
        ({"http.request.method": "GET", "url.full": "http://b:80/x"}, "GET b:80/x"),
        ({"http.request.method": "GET", "url.template": "/x/{id}"}, "GET /x/{id}"),
        ({"http.request.method": "GET"}, "a: op1"),
        ({"rpc.service": "Users", "rpc.method": "Find"}, "Users/Find"),
        ({"rpc.method": "Users/Find"}, "Users/Find"),
        ({}, "a: op1"),
    ],
)
def test_a_fingerprint_is_told_by_the_kind_of_call(attributes, text):
    found = fingerprints(forest(node(1, 0, 9, kind=3, attributes=attributes)))
    assert found.texts == (text,)


def test_spans_that_do_the_same_have_the_same_fingerprint():
    queries = [{"db.statement": f"SELECT {number}"} for number in (7, 8)]
    found = fingerprints(
        forest(
            node(1, 0, 9, kind=3, attributes=queries[0], name="x"),
            node(2, 1, 9, kind=3, attributes=queries[1], name="y"),
            node(3, 2, 9, kind=3, name="z"),
            node(4, 3, 9, kind=3, attributes=queries[1], name="z"),
        )
    )
    assert found.of[0] == found.of[1] == found.of[3] != found.of[2]
    assert found.parameters[1] == found.parameters[3] != found.parameters[0]
    assert found.parameters[2] == -1


def test_parameters_behind_placeholders_are_not_known():
    query = {"db.statement": "SELECT a WHERE b = ?"}
    found = fingerprints(forest(node(1, 0, 9, attributes=query)))
    assert found.parameters.tolist() == [-1]


def test_nothing_has_no_fingerprints():
    assert fingerprints(forest()).texts == ()
