"""From a stock exporter to the search, the API and the pages of a running server."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import format_span_id, format_trace_id

from tests.end_to_end import otlp_json
from tests.end_to_end.serving import Server, command_line, descendants, status_of
from tests.end_to_end.stock_sdk import ELSEWHERE, EVERY_TYPE, EXPORTERS, send_trace
from traces.demo.patterns import Pattern

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
DEMO_REQUESTS = 8


@pytest.fixture(scope="module")
def sent(server: Server) -> dict[str, tuple[ReadableSpan, ...]]:
    """The spans that each stock exporter was given."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return {name: send_trace(server, name, monkeypatch) for name in EXPORTERS}


@pytest.fixture(params=EXPORTERS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def spans(sent: dict[str, tuple[ReadableSpan, ...]], protocol: str) -> Any:
    return {span.name: span for span in sent[protocol]}


@pytest.fixture
def trace_id(spans: dict[str, ReadableSpan]) -> str:
    return trace_id_of(spans["POST /checkout"])


@pytest.fixture
def stored(server: Server, trace_id: str) -> dict[str, dict[str, Any]]:
    """The same trace as the API gives it, by span name."""
    document = server.get_json(f"/api/v1/traces/{trace_id}")
    return {span["name"]: span for span in otlp_json.spans(document)}


def trace_id_of(span: ReadableSpan) -> str:
    assert span.context
    return format_trace_id(span.context.trace_id)


def span_id_of(span: ReadableSpan) -> str:
    assert span.context
    return format_span_id(span.context.span_id)


def found(server: Server, **parameters: Any) -> list[dict[str, Any]]:
    answer = server.get_json("/api/v1/traces", **({"range": "all"} | parameters))
    traces: list[dict[str, Any]] = answer["traces"]
    assert answer["matched"] == len(traces)
    return traces


def test_all_parts_are_ready(server):
    assert server.get_json("/healthz") == {
        "status": "ready",
        "checks": dict.fromkeys(
            ("database", "data_folder", "ingest", "worker"), "ready"
        ),
    }


def test_the_api_finds_the_trace_by_an_attribute(server, protocol, trace_id):
    (summary,) = found(server, where=f'span.test.protocol = "{protocol}"')
    assert summary["trace_id"] == trace_id
    assert summary["root_name"] == "POST /checkout"
    assert summary["root_service_name"] == "checkout"
    assert (summary["span_count"], summary["error_count"]) == (2, 1)


@pytest.mark.parametrize(
    "condition",
    [
        "span.count.beyond.double = 9007199254740993",
        "span.flag.yes = true",
        'span.text.number = "42"',
        "resource.host.cpus = 8",
        "event.items = 3",
        'event.exception.type = "ValueError"',
        'scope_name = "shop.checkout"',
        'name = "charge card" AND status = error',
    ],
)
def test_the_api_finds_the_trace_by_what_was_sent(
    server, protocol, trace_id, condition
):
    assert trace_id in {trace["trace_id"] for trace in found(server, where=condition)}


def test_an_integer_beyond_a_double_is_not_taken_for_its_neighbour(server, sent):
    assert not found(server, where="span.count.beyond.double = 9007199254740992")


def test_the_search_page_lists_the_trace(server, trace_id):
    page = server.get("/search", service="checkout", range="all")
    assert f"/trace/{trace_id}" in page
    assert "POST /checkout" in page


def test_every_attribute_comes_back_with_its_type_and_value(protocol, stored):
    attributes = stored["POST /checkout"]["attributes"]
    back = otlp_json.attributes(attributes)
    assert back == EVERY_TYPE | {"test.protocol": protocol}
    assert {k: type(v) for k, v in back.items()} == {
        key: type(value) for key, value in (EVERY_TYPE | {"test.protocol": ""}).items()
    }


def test_times_kind_and_parent_come_back_exactly(spans, stored):
    for name, span in spans.items():
        assert stored[name]["startTimeUnixNano"] == str(span.start_time)
        assert stored[name]["endTimeUnixNano"] == str(span.end_time)
        assert stored[name]["kind"] == span.kind.value + 1
        assert stored[name]["spanId"] == span_id_of(span)
    root, child = stored["POST /checkout"], stored["charge card"]
    assert "parentSpanId" not in root
    assert child["parentSpanId"] == root["spanId"]


def test_events_and_the_exception_come_back(spans, stored):
    (event,) = stored["POST /checkout"]["events"]
    assert event["name"] == "cart read"
    assert otlp_json.attributes(event["attributes"]) == {"items": 3, "sizes": [1, 2]}
    assert event["timeUnixNano"] == str(spans["POST /checkout"].events[0].timestamp)
    (exception,) = stored["charge card"]["events"]
    fields = otlp_json.attributes(exception["attributes"])
    assert exception["name"] == "exception"
    assert fields == dict(spans["charge card"].events[0].attributes)
    assert fields["exception.message"] == "card ✗ refused"


def test_links_come_back(stored):
    (link,) = stored["POST /checkout"]["links"]
    assert link["traceId"] == format_trace_id(ELSEWHERE.trace_id)
    assert link["spanId"] == format_span_id(ELSEWHERE.span_id)
    expected = {"link.reason": "retry", "link.try": 2**53 + 1}
    assert otlp_json.attributes(link["attributes"]) == expected


def test_status_resource_and_scope_come_back(spans, stored):
    child = stored["charge card"]
    assert child["status"] == {"code": 2, "message": "card refused"}
    assert child["resource"] == dict(spans["charge card"].resource.attributes)
    assert child["scope"] == {"name": "shop.checkout", "version": "1.2.3"}


def test_the_trace_page_shows_the_trace(server, trace_id):
    page = server.get(f"/trace/{trace_id}")
    assert "POST /checkout" in page
    assert "charge card" in page


def test_a_chosen_span_shows_exact_values_and_no_markup_of_a_stranger(
    server, spans, trace_id
):
    root = span_id_of(spans["POST /checkout"])
    page = server.get(f"/trace/{trace_id}", span=root)
    for text in ("9007199254740993", "-9223372036854775808", "5e-324", "cart read"):
        assert text in page
    assert "naïve ☃ \N{GRINNING FACE} &lt;b&gt;&amp;amp;&lt;/b&gt;" in page
    assert "☃ \N{GRINNING FACE} <b>" not in page


def test_a_chosen_span_shows_its_exception(server, spans, trace_id):
    child = span_id_of(spans["charge card"])
    page = server.get(f"/trace/{trace_id}", span=child)
    assert "ValueError" in page
    assert "card ✗ refused" in page


@pytest.fixture(scope="module")
def demo(server: Server) -> str:
    """The output of a demo that sent its load to the server."""
    requests = ("--requests", str(DEMO_REQUESTS), "--rate", "20")
    ended = server.manage("demo", *requests)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "went wrong" not in ended.stderr
    return ended.stdout


@pytest.mark.parametrize("pattern", Pattern)
def test_each_pattern_of_the_demo_is_found_and_whole(server, demo, pattern):
    traces = found(server, where=f'span.demo.pattern = "{pattern}"')
    assert traces
    for summary in traces:
        document = server.get_json(f"/api/v1/traces/{summary['trace_id']}")
        require_whole(list(otlp_json.spans(document)))


def require_whole(spans: list[dict[str, Any]]) -> None:
    """One root, no span twice, and every parent among the spans."""
    ids = [span["spanId"] for span in spans]
    parents = [span.get("parentSpanId") for span in spans]
    assert len(set(ids)) == len(ids)
    assert parents.count(None) == 1
    assert set(parents) - {None} <= set(ids)


def test_the_demo_lost_no_trace(server, demo):
    traces = found(server, where="span.demo.pattern exists", limit=100)
    assert len(traces) == DEMO_REQUESTS


def test_the_addresses_that_the_demo_names_are_pages(server, demo):
    addresses = re.findall(r"http://\S+/trace/[0-9a-f]{32}", demo)
    assert len(addresses) >= len(Pattern)
    assert {status_of(address) for address in addresses} == {200}


def test_a_file_is_imported_while_the_server_runs(server):
    path = SAMPLES / "jaeger" / "jaeger-ui-test-trace.json"
    imported = server.manage("import", str(path))
    assert imported.returncode == 0, imported.stderr
    trace = json.loads(path.read_text())
    document = server.get_json(f"/api/v1/traces/{trace['traceID'].zfill(32)}")
    ids = {span["spanId"] for span in otlp_json.spans(document)}
    assert ids == {span["spanID"] for span in trace["spans"]}


def test_the_store_is_sound(server, sent, demo):
    server.require_sound()


def test_killed_parts_of_the_server_start_again(server):
    before = server.pid_of("ingest")
    for name in ("ingest", "web"):
        server.kill_part(name)
    server.wait_until(
        lambda: len(parts(server)) == 2 and server.is_ready(), "it did not recover"
    )
    assert server.pid_of("ingest") != before


def parts(server: Server) -> list[str]:
    assert server.process
    lines = [command_line(pid)[-1:] for pid in descendants(server.process.pid)]
    return [line[0] for line in lines if line in (["ingest"], ["web"])]
