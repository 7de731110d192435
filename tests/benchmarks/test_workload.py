"""The workload is what it is said to be, the same each time."""

from itertools import islice
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from tests.benchmarks.workload import (
    OLDEST_CACHED_SECONDS,
    T0_UNIX_NANO,
    Workload,
    cached_requests,
    make_requests,
    one_trace,
    read_requests,
    recent_workload,
    trace_id,
)


def spans_of(body: bytes) -> list[Any]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        span
        for group in request.resource_spans
        for scope_spans in group.scope_spans
        for span in scope_spans.spans
    ]


def first_request(workload: Workload) -> bytes:
    return next(make_requests(workload))


def test_the_same_seed_makes_the_same_bytes():
    assert first_request(Workload(seed=1)) == first_request(Workload(seed=1))
    assert first_request(Workload(seed=1)) != first_request(Workload(seed=2))


def test_a_smaller_workload_is_the_beginning_of_a_larger():
    two = list(islice(make_requests(Workload(1_000_000)), 2))
    assert list(make_requests(Workload(2_000))) == two


def test_a_request_holds_a_thousand_spans_of_fifty_traces_and_fifteen_services():
    body = first_request(Workload())
    spans = spans_of(body)
    assert len(spans) == 1_000
    assert len({span.trace_id for span in spans}) == 50
    assert len(ExportTraceServiceRequest.FromString(body).resource_spans) == 15
    assert all(len(span.attributes) == 10 for span in spans)


def test_each_trace_is_one_tree_of_twenty_spans_with_the_id_that_is_asked_for():
    workload = Workload(1_000)
    spans = spans_of(first_request(workload))
    for number in range(workload.trace_count):
        tree = [s for s in spans if s.trace_id == trace_id(workload, number)]
        parents = {span.parent_span_id for span in tree}
        assert len({span.span_id for span in tree}) == 20
        assert parents - {b""} <= {span.span_id for span in tree}
        assert sum(not span.parent_span_id for span in tree) == 1


def test_every_span_starts_within_the_window():
    workload = Workload(2_000)
    for body in make_requests(workload):
        for span in spans_of(body):
            start = span.start_time_unix_nano
            assert T0_UNIX_NANO <= start < workload.end_unix_nano


def test_a_large_trace_is_one_tree_over_several_requests():
    spans = [s for body in one_trace(b"t" * 16, 2_500, 0) for s in spans_of(body)]
    ids = {span.span_id for span in spans}
    assert len(ids) == 2_500
    assert {span.parent_span_id for span in spans} - {b""} <= ids


def test_a_recent_workload_is_made_once_and_again_when_it_is_old(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workload = recent_workload(1_000, 1)
    path = cached_requests(workload)
    assert len(list(read_requests(path))) == 1
    assert recent_workload(1_000, 1) == workload
    old = path.stat().st_mtime + OLDEST_CACHED_SECONDS
    monkeypatch.setattr("time.time", lambda: old)
    assert recent_workload(1_000, 1) != workload
