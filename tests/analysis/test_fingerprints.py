"""What a span does, without what changes from one time to the next."""

import pytest

from analysis.callees import callees
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
        ({"http.request.method": "GET", "url.full": "http://b:80/x"}, "GET b/x"),
        ({"http.request.method": "GET", "url.template": "/x/{id}"}, "GET /x/{id}"),
        ({"http.request.method": "GET"}, "a: op1"),
        ({"rpc.service": "Users", "rpc.method": "Find"}, "Users/Find"),
        ({"rpc.method": "Users/Find"}, "Users/Find"),
        ({"http.request.method": "GET", "http.route": "x"}, "GET /x"),
        ({}, "a: op1"),
    ],
)
def test_a_fingerprint_is_told_by_the_kind_of_call(attributes, text):
    found = fingerprints(forest(node(1, 0, 9, kind=3, attributes=attributes)))
    assert found.texts == (text,)


def call(number, port, server="auth", **more):
    """A client that knows an address and a URL, and the server that answers it."""
    url = f"http://127.0.0.1:{port}/verify/{number}"
    asked = {"http.request.method": "POST", "url.full": url}
    asked |= {"server.address": "127.0.0.1", "server.port": port}
    served = {"http.request.method": "POST", **more}
    return (
        node(number, 0, 9, kind=3, name="POST", attributes=asked),
        node(number + 1, 1, 8, number, kind=2, service=server, attributes=served),
    )


def texts_of(*spans):
    found = fingerprints(forest(*spans))
    return [found.texts[of] for of in found.of.tolist()]


def test_a_call_has_the_name_of_the_service_that_answers_and_its_route():
    route = {"http.route": "/verify/<id>"}
    spans = *call(1, 36913, **route), *call(3, 41007, **route)
    assert set(texts_of(*spans)) == {"POST auth/verify/<id>", "POST /verify/<id>"}


def test_a_call_that_nobody_answers_is_told_by_what_stays_over_restarts():
    asked = [call(number, port)[0] for number, port in ((1, 36913), (3, 41007))]
    assert set(texts_of(*asked)) == {"POST <host>/verify/{}"}


@pytest.mark.parametrize(
    ("address", "port", "name"),
    [
        ("card-network.example", 443, "card-network.example:443"),
        ("localhost", 8080, "localhost:8080"),
        ("localhost", 36913, "localhost:<port>"),
        ("10.0.3.7", 8080, "<host>"),
        ("::1", 8080, "<host>"),
        ("[2001:db8::7]", 8080, "<host>"),
        ("10-0-3-7.pods.local", 80, "10-0-3-7.pods.local:80"),
    ],
)
def test_an_address_is_a_name_without_what_a_restart_changes(address, port, name):
    told = {"server.address": address, "server.port": port}
    _, names = callees(forest(node(1, 0, 9, kind=3, attributes=told)))
    assert names[-1] == name


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"peer.service": "10.0.3.7:80"}, "10.0.3.7:80"),
        (
            {"db.system": "mysql", "db.name": "shop", "server.address": "x"},
            "mysql:shop",
        ),
        ({"db.system": "redis", "server.address": "cache"}, "redis:cache"),
    ],
)
def test_other_peers_have_the_names_that_the_map_has(attributes, name):
    of, names = callees(forest(node(1, 0, 9, kind=3, attributes=attributes)))
    assert names[of[0]] == name


def test_a_service_that_sends_no_span_for_once_is_the_same_peer():
    silent = node(9, 0, 9, kind=3, attributes={"peer.service": "auth"})
    of, _ = callees(forest(*call(1, 36913), silent))
    assert len(set(of[of >= 0].tolist())) == 1


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("load item 17", "load item <n>"),
        ("GET /users/4bf92f3577b34da6", "GET /users/<hex>"),
        ("job 0b9b5d0e-7a3a-4bd2-9c9b-5d0e7a3a4bd2", "job <uuid>"),
        ("dial 127.0.0.1:36913", "dial <host>"),
        ("dial localhost:36913", "dial localhost:<n>"),
        ("batch 12345678", "batch <n>"),
        ("a" * 1_001 + " 7", "a" * 1_001 + " 7"),
        ("GET /v1/s3/step2", "GET /v1/s3/step2"),
        ("com.example.Users/Get", "com.example.Users/Get"),
        ("10:30 backup", "<n>:<n> backup"),
    ],
)
def test_a_span_name_is_told_without_numbers_of_one_time(name, template):
    assert texts_of(node(1, 0, 9, name=name)) == [f"a: {template}"]


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
