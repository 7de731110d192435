"""Zipkin v2 JSON as OTLP spans."""

from typing import Any

import pytest

from tests.receivers.otlp_view import attributes_of, resource_of
from traces.receivers import zipkin_json
from traces.receivers.json_fields import UnreadableDocument

START = 1_700_000_000_000_001


def zipkin_span(**fields: Any) -> dict[str, Any]:
    return {
        "traceId": "463ac35c9f6413ad48485a3953bb6124",
        "id": "a2fb4a1d1a96d312",
        "name": "get /",
        "timestamp": START,
        "duration": 12,
        "localEndpoint": {"serviceName": "shop"},
    } | fields


def translated(*spans: Any) -> Any:
    [translated] = zipkin_json.translate(list(spans))
    return translated


def read(**fields: Any) -> Any:
    request = translated(zipkin_span(**fields)).request
    return request.resource_spans[0].scope_spans[0].spans[0]


def test_a_span_keeps_its_ids_name_and_times():
    span = read()
    assert span.trace_id.hex() == "463ac35c9f6413ad48485a3953bb6124"
    assert span.span_id.hex() == "a2fb4a1d1a96d312"
    assert span.name == "get /"
    assert span.start_time_unix_nano == START * 1000
    assert span.end_time_unix_nano == (START + 12) * 1000


def test_short_ids_are_padded():
    span = read(traceId="48485a3953bb6124", id="1", parentId="2")
    assert span.trace_id.hex() == "000000000000000048485a3953bb6124"
    assert span.span_id.hex() == "0000000000000001"
    assert span.parent_span_id.hex() == "0000000000000002"


def test_a_parent_equal_to_the_span_means_root():
    assert read(id="1", parentId="0000000000000001").parent_span_id == b""
    assert read(parentId="0000000000000000").parent_span_id == b""


@pytest.mark.parametrize(
    "bad",
    [
        {"traceId": "0" * 32},
        {"traceId": "A" * 32},
        {"traceId": "a" * 33},
        {"traceId": ""},
        {"traceId": None},
        {"traceId": 7},
        {"traceId": "48 48"},
        {"id": "0"},
        {"id": "a" * 17},
        {"parentId": "xyz"},
        {"timestamp": "soon"},
        {"timestamp": -5},
        {"timestamp": 10**17},
        {"timestamp": float("inf")},
        {"duration": -1},
        {"duration": 10**16},
        {"kind": "ROBOT"},
        {"kind": "client"},
        {"kind": 3},
        {"name": []},
        {"localEndpoint": "shop"},
        {"localEndpoint": {"serviceName": 7}},
        {"remoteEndpoint": {"port": 70_000}},
        {"remoteEndpoint": {"port": -1}},
        {"tags": ["a"]},
        {"tags": {"a": None}},
        {"tags": {"a": {}}},
        {"annotations": [{"value": "no time"}]},
        {"annotations": [{"timestamp": START, "value": 7}]},
        {"annotations": "none"},
    ],
)
def test_a_bad_span_is_refused_and_the_next_one_taken(bad):
    found = translated(zipkin_span(**bad), "no span", zipkin_span(id="2"))
    assert found.refused.total() == 2
    assert found.span_count == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [(None, 1), ("SERVER", 2), ("CLIENT", 3), ("PRODUCER", 4), ("CONSUMER", 5)],
)
def test_kinds_map_and_an_absent_one_is_internal(name, kind):
    assert read(kind=name).kind == kind


@pytest.mark.parametrize(
    ("duration", "micro"), [(0.25, 1), (0, 0), (None, 0), (3.7, 3)]
)
def test_a_duration_below_one_counts_as_one(duration, micro):
    span = read(duration=duration)
    assert span.end_time_unix_nano - span.start_time_unix_nano == micro * 1000


def test_tags_stay_text():
    tags = {"http.status_code": "200", "count": 7, "hit": True, "empty": ""}
    assert attributes_of(read(tags=tags)) == {
        "http.status_code": "200",
        "count": "7",
        "hit": "true",
        "empty": "",
    }


def test_the_local_endpoint_is_the_service():
    local = {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80}
    request = translated(zipkin_span(localEndpoint=local)).request
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert resource_of(request) == {"service.name": "shop"}
    assert attributes_of(span) == {
        "network.local.address": "10.0.0.1",
        "network.local.port": 80,
    }


