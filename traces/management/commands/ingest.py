"""`manage.py ingest`: the receivers, alone."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import uvloop
from django.core.management.base import BaseCommand, CommandError

from traces.receivers.group_commit import group_commit_from_settings
from traces.receivers.listeners import Opened, make_listeners, open_ports
from traces.receivers.reports import reporting
from traces.receivers.sampling import BadStrategies, strategies_from_settings
from traces.receivers.server import IngestServer
from traces.store.base import StoreError
from traces.store.opening import writer_from_settings
from traces.store.segment_writer import SegmentWriter
from traces.store.uncatalogued import handing_over
from tracing_ui.supervise.listening import receiver_addresses
from tracing_ui.supervise.ports import PortUnavailable


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = "Receive spans on HOST, at the ports of docs/configuration.md."

    def handle(self, *args: Any, **options: Any) -> None:
        with ExitStack() as stack:
            try:
                strategies_from_settings()
                opened = open_ports(stack)
            except (BadStrategies, PortUnavailable) as error:
                raise CommandError(str(error)) from None
            # Arrow's own pool gives pages back and takes them again at every commit.
            pa.set_memory_pool(pa.system_memory_pool())
            writer = writer_from_settings()
            with handing_over(writer.uncatalogued):
                self.recover(writer)
                self.receive(opened, writer)

    def recover(self, writer: SegmentWriter) -> None:
        """What was acknowledged before a crash is shown before anything is taken."""
        try:
            writer.recover()
        except StoreError as error:
            self.stderr.write(f"What waits for the catalogue goes on waiting: {error}.")

    def receive(self, opened: Sequence[Opened], writer: SegmentWriter) -> None:
        # The event loop reads bodies by the 64 KiB: uvloop halves what that costs.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.serve(opened, writer))

    async def serve(self, opened: Sequence[Opened], writer: SegmentWriter) -> None:
        ingest = group_commit_from_settings(writer)
        server = IngestServer(ingest, make_listeners(ingest, opened))
        server.stop_on_signals()
        with reporting(ingest.counters):
            await server.serve(self.say_ready)

    def say_ready(self) -> None:
        rows = [f"{name} on {where}" for name, where in receiver_addresses().items()]
        self.stdout.write("; ".join(rows))
        self.stdout.flush()
