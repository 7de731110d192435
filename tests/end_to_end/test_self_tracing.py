"""I4: a server that traces itself shows its own requests, and does not feed on them."""

import json
import secrets
import urllib.request
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.end_to_end import otlp_json
from tests.end_to_end.serving import PATIENCE_SECONDS, Server, running, status_of
from tests.services import LOOPBACK

pytestmark = pytest.mark.slow

SPAN_ID = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("self-tracing")
    with running(folder, SELF_TRACING="on") as started:
        yield started


def visit(server: Server, path: str) -> str:
    """The trace id that the request brought with it, once its span is stored."""
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{SPAN_ID}-01", "authorization": "canary"}
    request = urllib.request.Request(server.page(path, token="canary"), headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        assert response.status == 200
    stored = server.page(f"/api/v1/traces/{trace_id}")
    server.wait_until(lambda: status_of(stored) == 200, f"{trace_id} is not there")
    return trace_id


def test_the_trace_of_a_request_can_be_found_and_holds_no_secret(server):
    document = server.get(f"/api/v1/traces/{visit(server, '/services')}")
    (span,) = otlp_json.spans(json.loads(document))
    assert span["name"] == "GET /services"
    assert span["parentSpanId"] == SPAN_ID
    assert otlp_json.attributes(span["attributes"]) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/services",
        "url.path": "/services",
        "url.scheme": "http",
    }
    assert "canary" not in document


def test_what_is_sent_makes_no_spans(server):
    visit(server, "/services")
    # What sending the first may have made was queued before the second, so it is there.
    visit(server, "/receivers")
    assert matched(server, 'span.http.request.method = "GET"') >= 2
    assert not matched(server, 'span.http.request.method = "POST"')
    assert not matched(server, "kind = client")


def test_two_traceparents_begin_a_new_trace(server):
    """C15, W3, through the real server."""
    ids = [secrets.token_hex(16) for _ in range(2)]
    connection = HTTPConnection(LOOPBACK, server.ports["WEB_PORT"])
    connection.putrequest("GET", "/search")
    for trace_id in ids:
        connection.putheader("traceparent", f"00-{trace_id}-{SPAN_ID}-01")
    connection.endheaders()
    assert connection.getresponse().status == 200
    connection.close()
    visit(server, "/services")
    assert matched(server, 'span.http.route = "/search"')
    for trace_id in ids:
        assert status_of(server.page(f"/api/v1/traces/{trace_id}")) == 404


def matched(server: Server, condition: str) -> int:
    where = f'resource.service.name = "tracing-ui" AND {condition}'
    return int(server.get_json("/api/v1/traces", range="all", where=where)["matched"])
