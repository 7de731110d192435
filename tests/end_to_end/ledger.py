"""A client that writes down what it sent and what was acknowledged, and settles up.

The ledger is a file of short lines, each on disk before the next step is taken. A batch
is made of its number alone, so that its content can be compared later.
"""

import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tests.builders import MS
from tests.end_to_end import otlp_json
from tests.end_to_end.serving import Server
from tests.receivers.messages import protobuf, span_message

SERVICE = "ledger"
SPANS_PER_BATCH = 5
SEARCH_PAGE = 500
BATCHES_READ_BY_API = 20


class Entries(NamedTuple):
    sent: set[int]
    acked: set[int]


@dataclass(frozen=True)
class Ledger:
    """Batches of one trace each; `started_at` is when their first span starts."""

    path: Path
    run: int
    started_at_unix_nano: int

    @classmethod
    def new(cls, path: Path) -> "Ledger":
        return cls(path, secrets.randbits(63) | 1, time.time_ns())

    @cached_property
    def _file(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what: str, number: int) -> None:
        """On disk when this returns; for any thread."""
        os.write(self._file, f"{what} {number}\n".encode())
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def entries(self) -> Entries:
        lines = self.path.read_text().split("\n")[:-1] if self.path.exists() else []
        marks = [line.split(" ") for line in lines]
        return Entries(
            {int(number) for what, number in marks if what == "sent"},
            {int(number) for what, number in marks if what == "acked"},
        )

    def next_number(self) -> int:
        return max(self.entries().sent, default=0) + 1

    def trace_id(self, number: int) -> bytes:
        return self.run.to_bytes(8, "big") + number.to_bytes(8, "big")

    def number_of(self, trace_id: bytes) -> int:
        assert trace_id[:8] == self.run.to_bytes(8, "big"), "a trace nobody sent"
        return int.from_bytes(trace_id[8:], "big")

    def spans(self, number: int) -> list[dict[str, Any]]:
        """The content of a batch, in plain values."""
        return [self._span(number, index) for index in range(SPANS_PER_BATCH)]

    def _span(self, number: int, index: int) -> dict[str, Any]:
        start = self.started_at_unix_nano + number * MS + index
        return {
            "trace_id": self.trace_id(number),
            "span_id": (number << 8 | (index + 1)).to_bytes(8, "big"),
            "parent_span_id": (number << 8 | 1).to_bytes(8, "big") if index else b"",
            "name": f"step {index}",
            "start_time_unix_nano": start,
            "end_time_unix_nano": start + number + 1,
            "attributes": {
                "ledger.batch": number,
                "ledger.large": 2**53 + 1 + number,
                "ledger.ratio": number / 7,
                "ledger.even": number % 2 == 0,
                "ledger.text": f"batch {number} ☃ " + "x" * (number % 50),
                "ledger.list": [index, number],
            },
        }

    def body(self, number: int) -> bytes:
        """The batch as an OTLP request."""
        messages = [span_message(**span) for span in self.spans(number)]
        return protobuf(*messages, service=SERVICE)


class NumberSource:
    """Hands out the numbers of batches to threads."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._lock = threading.Lock()

    def take(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1


def settle(server: Server, ledger: Ledger) -> None:
    """Acked ⊆ visible ⊆ sent, each once, contents equal; by search, by the API's
    traces, and by a sound store that another process opens."""
    visible = require_visible(server, ledger)
    require_equal(ledger, visible, read_by_another_process(server, ledger))
    some = sorted(visible)[-BATCHES_READ_BY_API:]
    require_equal(ledger, set(some), read_by_api(server, ledger, some))


def require_visible(server: Server, ledger: Ledger) -> set[int]:
    """The numbers that a search finds: all that were acked, each once, whole."""
    entries = ledger.entries()
    assert entries.acked, "nothing was acknowledged: nothing is shown by this"
    visible = found_numbers(server, ledger)
    assert entries.acked - visible == set(), "acknowledged, and not found"
    assert visible - entries.sent == set(), "found, and never sent"
    return visible


def found_numbers(server: Server, ledger: Ledger) -> set[int]:
    """Of all batches that a search finds, page after page; each is found once."""
    pages = list(search_pages(server))
    traces = [trace for page in pages for trace in page["traces"]]
    numbers = [ledger.number_of(bytes.fromhex(t["trace_id"])) for t in traces]
    assert len(set(numbers)) == len(numbers), "a trace was found twice"
    assert {page["matched"] for page in pages} == {len(numbers)}
    assert {page["scanned"]["left_out"] != [] for page in pages} == {False}
    assert {trace["span_count"] for trace in traces} == {SPANS_PER_BATCH}
    return set(numbers)


def search_pages(server: Server) -> Iterator[Any]:
    page = server.get_json(
        "/api/v1/traces", service=SERVICE, range="all", limit=SEARCH_PAGE
    )
    yield page
    while page["next"]:
        page = server.follow(page["next"])
        yield page


Documents = Iterator[dict[str, Any]]


def read_by_api(server: Server, ledger: Ledger, numbers: list[int]) -> Documents:
    for number in numbers:
        trace_id = ledger.trace_id(number).hex()
        yield from otlp_json.spans(server.get_json(f"/api/v1/traces/{trace_id}"))


def read_by_another_process(server: Server, ledger: Ledger) -> Documents:
    """All that was ever sent, as far as a fresh process sees it."""
    ids = [ledger.trace_id(number).hex() for number in ledger.entries().sent]
    return otlp_json.spans(server.read_store(ids))


def require_equal(ledger: Ledger, numbers: set[int], found: Documents) -> None:
    expected = Counter(
        comparable(span) for number in numbers for span in ledger.spans(number)
    )
    assert Counter(comparable(plain(document)) for document in found) == expected


def comparable(span: dict[str, Any]) -> str:
    return repr({**span, "attributes": sorted(span["attributes"].items())})


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A span of OTLP JSON in the form of `Ledger.spans`."""
    assert document["resource"] == {"service.name": SERVICE}
    return {
        "trace_id": bytes.fromhex(document["traceId"]),
        "span_id": bytes.fromhex(document["spanId"]),
        "parent_span_id": bytes.fromhex(document.get("parentSpanId", "")),
        "name": document["name"],
        "start_time_unix_nano": int(document["startTimeUnixNano"]),
        "end_time_unix_nano": int(document["endTimeUnixNano"]),
        "attributes": otlp_json.attributes(document["attributes"]),
    }
