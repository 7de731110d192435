"""Spans in datagrams, and what is said of those that are lost."""

import random
import socket
import threading
from typing import Any

import pytest

from tests.receivers.jaeger_messages import datagram, span
from tests.receivers.messages import protobuf, span_message
from tests.receivers.serving import (
    LOOPBACK,
    PATIENCE_SECONDS,
    RecordingStore,
    Running,
    await_until,
    datagram_socket,
    running,
)
from tests.receivers.thrift_writing import call, listed
from traces.receivers import udp_listener
from traces.receivers.datagram_loss import (
    MOST_CLIENTS,
    MOST_MISSING,
    Clients,
    KernelDrops,
)
from traces.receivers.encodings import Encoding
from traces.receivers.verdict import Sent
from traces.store.base import StoreUnavailable

ENCODINGS = {"compact": Encoding.JAEGER_COMPACT, "binary": Encoding.JAEGER_BINARY}
PROTOCOLS = pytest.mark.parametrize("protocol", ENCODINGS)
UUID = {"client-uuid": "5f3e"}


def send(server: Running, protocol: str, *datagrams: bytes) -> None:
    port = getattr(server.jaeger, protocol)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for each in datagrams:
            sender.sendto(each, (LOOPBACK, port))


def lost(server: Running, protocol: str = "compact") -> dict[str, int]:
    counts = server.ingest.counters.lost.copy()
    encoding = ENCODINGS[protocol]
    return {reason: n for (of, reason), n in counts.items() if of is encoding}


def await_lost(server: Running, expected: dict[str, int], protocol: str) -> None:
    await_until(lambda: lost(server, protocol) == expected)


def await_sum(server: Running, protocol: str, expected: int) -> None:
    await_until(lambda: sum(lost(server, protocol).values()) == expected)


@PROTOCOLS
def test_j2_a_datagram_is_stored(protocol):
    with running() as server:
        send(server, protocol, datagram(span(), protocol=protocol))
        await_until(lambda: len(server.store) == 1)
        assert lost(server, protocol) == {}


@PROTOCOLS
def test_a10_hostile_datagrams_are_counted_and_the_next_good_one_is_stored(protocol):
    other = {"compact": "binary", "binary": "compact"}[protocol]
    hostile = [
        b"",
        datagram(span(), protocol=other),
        datagram(span(), protocol=protocol)[:-5],
        call("other", {}, protocol),
    ]
    with running() as server:
        send(server, protocol, *hostile, bytes(65_507))
        expected = {udp_listener.NOT_READABLE: 4, udp_listener.TOO_LARGE: 1}
        await_lost(server, expected, protocol)
        send(server, protocol, datagram(span(), protocol=protocol))
        await_until(lambda: len(server.store) == 1)


@PROTOCOLS
def test_datagrams_wait_for_company_but_not_once_somebody_waits_with_them(protocol):
    with running(datagram_wait_seconds=3_600) as server:
        send(server, protocol, datagram(span(), protocol=protocol))
        await_until(lambda: len(server.ingest._gathering.requests) == 1)
        assert server.post(protobuf(span_message(9))).code == 200
        assert [batch.num_rows for batch in server.store.batches] == [2]


@PROTOCOLS
def test_datagrams_alone_are_stored_after_their_own_wait(protocol):
    with running(max_wait_seconds=3_600, datagram_wait_seconds=0.01) as server:
        send(server, protocol, datagram(span(), protocol=protocol))
        await_until(lambda: len(server.store) == 1)


@pytest.mark.slow
@PROTOCOLS
def test_a10_100_000_random_datagrams_are_all_counted(protocol):
    random_bytes = random.Random(7)
    with running(max_wait_seconds=0.01) as server:
        for sent in range(1_000, 100_001, 1_000):
            sizes = [random_bytes.randrange(64) for _ in range(1_000)]
            send(server, protocol, *map(random_bytes.randbytes, sizes))
            await_sum(server, protocol, sent)
        send(server, protocol, datagram(span(), protocol=protocol))
        await_until(lambda: len(server.store) == 1)


@PROTOCOLS
def test_j2_zipkin_s_method_is_counted_and_ignored(protocol):
    with running() as server:
        send(server, protocol, call("emitZipkinBatch", {1: listed()}, protocol))
        await_lost(server, {udp_listener.ZIPKIN: 1}, protocol)


class HeldStore(RecordingStore):
    """Writes nothing until it is let go."""

    def __init__(self) -> None:
        self.writing, self.let_go = threading.Event(), threading.Event()
        super().__init__(self._wait)

    def _wait(self, batch: object) -> None:
        self.writing.set()
        assert self.let_go.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("bound", [{"most_waiting": 3}, {"most_waiting_bytes": 700}])
