"""`manage.py demo`: runs a small traced shop and sends it customers."""

import signal
import threading
import time
from argparse import ArgumentTypeError
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from traces.addresses import own_host, page_address, trace_address
from traces.demo.load import Tally, send_load, visits
from traces.demo.patterns import Pattern
from traces.demo.reachable import PROTOCOLS, BadEndpoint, is_listening
from traces.demo.run import Shop, ShopFailed

PROGRESS_SECONDS = 5.0
WHAT_A_PATTERN_IS = {
    Pattern.NORMAL: "about 70 ms",
    Pattern.BOTTLENECK: "the database takes 2 s",
    Pattern.CASCADE: "the card network refuses, the database times out, 502",
}


class Command(BaseCommand):
    """Starts the shop's processes, sends the load, tells where to look, ends all."""

    help = (
        "Run a small shop of six processes with stock OpenTelemetry instrumentation,"
        " send it requests, and export their traces to a running server."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """How much load of which kind, and where its spans go."""
        add = parser.add_argument
        add(
            "--requests",
            type=_count,
            default=100,
            metavar="N",
            help="requests to send; 0 goes on until Ctrl-C (default: 100)",
        )
        add(
            "--rate",
            type=_rate,
            default=5.0,
            metavar="PER_SECOND",
            help="requests a second (default: 5)",
        )
        add("--pattern", choices=[*Pattern, "mix"], default="mix")
        add("--protocol", choices=PROTOCOLS, default="grpc")
        add(
            "--endpoint",
            help="where to export to, without a path (default: this server's OTLP port)",
        )

    def handle(self, *_arguments: object, **options: Any) -> None:
        """Sends the load and reports; Ctrl-C or SIGTERM ends it early but in order."""
        endpoint = options["endpoint"] or default_endpoint(options["protocol"])
        _require_listener(endpoint)
        signal.signal(signal.SIGTERM, _interrupt)
        tally = Tally()
        try:
            self._run(endpoint, options, tally)
        except ShopFailed as error:
            raise CommandError(f"The shop failed: {error}.") from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        self._report(tally)

    def _run(self, endpoint: str, options: dict[str, Any], tally: Tally) -> None:
        self.stdout.write(
            f"Starting the shop; its spans go to {endpoint} by {options['protocol']}."
        )
        with Shop(endpoint, options["protocol"]) as shop:
            self.stdout.write(_plan(options))
            try:
                self._send(shop, options, tally)
            finally:
                self.stdout.write("Flushing what is on its way …")

    def _send(self, shop: Shop, options: dict[str, Any], tally: Tally) -> None:
        stopping = threading.Event()
        wanted = islice(visits(options["pattern"]), options["requests"] or None)
        arguments = (shop.gateway_url, wanted, options["rate"], tally, stopping)
        # A future, for its wait: a Ctrl-C in Thread.join() makes Python 3.11 take the
        # thread for ended, and the shop would stop under the requests on their way.
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send_load, *arguments)
            try:
                self._watch(sending, shop, tally)
            finally:
                stopping.set()
        sending.result()

    def _watch(self, sending: "Future[None]", shop: Shop, tally: Tally) -> None:
        started = time.monotonic()
        while not sending.done():
            wait([sending], PROGRESS_SECONDS)
            shop.check()
            seconds = time.monotonic() - started
            self.stdout.write(f"{seconds:6.0f} s  {tally.total} requests answered")

    def _report(self, tally: Tally) -> None:
        for what, count in sorted(tally.unexpected.items()):
            self.stderr.write(f"{count} requests went wrong: {what}")
        if not tally.trace_ids:
            return
        self.stdout.write("Some of the traces:")
        for pattern, trace_ids in tally.trace_ids.items():
            self.stdout.write(f"  {pattern}: {WHAT_A_PATTERN_IS[pattern]}")
            for trace_id in trace_ids:
                self.stdout.write(f"    {trace_id}  {trace_address(trace_id)}")
        self.stdout.write(f"Look at them at {page_address('/')}")


def default_endpoint(protocol: str) -> str:
    """The OTLP port of the server these settings describe."""
    port = settings.OTLP_GRPC_PORT if protocol == "grpc" else settings.OTLP_HTTP_PORT
    return f"http://{own_host()}:{port}"


def _require_listener(endpoint: str) -> None:
    try:
        listening = is_listening(endpoint)
    except BadEndpoint as error:
        raise CommandError(str(error)) from error
    if not listening:
        raise CommandError(
            f"Nothing is listening at {endpoint}: start it with `make run`,"
            " or name another server with --endpoint."
        )


def _plan(options: dict[str, Any]) -> str:
    count = options["requests"]
    requests = f"{count} requests" if count else "Requests until Ctrl-C"
    return f"{requests}, {options['rate']:g} a second, pattern {options['pattern']}."


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise ArgumentTypeError("expected 0 or more")
    return count


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 1_000:
        raise ArgumentTypeError("expected more than 0 and at most 1000 a second")
    return rate


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
