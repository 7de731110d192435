"""The shop's customers: sends requests at a rate and remembers which trace was which."""

import itertools
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from traces.demo.patterns import Pattern, baggage_header

MAX_IN_FLIGHT = 16
REMEMBERED_TRACES = 3
ANSWER_TIMEOUT_SECONDS = 30.0
LISTING_SHARE = 0.2
EXPECTED_STATUS = {Pattern.CASCADE: 502}

N, B, C = Pattern.NORMAL, Pattern.BOTTLENECK, Pattern.CASCADE
# Twenty in turn; the first four hold all three, so that a short run shows them too.
MIX = (N, B, N, C, N, N, N, N, N, N, N, N, B, N, N, N, N, N, N, N)


@dataclass(frozen=True)
class Visit:
    """One request of a customer, and the pattern it is to follow."""

    pattern: Pattern
    method: str = "POST"
    path: str = "/api/checkout"
    order: dict[str, str | float] | None = None


@dataclass
class Tally:
    """What the load has come to: answers by pattern, trace ids, and what went wrong."""

    answers: Counter[Pattern] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    trace_ids: dict[Pattern, deque[str]] = field(default_factory=dict)

    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        """How many requests were answered, as expected or not."""
        return self.answers.total() + self.unexpected.total()

    def add(self, visit: Visit, response: requests.Response) -> None:
        """Counts one answer and keeps the ids of the latest checkouts' traces."""
        if not _is_expected(visit, response):
            self.add_unexpected(f"HTTP {response.status_code}")
            return
        with self.lock:
            self.answers[visit.pattern] += 1
            self._remember(visit, trace_id_of(response))

    def add_unexpected(self, what: str) -> None:
        """Counts one request that went otherwise than its pattern says."""
        with self.lock:
            self.unexpected[what] += 1

    def _remember(self, visit: Visit, trace_id: str | None) -> None:
        if trace_id and visit.method == "POST":
            latest = deque[str](maxlen=REMEMBERED_TRACES)
            self.trace_ids.setdefault(visit.pattern, latest).append(trace_id)


def visits(pattern: str, seed: int = 0) -> Iterator[Visit]:
    """Endless visits of one pattern, or of all three for `mix`."""
    chance = random.Random(seed)
    patterns = MIX if pattern == "mix" else (Pattern(pattern),)
    for number, chosen in enumerate(itertools.cycle(patterns)):
        if number > 3 and chosen is N and chance.random() < LISTING_SHARE:
            yield _listing(chance)
        else:
            yield checkout(chosen, chance)


def checkout(pattern: Pattern, chance: random.Random) -> Visit:
    """A customer buys something."""
    order: dict[str, str | float] = {
        "token": f"customer-{chance.randrange(1, 500)}",
        "amount": round(chance.uniform(5, 250), 2),
        "currency": chance.choice(("EUR", "EUR", "USD", "GBP")),
    }
    return Visit(pattern, order=order)


def send_load(
    gateway_url: str,
    visits: Iterable[Visit],
    per_second: float,
    tally: Tally,
    stopping: threading.Event,
) -> None:
    """Sends `visits` at an even rate until they end or `stopping` is set.

    At most `MAX_IN_FLIGHT` wait for their answer; the rate falls when all of them do.
    Returns when each has its answer.
    """
    slots = threading.Semaphore(MAX_IN_FLIGHT)
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
        for visit in paced(visits, per_second, stopping):
            slots.acquire()
            sent = pool.submit(send, gateway_url, visit, tally)
            sent.add_done_callback(lambda _: slots.release())


def paced(
    visits: Iterable[Visit], per_second: float, stopping: threading.Event
) -> Iterator[Visit]:
    """Each visit when its time has come; what was late is not sent in a burst."""
    due = time.monotonic()
    for visit in visits:
        if stopping.wait(max(0.0, due - time.monotonic())):
            return
        yield visit
        due = max(due + 1 / per_second, time.monotonic())


def send(gateway_url: str, visit: Visit, tally: Tally) -> None:
    """Sends one visit and counts its answer; a lost one counts as unexpected."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.request(
                visit.method,
                gateway_url + visit.path,
                json=visit.order,
                headers=baggage_header(visit.pattern),
                timeout=ANSWER_TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            tally.add_unexpected(type(error).__name__)
            return
        tally.add(visit, response)


def trace_id_of(response: requests.Response) -> str | None:
    """The trace id in an answer's `traceresponse` header."""
    parts = response.headers.get("traceresponse", "").split("-")
    return parts[1] if len(parts) == 4 else None


def _listing(chance: random.Random) -> Visit:
    path = f"/api/orders?each={chance.randrange(2)}"
    return Visit(Pattern.NORMAL, method="GET", path=path)


def _is_expected(visit: Visit, response: requests.Response) -> bool:
    if visit.pattern in EXPECTED_STATUS:
        return response.status_code == EXPECTED_STATUS[visit.pattern]
    return response.ok