def test_the_remote_endpoint_is_the_peer():
    remote = {"serviceName": "db", "ipv6": "::1", "port": 5432}
    assert attributes_of(read(remoteEndpoint=remote)) == {
        "network.peer.address": "::1",
        "network.peer.port": 5432,
        "service.peer.name": "db",
    }


def test_a_tag_that_names_the_peer_goes_before_the_endpoint():
    span = read(remoteEndpoint={"serviceName": "db"}, tags={"peer.service": "postgres"})
    assert attributes_of(span) == {"peer.service": "postgres"}


def test_an_error_tag_makes_an_error_with_its_message():
    span = read(tags={"error": "card refused", "otel.status_code": "ERROR"})
    assert (span.status.code, span.status.message) == (2, "card refused")
    assert attributes_of(span) == {}


@pytest.mark.parametrize("text", ["", "true", "false"])
def test_an_error_tag_of_any_text_makes_an_error(text):
    span = read(tags={"error": text})
    assert (span.status.code, span.status.message) == (2, "")


def test_otel_tags_move_to_their_fields():
    tags = {
        "otel.status_code": "OK",
        "otel.scope.name": "lib",
        "otel.scope.version": "2",
        "otel.library.version": "2",
        "otel.dropped_links_count": "4",
    }
    group = translated(zipkin_span(tags=tags)).request.resource_spans[0].scope_spans[0]
    assert (group.scope.name, group.scope.version) == ("lib", "2")
    assert group.spans[0].status.code == 1
    assert group.spans[0].dropped_links_count == 4
    assert attributes_of(group.spans[0]) == {}


@pytest.mark.parametrize(
    ("value", "name", "attributes"),
    [
        ("wire send", "wire send", {}),
        (
            '"retry": {"attempt": 2, "why": "slow"}',
            "retry",
            {"attempt": 2, "why": "slow"},
        ),
        ('"retry": {"nested": {}}', '"retry": {"nested": {}}', {}),
        ('"a": {}, "b": {}', '"a": {}, "b": {}', {}),
        ('"broken": {', '"broken": {', {}),
    ],
)
def test_annotations_become_events(value, name, attributes):
    [event] = read(annotations=[{"timestamp": START + 1, "value": value}]).events
    assert event.time_unix_nano == (START + 1) * 1000
    assert event.name == name
    assert attributes_of(event) == attributes


def test_the_halves_of_a_shared_span_stay_two():
    client = zipkin_span(kind="CLIENT")
    server = zipkin_span(kind="SERVER", shared=True)
    found = translated(client, server)
    [scope_spans] = found.request.resource_spans[0].scope_spans
    assert [span.kind for span in scope_spans.spans] == [3, 2]
    assert attributes_of(scope_spans.spans[1]) == {"zipkin.shared": True}


def test_a_half_without_a_start_takes_the_other_half_s_and_says_so():
    client = zipkin_span(kind="CLIENT")
    server = zipkin_span(kind="SERVER", shared=True, timestamp=0, duration=None)
    [scope_spans] = translated(client, server).request.resource_spans[0].scope_spans
    span = scope_spans.spans[1]
    assert span.start_time_unix_nano == START * 1000
    assert attributes_of(span)["otel.zipkin.absentField.startTime"] is True


def test_a_span_without_a_start_takes_its_first_annotation_s():
    moments = [{"timestamp": START + n, "value": "ws"} for n in (5, 3)]
    span = read(timestamp=None, annotations=moments)
    assert span.start_time_unix_nano == (START + 3) * 1000


def test_a_span_with_no_start_anywhere_is_refused():
    [reason] = translated(zipkin_span(timestamp=None)).refused
    assert "no timestamp" in reason


def test_lists_of_traces_are_read_too():
    [found] = zipkin_json.translate([[zipkin_span()], [zipkin_span(traceId="1")]])
    assert found.span_count == 2


@pytest.mark.parametrize(
    "v1",
    [
        {"binaryAnnotations": []},
        {"annotations": [{"endpoint": {}, "timestamp": 1, "value": "sr"}]},
    ],
)
def test_version_1_is_told_apart(v1):
    with pytest.raises(UnreadableDocument, match=r"v1 JSON.*v2 JSON"):
        list(zipkin_json.translate([zipkin_span(**v1)]))
