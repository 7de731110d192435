"""Group commit: requests that arrive together share one decode, one write, one fsync.

A request is answered when the write that holds its spans has returned, so a success
means stored. One group is written at a time, in a thread; the next gathers meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from traces.receivers.admission import Inflight, Unavailable
from traces.receivers.counters import Counters
from traces.receivers.decoding import Decoded, decode
from traces.receivers.encodings import Encoding
from traces.receivers.limits import Limits
from traces.receivers.verdict import Verdict
from traces.store.base import SpanSink, StoreError

log = logging.getLogger(__name__)

# Until a first group has told; OTLP spans are a few hundred bytes each.
_FIRST_GUESS_BYTES_PER_SPAN = 400.0
_STOPPING = "the server is stopping; send again later"
_CRASHED = "the request could not be processed; send again later"


@dataclass(eq=False, slots=True)
class Request:
    """A body on its way, and the answer that its sender waits for."""

    body: bytes
    encoding: Encoding
    answered: "asyncio.Future[Verdict]"
    outcome: Verdict | Exception | None = None
    spans: int = 0


@dataclass(slots=True)
class _Gathering:
    requests: list[Request] = field(default_factory=list)
    bytes: int = 0
    is_awaited: bool = False


class GroupCommit:
    """`run` must be running for `submit` to be answered."""

    def __init__(
        self,
        write: Callable[[pa.Table], None],
        limits: Limits,
        *,
        max_wait_seconds: float,
        datagram_wait_seconds: float,
        max_spans: int,
        max_inflight_bytes: int,
    ) -> None:
        self._writer = Writer(write, limits)
        self._max_wait_seconds = max_wait_seconds
        self._datagram_wait_seconds = datagram_wait_seconds
        self._max_spans = max_spans
        self._bytes_per_span = _FIRST_GUESS_BYTES_PER_SPAN
        self._gathering = _Gathering()
        self._due = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self.limits = limits
        self.inflight = Inflight(max_inflight_bytes)
        self.counters = Counters()
        self.draining = False

    async def submit(self, body: bytes, encoding: Encoding) -> Verdict:
        """The verdict, once all that it accepts is stored.

        Raises Unavailable or StoreError when nothing of the request was stored.
        """
        # A client that hangs up does not take its spans back.
        return await asyncio.shield(self._start(body, encoding, is_awaited=True))

    def start(self, body: bytes, encoding: Encoding) -> "asyncio.Future[Verdict]":
        """As `submit`, for a datagram, whose sender waits for no answer: it may wait
        longer for company. Raises Unavailable when it is closed."""
        return self._start(body, encoding, is_awaited=False)

    def _start(
        self, body: bytes, encoding: Encoding, *, is_awaited: bool
    ) -> "asyncio.Future[Verdict]":
        self.require_open()
        answered = asyncio.get_running_loop().create_future()
        self._gather(Request(body, encoding, answered), is_awaited=is_awaited)
        return answered

    def require_open(self) -> None:
        if self.draining:
            raise Unavailable(_STOPPING)

    def _gather(self, request: Request, *, is_awaited: bool) -> None:
        gathering = self._gathering
        is_sooner = is_awaited and not gathering.is_awaited
        gathering.is_awaited |= is_awaited
        gathering.requests.append(request)
        gathering.bytes += len(request.body)
        if gathering.bytes >= self._max_spans * self._bytes_per_span:
            self._due.set()
        elif is_sooner or len(gathering.requests) == 1:
            wait = self._max_wait_seconds if is_awaited else self._datagram_wait_seconds
            asyncio.get_running_loop().call_later(wait, self._end_wait, gathering)

    def _end_wait(self, gathering: _Gathering) -> None:
        if self._gathering is gathering:
            self._due.set()

    async def run(self) -> None:
        """Write group after group; returns after `drain`, when all are answered."""
        while not (self.draining and not self._gathering.requests):
            await self._due.wait()
            self._due.clear()
            group, self._gathering = self._gathering.requests, _Gathering()
            if group:
                await self._commit(group)
            if self.draining:
                self._due.set()
        self._thread.shutdown()

    def drain(self) -> None:
        """Take no new request and write at once what is waiting."""
        self.draining = True
        self._due.set()

    async def _commit(self, group: list[Request]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._writer.commit, group)
        for request in group:
            self._answer(request)
        self._learn(group)

    def _answer(self, request: Request) -> None:
        outcome = request.outcome
        assert outcome is not None
        if isinstance(outcome, Verdict):
            self.counters.count_verdict(request.encoding, outcome)
            _settle(request.answered, partial(request.answered.set_result, outcome))
            return
        self.counters.count_failure(request.encoding, request.spans)
        _settle(request.answered, partial(request.answered.set_exception, outcome))

    def _learn(self, group: Sequence[Request]) -> None:
        spans = sum(request.spans for request in group)
        if spans:
            self._bytes_per_span = sum(len(r.body) for r in group) / spans


def _settle(answered: "asyncio.Future[Verdict]", settle: Callable[[], None]) -> None:
    if not answered.done():
        settle()


class Writer:
    """The blocking half: decodes a group, writes it, leaves an outcome with each."""

    def __init__(self, write: Callable[[pa.Table], None], limits: Limits) -> None:
        self._write = write
        self._limits = limits

    def commit(self, group: Sequence[Request]) -> None:
        try:
            self._commit_together(group)
        except StoreError as error:
            self._fail(group, error)
        except Exception as error:
            # One of them may be poison: it must not fail the others.
            if len(group) == 1:
                log.exception("A request could not be processed")
                self._fail(group, error)
                return
            for request in group:
                self.commit([request])

    def _commit_together(self, group: Sequence[Request]) -> None:
        batches = []
        for encoding in {request.encoding for request in group}:
            requests = [r for r in group if r.encoding is encoding]
            batches.append(self._decode(requests, encoding).batch)
        batch = pa.concat_tables(batches)
        if batch.num_rows:
            self._write(batch)

    def _decode(self, requests: Sequence[Request], encoding: Encoding) -> Decoded:
        bodies = [request.body for request in requests]
        decoded = decode(bodies, encoding, self._limits)
        for request, verdict in zip(requests, decoded.verdicts, strict=True):
            request.outcome, request.spans = verdict, verdict.spans
        return decoded

    def _fail(self, group: Sequence[Request], error: Exception) -> None:
        reason = error if isinstance(error, StoreError) else Unavailable(_CRASHED)
        for request in group:
            # What holds no good span is refused all the same: it was not for the
            # store to take.
            hopeless = isinstance(request.outcome, Verdict) and request.outcome.error
            if not hopeless:
                request.outcome = reason


def group_commit_from_settings(store: SpanSink) -> GroupCommit:
    from django.conf import settings

    from traces.receivers.limits import limits_from_settings

    return GroupCommit(
        store.write,
        limits_from_settings(),
        max_wait_seconds=settings.GROUP_COMMIT_MAX_WAIT_MS / 1000,
        datagram_wait_seconds=settings.DATAGRAM_COMMIT_MAX_WAIT_MS / 1000,
        max_spans=settings.GROUP_COMMIT_MAX_SPANS,
        max_inflight_bytes=settings.MAX_INFLIGHT_BYTES,
    )
