"""`manage.py ingest` as a process of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.receivers.messages import protobuf, span_message
from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS
from traces.receivers.listeners import open_ports
from tracing_ui.supervise.listening import RECEIVERS, Receiver, receiver_port

RECEIVER_VARIABLES = [receiver.variable for receiver in RECEIVERS]


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def ingest_process(folder: Path) -> Iterator[tuple[Any, int]]:
    ports = {name: free_port() for name in RECEIVER_VARIABLES}
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


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda each: each.variable)
def test_a_busy_port_is_named_with_its_setting(settings: Any, receiver: Receiver):
    for variable in RECEIVER_VARIABLES:
        setattr(settings, variable, free_port())
    port = receiver_port(receiver)
    assert port
    with (
        port.open(backlog=1),
        pytest.raises(CommandError, match=f"in use.*{receiver.variable}"),
    ):
        call_command("ingest")


def test_a_receiver_whose_port_is_0_is_switched_off(settings: Any):
    for variable in RECEIVER_VARIABLES:
        setattr(settings, variable, 0)
    settings.OTLP_HTTP_PORT = free_port()
    with ExitStack() as stack:
        assert [each.port.variable for each in open_ports(stack)] == ["OTLP_HTTP_PORT"]
