"""Load from several threads over OTLP/HTTP and gRPC, kept in a ledger.

What is not acknowledged is sent again until it is, as exporters do.
"""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import grpc

from tests.end_to_end.ledger import Ledger, NumberSource
from tests.end_to_end.serving import Server
from tests.services import LOOPBACK, wait_until

ACKED = "acked"
NO_ANSWER = "no answer"
# gRPC's own server cancels a call that no handler has taken yet when it stops.
# OTLP names the code as one to try again after, as it does UNAVAILABLE.
GRPC_STOPPING = "CANCELLED"
RETRYABLE = {"503", "UNAVAILABLE", GRPC_STOPPING}
PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 60
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
EAGER = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
]

Post = Callable[[bytes], str]


class Load:
    """Counts outcomes by name; each thread sends one batch at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.numbers = NumberSource(ledger.next_number())
        self.outcomes: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def send(self, post: Post) -> None:
        """The work of one thread, until stopped."""
        while not self._stopping.is_set():
            number = self.numbers.take()
            self.ledger.note("sent", number)
            if self._acked(post, self.ledger.body(number)):
                self.ledger.note(ACKED, number)

    def _acked(self, post: Post, body: bytes) -> bool:
        while (outcome := self._count(post(body))) != ACKED:
            # A refusal that is no reason to try again would be tried for ever.
            hopeless = outcome not in RETRYABLE | {NO_ANSWER}
            if hopeless or self._stopping.wait(PAUSE_SECONDS):
                return False
        return True

    def _count(self, outcome: str) -> str:
        with self._lock:
            self.outcomes[outcome] += 1
        return outcome

    def stop(self) -> None:
        self._stopping.set()

    def await_acks(self, count: int) -> None:
        """Until so many more than now."""
        wanted = self.outcomes[ACKED] + count
        wait_until(
            lambda: self.outcomes[ACKED] >= wanted,
            f"too few of {wanted} were acknowledged: {self.outcomes}",
        )

    def require_only(self, *expected: str) -> None:
        assert set(self.outcomes) <= {ACKED, *expected}, self.outcomes


@contextmanager
def load(
    server: Server, ledger: Ledger, *, http_threads: int = 2, grpc_threads: int = 2
) -> Iterator[Load]:
    """Runs within the block."""
    going = Load(ledger)
    with ExitStack() as stack:
        posts = [stack.enter_context(over_http(server)) for _ in range(http_threads)]
        posts += [stack.enter_context(over_grpc(server))] * grpc_threads
        threads = [threading.Thread(target=going.send, args=(post,)) for post in posts]
        for thread in threads:
            thread.start()
        try:
            yield going
        finally:
            going.stop()
            for thread in threads:
                thread.join()


@contextmanager
def over_http(server: Server) -> Iterator[Post]:
    """Keeps its connection while it lasts."""
    connection = http.client.HTTPConnection(
        LOOPBACK, server.ports["OTLP_HTTP_PORT"], timeout=ANSWER_SECONDS
    )

    def post(body: bytes) -> str:
        try:
            connection.request("POST", "/v1/traces", body, PROTOBUF)
            return http_outcome(connection.getresponse())
        except (OSError, http.client.HTTPException):
            connection.close()
            return NO_ANSWER

    with closing(connection):
        yield post


def http_outcome(answer: http.client.HTTPResponse) -> str:
    body = answer.read()
    if answer.status == 200:
        return f"partial success: {body!r}" if body else ACKED
    if answer.status == 503 and not answer.headers["Retry-After"]:
        return "503 without Retry-After"
    return str(answer.status)


@contextmanager
def over_grpc(server: Server) -> Iterator[Post]:
    """May be used by several threads."""
    address = f"{LOOPBACK}:{server.ports['OTLP_GRPC_PORT']}"
    with grpc.insecure_channel(address, options=EAGER) as channel:
        export = channel.unary_unary(EXPORT)

        def post(body: bytes) -> str:
            try:
                answer = export(body, timeout=ANSWER_SECONDS)
            except grpc.RpcError as error:
                return str(error.code().name)
            return f"partial success: {answer!r}" if answer else ACKED

        yield post


def send_once(server: Server, ledger: Ledger, number: int) -> None:
    """One batch over both protocols, acknowledged by both."""
    body = ledger.body(number)
    ledger.note("sent", number)
    with over_http(server) as http_post, over_grpc(server) as grpc_post:
        for post in (http_post, grpc_post):
            assert post(body) == ACKED
    ledger.note(ACKED, number)
