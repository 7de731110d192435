"""Group commit: who shares a write, who fails with whom, and how it stops."""

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.receivers.messages import json_request, json_span, protobuf, span_message
from tests.receivers.serving import (
    JSON,
    PATIENCE_SECONDS,
    PROTOBUF,
    RecordingStore,
    Response,
    Running,
    await_until,
    running,
)
from traces.receivers.admission import Inflight, Unavailable
from traces.receivers.counters import Counters
from traces.receivers.encodings import Encoding
from traces.receivers.verdict import Verdict
from traces.spans import SpanBatch
from traces.store.base import StoreUnavailable


class Gate:
    """Holds the store's writes until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _batch: SpanBatch) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)


def post_all(server: Running, bodies: list[bytes]) -> list[Response]:
    with ThreadPoolExecutor(len(bodies)) as threads:
        return list(threads.map(server.post, bodies))


def in_background(threads: ThreadPoolExecutor, server: Running, body: bytes) -> Any:
    answer: Future[Response] = threads.submit(server.post, body)
    return answer


def samples(server: Running) -> dict[str, float]:
    text = server.request("GET", "/metrics").body.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (s.rpartition(" ") for s in lines)}


def test_requests_that_arrive_together_share_one_write():
    bodies = [protobuf(span_message(n)) for n in range(1, 9)]
    with running(max_wait_seconds=PATIENCE_SECONDS, max_spans=8) as server:
        # Eight small bodies are about as many bytes as six spans are guessed to be.
        server.ingest._bytes_per_span = len(bodies[0])
        answers = post_all(server, bodies)

    assert [answer.code for answer in answers] == [200] * 8
    assert [batch.num_rows for batch in server.store.batches] == [8]


def test_a_lonely_request_waits_no_longer_than_it_must():
    with running(max_wait_seconds=0.01) as server:
        assert server.post(protobuf(span_message())).code == 200


def test_what_arrives_during_a_write_is_gathered_for_the_next():
    gate = Gate()
    with (
        running(RecordingStore(gate)) as server,
        ThreadPoolExecutor(4) as threads,
    ):
        first = in_background(threads, server, protobuf(span_message(1)))
        assert gate.reached.wait(PATIENCE_SECONDS)
        rest = [
            in_background(threads, server, protobuf(span_message(n))) for n in (2, 3, 4)
        ]
        await_until(lambda: len(server.ingest._gathering.requests) == 3)
        assert not first.done()
        gate.opened.set()
        codes = [answer.result(PATIENCE_SECONDS).code for answer in (first, *rest)]

    assert codes == [200] * 4
    assert [batch.num_rows for batch in server.store.batches] == [1, 3]


def test_protobuf_and_json_share_a_write():
    with running(max_wait_seconds=0.5) as server, ThreadPoolExecutor(2) as threads:
        answers = [
            threads.submit(server.post, protobuf(span_message(1)), PROTOBUF),
            threads.submit(server.post, json_request(json_span(2)), JSON),
        ]
        assert [a.result(PATIENCE_SECONDS).code for a in answers] == [200, 200]

    assert [batch.num_rows for batch in server.store.batches] == [2]


def test_a_bad_request_fails_alone_in_its_group():
    bodies = [protobuf(span_message(1)), b"\xff", protobuf(span_message(2))]
    with running(max_wait_seconds=0.3) as server:
        codes = [answer.code for answer in post_all(server, bodies)]

    assert codes == [200, 400, 200]
    assert len(server.store) == 2


def test_a_poison_request_does_not_fail_the_others():
    def choke(batch: SpanBatch) -> None:
        if "poison" in batch["name"].to_pylist():
            raise RuntimeError("choked")

    bodies = [protobuf(span_message(1)), protobuf(span_message(2, name="poison"))]
    with running(RecordingStore(choke), max_wait_seconds=0.3) as server:
        codes = [answer.code for answer in post_all(server, bodies)]

    assert codes == [200, 503]
    assert server.store.spans["name"].to_pylist() == ["GET /"]


def test_a_store_that_is_away_fails_all_and_comes_back():
    broken = threading.Event()
    broken.set()

    def write(_batch: SpanBatch) -> None:
        if broken.is_set():
            raise StoreUnavailable("away")

    with running(RecordingStore(write)) as server:
        assert server.post(protobuf(span_message())).code == 503
        assert server.post(b"\xff").code == 400
        assert server.post(protobuf(span_message(span_id=b""))).code == 400
        broken.clear()
        assert server.post(protobuf(span_message())).code == 200


def test_received_is_stored_and_rejected_and_failed():
    def write(batch: SpanBatch) -> None:
        if "away" in batch["name"].to_pylist():
            raise StoreUnavailable("away")

    with running(RecordingStore(write)) as server:
        server.post(protobuf(span_message(1), span_message(2, trace_id=b"")))
        server.post(protobuf(span_message(3), span_message(4, name="away")))
        server.post(protobuf(span_message(span_id=b"")))
        server.post(b"\xff")
        counted = samples(server)

    def of_protobuf(what: str) -> float:
        return counted[f'tracing_ui_ingest_spans_{what}{{encoding="otlp/protobuf"}}']

    assert of_protobuf("received_total") == 5
    assert of_protobuf("stored_total") == 1 == len(server.store)
    assert of_protobuf("failed_total") == 2
    rejected = [n for name, n in counted.items() if "rejected_total" in name]
    assert sum(rejected) == 2


def test_stopping_refuses_new_requests_and_finishes_those_in_flight():
    gate = Gate()
    with (
        running(RecordingStore(gate), max_wait_seconds=0.01) as server,
        ThreadPoolExecutor(2) as threads,
    ):
        flying = in_background(threads, server, protobuf(span_message(1)))
        assert gate.reached.wait(PATIENCE_SECONDS)
        server.stop()
        await_until(lambda: server.ingest.draining)
        refused = server.post(protobuf(span_message(2)))
        health = server.request("GET", "/healthz")
        gate.opened.set()
        answered = flying.result(PATIENCE_SECONDS)

    assert (refused.code, health.code) == (503, 503)
    assert refused.headers["retry-after"]
    assert answered.code == 200
    assert len(server.store) == 1


def test_stopping_writes_at_once_what_still_gathers():
    with (
        running(max_wait_seconds=PATIENCE_SECONDS) as server,
        ThreadPoolExecutor(1) as threads,
    ):
        waiting = in_background(threads, server, protobuf(span_message()))
        await_until(lambda: server.ingest._gathering.requests)
        server.stop()

        assert waiting.result(PATIENCE_SECONDS).code == 200


def test_healthz_is_ready_while_the_server_takes_spans():
    with running() as server:
        assert server.request("GET", "/healthz").code == 200
        assert server.request("POST", "/healthz").code == 405


def test_bytes_in_flight_are_given_back():
    inflight = Inflight(10)
    with inflight.hold() as hold:
        hold.add(8)
        with pytest.raises(Unavailable), inflight.hold() as another:
            another.add(3)
        assert inflight.bytes == 8

    assert inflight.bytes == 0


def test_a_client_that_hangs_up_gives_its_bytes_back():
    with running() as server:
        for _ in range(3):
            with pytest.raises(TypeError):
                server.post(iter([b"x" * 100, 5]), PROTOBUF, encode_chunked=True)
        await_until(lambda: not server.ingest.inflight.bytes)
        assert server.post(protobuf(span_message())).code == 200


def test_reasons_that_a_stranger_chose_stay_few_and_plain():
    counters = Counters()
    for number in range(200):
        verdict = Verdict(1, Counter({f'a "quoted"\n{number}': 1}))
        counters.count_verdict(Encoding.OTLP_JSON, verdict)

    assert len(counters.rejected) == 101
    assert counters.rejected.total() == 200
    lines = counters.prometheus_text().splitlines()
    rejected = [line for line in lines if "rejected_total{" in line]
    assert len(rejected) == 101
    assert all(line.count('"') == 4 for line in rejected)
