"""The REST API: search, one trace, completion, and what it refuses."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.builders import MS, SECOND, batch, span, trace_id
from tests.pages.test_trace_search import Failing
from traces.store.base import QueryTooExpensive, StoreUnavailable
from traces.store.current import use_store

BIG = 2**53 + 1


@pytest.fixture
def filled(store, now):
    for n in range(1, 6):
        store.write(
            batch(
                span(
                    trace_id=trace_id(n),
                    start_time_unix_nano=now - n * SECOND,
                    ms=10 * n,
                    name=f"GET /{n}",
                    attributes={"big": BIG, "ratio": 0.5, "ok": True, "route": "/a"},
                )
            )
        )
    return store


def test_search_answers_summaries_with_exact_integers(client, filled, now):
    body = client.get("/api/v1/traces?min_duration=50ms").json()
    assert body["matched"] == 1
    assert body["traces"] == [
        {
            "trace_id": f"{5:032x}",
            "root_service_name": "gateway",
            "root_name": "GET /5",
            "start_time_unix_nano": str(now - 5 * SECOND),
            "duration_nano": str(50 * MS),
            "span_count": 1,
            "error_count": 0,
            "services": [{"service_name": "gateway", "span_count": 1, "error_count": 0}],
        }
    ]  # fmt: skip
    assert body["scanned"]["spans"] == 5
    assert body["next"] is None


def test_next_leads_through_all_pages(client, filled):
    url, seen = "/api/v1/traces?limit=2&sort=longest", []
    while url:
        body = client.get(url).json()
        seen += [trace["root_name"] for trace in body["traces"]]
        assert body["matched"] == 5
        url = body["next"]
    assert seen == ["GET /5", "GET /4", "GET /3", "GET /2", "GET /1"]


def test_the_page_and_the_api_take_the_same_parameters(client, filled):
    query = (
        "?service=gateway&where=big+%3D+9007199254740993&max_duration=20ms&sort=oldest"
    )
    names = [
        t["root_name"] for t in client.get("/api/v1/traces" + query).json()["traces"]
    ]
    rows = client.get("/search" + query).context["answer"].rows
    assert names == ["GET /2", "GET /1"] == [row.summary.root_name for row in rows]


@pytest.mark.parametrize(
    ("url", "parameter", "word"),
    [
        ("traces?limit=0", "limit", "between 1 and 1000"),
        ("traces?min_duration=x", "min_duration", "10ms"),
        ("traces?servce=a", "servce", "no such parameter"),
        ("traces?where=a+%3D", "where", "value was expected"),
        ("traces/xyz", "trace_id", "32 hexadecimal"),
        ("traces/" + "0" * 32, "trace_id", "32 hexadecimal"),
        ("services?range=9y", "range", "7d"),
        ("span-names?from=x", "from", "expected a time"),
        ("attribute-keys?limit=1001", "limit", "1000"),
        ("attribute-values", "key", "needed"),
        ("attribute-values?key=a&scope=b", "scope", "instrumentation"),
        ("attribute-values?key=a&prefix=" + "x" * 17_000, "prefix", "16384"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(client, filled, url, parameter, word):
    answer = client.get("/api/v1/" + url)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["parameter"] == parameter
    assert word in error["message"]


def test_an_error_in_the_conditions_has_its_position(client, store):
    body = client.get("/api/v1/traces?where=name+%3D").json()
    assert body["errors"][0]["position"] == 6


def test_a_trace_comes_whole_as_otlp_json(client, filled, now):
    answer = client.get(f"/api/v1/traces/{3:032X}")
    body = json.loads(answer.getvalue())
    (resource,) = body["resourceSpans"]
    (span_json,) = resource["scopeSpans"][0]["spans"]
    assert answer.headers["Content-Type"] == "application/json"
    assert span_json["traceId"] == f"{3:032x}"
    assert span_json["startTimeUnixNano"] == str(now - 3 * SECOND)
    assert {"key": "big", "value": {"intValue": str(BIG)}} in span_json["attributes"]


def test_a_trace_is_streamed_to_an_asgi_server_too(filled):
    async def read():
        answer: Any = await AsyncClient(headers={"host": "localhost"}).get(
            f"/api/v1/traces/{3:032x}"
        )
        assert answer.is_async
        return b"".join([chunk async for chunk in answer.streaming_content])

    body = json.loads(async_to_sync(read)())
    assert len(body["resourceSpans"]) == 1


def test_an_unknown_trace_is_a_404(client, filled):
    answer = client.get(f"/api/v1/traces/{99:032x}")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["parameter"] == "trace_id"


def test_completion_offers_what_is_in_use(client, filled):
    def get(url):
        return client.get("/api/v1/" + url).json()

    assert get("services") == {"names": ["gateway"]}
    assert get("span-names?service=gateway")["names"][0] == "GET /1"
    assert get("span-names?service=other") == {"names": []}
    assert {"key": "big", "scope": "span"} in get("attribute-keys?prefix=b")["keys"]
    assert len(get("attribute-keys?limit=1")["keys"]) == 1
    values = get("attribute-values?key=big&scope=span")["values"]
    assert values == [{"type": "int", "value": str(BIG)}]
    assert get("attribute-values?key=ok")["values"] == [
        {"type": "bool", "value": "true"}
    ]


@pytest.mark.parametrize("error", [QueryTooExpensive("x"), StoreUnavailable("x")])
def test_trouble_of_the_store_is_a_503_with_a_hint(client, error):
    with use_store(Failing(error)):
        answer = client.get("/api/v1/traces")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["errors"][0]["message"]


def test_the_openapi_document_names_every_path_and_parameter(client):
    schema = client.get("/api/v1/schema?format=json").json()
    search = schema["paths"]["/api/v1/traces"]["get"]
    names = {parameter["name"] for parameter in search["parameters"]}
    assert {"service", "where", "min_span_duration", "after", "from"} <= names
    assert set(search["responses"]) == {"200", "400", "503"}
    assert len(schema["paths"]) == 13


def test_the_documents_page_shows_every_operation(client):
    page = client.get("/api/v1/docs").content.decode()
    for words in (
        "/api/v1/traces/{trace_id}",
        "min_span_duration",
        "services[].span_count",
    ):
        assert words in page


def test_the_api_only_reads(store):
    poster = Client(headers={"host": "localhost"})
    assert poster.post("/api/v1/traces", {}).status_code == 405
