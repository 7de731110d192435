"""`manage.py serve` as a person runs it: start, refuse a second, stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core.management import get_commands

from tracing_ui.supervise.listening import PORT_VARIABLES
from tracing_ui.supervise.lock import DataFolderInUse, lock_data_folder
from tracing_ui.supervise.ports import Port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120


def free_ports(count):
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


@pytest.fixture
def environ(tmp_path):
    ports = dict(
        zip(PORT_VARIABLES, map(str, free_ports(len(PORT_VARIABLES))), strict=True)
    )
    return {**os.environ, **ports, "DATA_DIR": str(tmp_path / "data")}


def serve(environ):
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(environ):
    process = serve(environ)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def health(environ):
    """The checks of /healthz by name; empty while nothing answers."""
    url = f"http://127.0.0.1:{environ['WEB_PORT']}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return json.load(response)["checks"]
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)["checks"]
    except OSError:
        return {}


def expected_parts():
    parts = {"database", "data_folder", "worker"}
    return parts | ({"ingest"} if "ingest" in get_commands() else set())


def await_ready(environ, process):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        ready = {name for name, state in health(environ).items() if state == "ready"}
        if ready >= expected_parts():
            return
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"only {ready} became ready"
        time.sleep(0.2)


def stop(process, number=signal.SIGINT):
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE_SECONDS)


def test_it_starts_says_where_it_is_and_stops_cleanly(environ, server):
    await_ready(environ, server)
    out, err = stop(server)
    assert server.returncode == 0, err
    assert f"http://127.0.0.1:{environ['WEB_PORT']}" in out
    assert f"http://127.0.0.1:{environ['OTLP_HTTP_PORT']}/v1/traces" in out
    assert environ["DATA_DIR"] in out
    assert out.rstrip().endswith("Stopped.")
    assert "starts again" not in out


def test_a_second_server_on_the_same_data_folder_is_refused(environ, server):
    await_ready(environ, server)
    elsewhere = dict(
        zip(PORT_VARIABLES, map(str, free_ports(len(PORT_VARIABLES))), strict=True)
    )
    second = serve({**environ, **elsewhere})
    _, err = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 1
    assert f"Another server is running on {environ['DATA_DIR']}" in err
    assert "Traceback" not in err
    stop(server, signal.SIGTERM)
    assert server.returncode == 0


def test_a_busy_port_is_one_clear_line(environ):
    with socket.create_server(("127.0.0.1", int(environ["OTLP_HTTP_PORT"]))):
        process = serve(environ)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert f"Port {environ['OTLP_HTTP_PORT']} on 127.0.0.1 is in use" in err
    assert "OTLP_HTTP_PORT" in err
    assert len(err.splitlines()) == 1
    assert out == ""


def test_nothing_is_left_running_after_the_supervisor_is_killed(environ, server):
    await_ready(environ, server)
    server.kill()
    server.wait()
    # The children hold the lock until the last of them has drained.
    await_lock(Path(environ["DATA_DIR"]))
    for name in PORT_VARIABLES:
        Port("127.0.0.1", int(environ[name]), name).require_free()


def await_lock(data_dir):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return lock_data_folder(data_dir).close()
        except DataFolderInUse:
            assert time.monotonic() < deadline, "a child still holds the data folder"
            time.sleep(0.2)
