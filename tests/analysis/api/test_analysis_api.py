"""The JSON twins of the analysis pages: what they answer, bound and refuse."""

import time
from itertools import pairwise
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tests.builders import MS, SECOND, span, span_id, trace_id

URLS = {
    "operations": "?service=front",
    "operation-series": "?service=front&name=GET+/&kind=server",
    "edges": "?range=1h",
    "bottlenecks": "?range=1h",
    "failures": "?range=1h",
    "critical-path": "?service=front&name=GET+/",
}


@pytest.fixture
def filled(analysed):
    """Requests to front, which calls pay; the longest fails there."""
    start = time.time_ns() - 120 * SECOND

    def request(number):
        steps = (
            ("GET /", "front", 2, 9),
            ("call", "front", 3, 5),
            ("POST", "pay", 2, 4),
        )
        return [
            span(
                trace_id=trace_id(number),
                span_id=span_id(10 * number + place),
                parent_span_id=span_id(10 * number + place - 1) if place else None,
                start_time_unix_nano=start + place * MS,
                name=name,
                service=service,
                kind=kind,
                ms=ms * number,
                status_code=2 * (number == 5),
            )
            for place, (name, service, kind, ms) in enumerate(steps)
        ]

    analysed(*(row for number in range(1, 6) for row in request(number)))


def answer(client, name, query=None):
    query = URLS[name] if query is None else query
    return client.get(f"/api/v1/{name}{query}")


def test_operations_have_counts_and_percentiles_as_text(client, filled):
    body = answer(client, "operations").json()
    first = body["operations"][0]
    assert (first["name"], first["kind"], first["count"]) == ("GET /", "server", 5)
    assert int(first["p50_nano"]) == pytest.approx(27 * MS, rel=0.011)
    assert first["failed_trace_id"] == trace_id(5).hex()
    assert body["left_out"] == body["minutes_waiting"] == 0
    few = answer(client, "operations", "?service=front&limit=1").json()
    assert (len(few["operations"]), few["left_out"]) == (1, 1)


def test_a_series_has_steps_of_equal_length(client, filled):
    body = answer(client, "operation-series").json()
    assert body["step_seconds"] == 60
    assert sum(step["count"] for step in body["steps"]) == 5
    starts = [int(step["start_time_unix_nano"]) for step in body["steps"]]
    assert {b - a for a, b in pairwise(starts)} == {60 * SECOND}


def test_edges_have_both_ends_and_their_times(client, filled):
    edges = answer(client, "edges").json()["edges"]
    (edge,) = (each for each in edges if each["callee"]["name"] == "pay")
    assert edge["caller"] == {"name": "front", "type": "service"}
    assert (edge["type"], edge["calls"], edge["failed"]) == ("call", 5, 1)
    assert int(edge["server"]["p50_nano"]) == pytest.approx(12 * MS, rel=0.011)


def test_bottlenecks_have_verdicts_and_offenders(client, filled):
    body = answer(client, "bottlenecks").json()
    assert body["requests"] == 5
    assert body["is_usual_known"] is False
    ((entry),) = body["entries"]
    assert sum(each["requests"] for each in entry["verdicts"]) == 5
    assert {each["service_name"] for each in body["offenders"]} == {"front", "pay"}
    assert sum(each["share"] for each in body["offenders"]) == pytest.approx(1)


def test_failures_have_causes_and_their_origin(client, filled):
    body = answer(client, "failures").json()
    assert (body["requests"], body["failed"]) == (5, 1)
    assert body["causes"][0]["origin"] == {"service_name": "pay", "name": "POST"}
    assert body["causes"][0]["trace_ids"] == [trace_id(5).hex()]
    assert answer(client, "failures", "?origin=front").json()["causes"] == []


def test_a_critical_path_has_paths_that_add_up(client, filled):
    body = answer(client, "critical-path").json()
    assert body["requests"] == 5
    total = sum(int(each["on_path_nano"]) for each in body["paths"])
    assert total == pytest.approx(int(body["mean_nano"]), abs=5)
    nothing = answer(client, "critical-path", "?service=x&name=y").json()
    assert nothing["paths"] == []


@pytest.mark.parametrize("name", URLS)
def test_of_nothing_the_answer_is_empty(client, store, name):
    assert answer(client, name).status_code == 200


@pytest.mark.parametrize(
    ("name", "query", "parameter"),
    [
        ("operations", "", "service"),
        ("operations", "?service=a&limit=0", "limit"),
        ("operation-series", "?service=a&kind=server", "name"),
        ("operation-series", "?service=a&name=b&kind=nonsense", "kind"),
        ("edges", "?range=nonsense", "range"),
        ("edges", "?limit=1001", "limit"),
        ("edges", "?from=2020-01-01T00:00Z&to=2026-01-01T00:00Z", "range"),
        ("bottlenecks", "?service=a", "service"),
        ("critical-path", "?service=a", "name"),
        ("critical-path", "?service=a&name=b&band=50", "band"),
    ],
)
def test_what_cannot_be_read_is_a_400_that_names_it(
    client, store, name, query, parameter
):
    found = answer(client, name, query)
    assert found.status_code == 400
    assert found.json()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("name", [n for n in URLS if n != "critical-path"])
def test_a_database_that_is_away_is_a_503(client, store, name):
    away = patch(
        "analysis.results.reading.Subject.objects.filter",
        side_effect=OperationalError("gone"),
    )
    with away:
        assert answer(client, name).status_code == 503


def keys_of(value):
    """As a nested dictionary of keys; of lists those of their first entry."""
    if isinstance(value, list):
        return keys_of(value[0]) if value else None
    return {k: keys_of(v) for k, v in value.items()} if isinstance(value, dict) else {}


def assert_told(schema, shape, keys):
    shape = shape.get("items", shape.get("allOf", [shape])[0])
    if "$ref" in shape and keys:
        named = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        assert set(keys) == set(named["properties"])
        for key, below in keys.items():
            assert_told(schema, named["properties"][key], below)


@pytest.mark.parametrize("name", URLS)
def test_what_is_answered_is_in_the_openapi_document(client, filled, name):
    schema = client.get("/api/v1/schema?format=json").json()
    found = schema["paths"][f"/api/v1/{name}"]["get"]["responses"]["200"]
    shape = found["content"]["application/json"]["schema"]
    assert_told(schema, shape, keys_of(answer(client, name).json()))


def test_the_api_only_reads(client, store):
    assert client.post("/api/v1/edges", {}).status_code == 405
