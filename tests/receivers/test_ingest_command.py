"""`manage.py ingest` as a process of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.receivers.messages import protobuf, span_message
from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def ingest_process(folder: Path) -> Iterator[tuple[Any, int]]:
    ports = {"OTLP_GRPC_PORT": free_port(), "OTLP_HTTP_PORT": free_port()}
    environment = os.environ | {name: str(port) for name, port in ports.items()}
    environment["DATA_DIR"] = str(folder)
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    with subprocess.Popen(
        [*manage, "ingest"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, ports["OTLP_HTTP_PORT"]
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_takes_spans_and_stops_in_order(
    tmp_path: Path, number: signal.Signals
):
    with ingest_process(tmp_path) as (process, port):
        assert f":{port}/v1/traces" in process.stdout.readline()
        connection = http.client.HTTPConnection(LOOPBACK, port, PATIENCE_SECONDS)
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", "/v1/traces", protobuf(span_message()), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0
        connection.close()


@pytest.mark.parametrize("setting", ["OTLP_GRPC_PORT", "OTLP_HTTP_PORT"])
def test_a_busy_port_is_named_with_its_setting(settings: Any, setting: str):
    settings.OTLP_GRPC_PORT, settings.OTLP_HTTP_PORT = free_port(), free_port()
    with (
        socket.create_server((LOOPBACK, getattr(settings, setting))),
        pytest.raises(CommandError, match=f"in use.*{setting}"),
    ):
        call_command("ingest")