def test_a11_beyond_the_queue_datagrams_are_lost_and_counted(bound):
    store = HeldStore()
    good = datagram(span(), process_tags={"padding": "x" * 120})
    assert 700 // 4 < len(good) <= 700 // 3
    with running(store, udp=bound) as server:
        send(server, "compact", good)
        assert store.writing.wait(PATIENCE_SECONDS)
        send(server, "compact", *[good] * 9)
        await_lost(server, {udp_listener.QUEUE_FULL: 7}, "compact")
        store.let_go.set()
        await_until(lambda: len(store) == 3)
        send(server, "compact", good)
        await_until(lambda: len(store) == 4)


def test_a11_datagrams_that_the_socket_has_no_room_for_are_counted():
    with datagram_socket() as full, datagram_socket() as sender:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        drops = KernelDrops(full)
        assert drops.more() == 0
        for _ in range(100):
            sender.sendto(bytes(1_000), full.getsockname())
        received = 0
        full.setblocking(False)
        try:
            while True:
                full.recv(2_000)
                received += 1
        except BlockingIOError:
            pass
        assert drops.more() == 100 - received > 0
        assert drops.more() == 0


def test_a11_drops_of_the_socket_are_told_by_the_server(monkeypatch):
    found = iter([5])
    monkeypatch.setattr(KernelDrops, "more", lambda drops: next(found, 0))
    with running() as server:
        await_until(lambda: sum(server.ingest.counters.lost.values()) == 5)
        [(_, reason)] = server.ingest.counters.lost
        assert reason == udp_listener.BUFFER_FULL


def test_a11_a_gap_in_a_client_s_numbers_is_counted():
    with running() as server:
        for number in (7, 8, 12):
            message = datagram(span(), sequence=number, process_tags=UUID)
            send(server, "compact", message)
        await_lost(server, {udp_listener.NOT_NUMBERED: 3}, "compact")


def test_spans_that_a_client_says_it_dropped_are_counted():
    with running() as server:
        for number, stats in ((1, (0, 0, 0)), (2, (5, 0, 1)), (3, (5, 2, 1))):
            message = datagram(span(), sequence=number, stats=stats, process_tags=UUID)
            send(server, "compact", message)
        await_until(lambda: len(server.store) == 3)
        unsent = server.ingest.counters.unsent
        await_until(lambda: sum(unsent.values()) == 8)
        text = server.ingest.counters.prometheus_text()
        assert 'spans_unsent_total{encoding="jaeger/compact"' in text


def test_a_store_that_is_away_loses_datagrams_and_says_so():
    def fail(batch: object) -> None:
        raise StoreUnavailable("away")

    with running(RecordingStore(fail)) as server:
        send(server, "compact", datagram(span()))
        await_lost(server, {udp_listener.STORE_AWAY: 1}, "compact")
        assert server.ingest.counters.failed[Encoding.JAEGER_COMPACT] == 1


def test_a_datagram_of_bad_spans_counts_as_refused_spans_not_as_lost():
    with running() as server:
        send(server, "compact", datagram(span(id=0), span(id=0)))
        rejected = server.ingest.counters.rejected
        await_until(lambda: sum(rejected.values()) == 2)
        assert lost(server) == {}


def test_what_is_in_the_socket_goes_to_the_store_before_a_stop():
    store = HeldStore()
    with running(store) as server:
        send(server, "compact", datagram(span()))
        assert store.writing.wait(PATIENCE_SECONDS)
        send(server, "compact", *[datagram(span())] * 50)
        server.stop()
        store.let_go.set()
    assert len(store) == 51


def heard(*sent: tuple[str, int | None]) -> list[int]:
    clients = Clients()
    return [clients.hear(Sent(name, number, {})).datagrams for name, number in sent]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([5, 6, 7], 0),
        ([5, 8], 2),
        ([1, 4], 2),
        ([3, 2, 4], 1),  # late: the gap was told already
        ([900, 1, 2], 0),  # begun again
        ([1, None, 3], 0),
        ([1, MOST_MISSING + 2], MOST_MISSING),
        ([1, MOST_MISSING + 3], 0),
        ([-(2**63), 2**63 - 1], 0),
    ],
)
def test_gaps_in_one_numbering(numbers: list[Any], missing: int):
    assert sum(heard(*[("a", number) for number in numbers])) == missing


def test_each_client_has_a_numbering_of_its_own():
    assert heard(("a", 5), ("b", 1), ("a", 6), ("b", 2)) == [0, 0, 0, 0]


def test_clients_are_bounded_and_the_longest_silent_one_is_forgotten():
    clients = Clients()
    clients.hear(Sent("first", 5, {}))
    for number in range(MOST_CLIENTS):
        clients.hear(Sent(str(number), 1, {}))
    assert len(clients) == MOST_CLIENTS
    assert clients.hear(Sent("first", 9, {})).datagrams == 0


def test_a_client_that_has_just_begun_tells_all_that_it_dropped():
    clients = Clients()
    assert clients.hear(Sent("new", 1, {"full": 3})).dropped == {"full": 3}
    assert clients.hear(Sent("old", 9, {"full": 3})).dropped == {}
    assert clients.hear(Sent("old", 10, {"full": 2**62})).dropped == {}
