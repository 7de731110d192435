"""`manage.py ingest`: the OTLP receivers, alone."""

import asyncio
import socket
from typing import Any

import pyarrow as pa
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from traces.receivers.group_commit import group_commit_from_settings
from traces.receivers.server import IngestServer, listening_socket
from traces.store.base import StoreError
from traces.store.opening import writer_from_settings
from traces.store.segment_writer import SegmentWriter
from traces.store.uncatalogued import handing_over
from tracing_ui.supervise.ports import Port, PortUnavailable, resolve


class Command(BaseCommand):
    requires_system_checks = ()  # they import every page
    help = "Receive spans on HOST:OTLP_GRPC_PORT and HOST:OTLP_HTTP_PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            grpc_port().require_free()
            listener = listen(http_port())
        except PortUnavailable as error:
            raise CommandError(str(error)) from None
        # Arrow's own pool gives pages back and takes them again at every commit.
        pa.set_memory_pool(pa.system_memory_pool())
        writer = writer_from_settings()
        with handing_over(writer.uncatalogued):
            self.recover(writer)
            self.receive(listener, writer)

    def recover(self, writer: SegmentWriter) -> None:
        """What was acknowledged before a crash is shown before anything is taken."""
        try:
            writer.recover()
        except StoreError as error:
            self.stderr.write(f"What waits for the catalogue goes on waiting: {error}.")

    def receive(self, listener: socket.socket, writer: SegmentWriter) -> None:
        # The event loop reads bodies by the 64 KiB: uvloop halves what that costs.
        with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.serve(listener, writer))

    async def serve(self, listener: socket.socket, writer: SegmentWriter) -> None:
        ingest = group_commit_from_settings(writer)
        server = IngestServer(
            ingest, listener, grpc_address(), settings.CORS_ALLOWED_ORIGINS
        )
        server.stop_on_signals()
        await server.serve(self.say_ready)

    def say_ready(self) -> None:
        self.stdout.write(
            f"OTLP/gRPC on {grpc_port().address}, "
            f"OTLP/HTTP on http://{http_port().address}/v1/traces"
        )
        self.stdout.flush()


def grpc_port() -> Port:
    return Port(settings.HOST, settings.OTLP_GRPC_PORT, "OTLP_GRPC_PORT")


def http_port() -> Port:
    return Port(settings.HOST, settings.OTLP_HTTP_PORT, "OTLP_HTTP_PORT")


def grpc_address() -> str:
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    return f"{host}:{settings.OTLP_GRPC_PORT}"


def listen(port: Port) -> socket.socket:
    """Raises PortUnavailable with what to change."""
    family, address = resolve(port.host, port.number)
    try:
        return listening_socket(family, address)
    except OSError as error:
        raise PortUnavailable(port.explain(error)) from None
