"""`GET /healthz`: ready, or which part is not."""

import os
import socket
import time

import pytest

from tracing_ui.supervise.listening import RECEIVERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def listeners(settings):
    for receiver in RECEIVERS:
        setattr(settings, receiver.variable, 0)
    anywhere = ("127.0.0.1", 0)
    with socket.create_server(anywhere) as grpc, socket.create_server(anywhere) as http:
        settings.OTLP_GRPC_PORT = grpc.getsockname()[1]
        settings.OTLP_HTTP_PORT = http.getsockname()[1]
        yield grpc, http


@pytest.fixture
def heartbeat(settings, tmp_path):
    settings.WORKER_HEARTBEAT_FILE = tmp_path / "worker.heartbeat"
    settings.WORKER_HEARTBEAT_FILE.touch()
    return settings.WORKER_HEARTBEAT_FILE


def not_ready(response):
    checks = response.json()["checks"]
    return [name for name, state in checks.items() if state != "ready"]


def test_200_when_all_is_ready(client, listeners, heartbeat):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": dict.fromkeys(
            ["database", "data_folder", "ingest", "worker"], "ready"
        ),
    }


def test_503_when_a_receiver_does_not_listen(client, listeners, heartbeat):
    listeners[1].close()
    response = client.get("/healthz")
    assert response.status_code == 503
    assert not_ready(response) == ["ingest"]


def test_503_when_the_worker_never_started(client, listeners, heartbeat):
    heartbeat.unlink()
    assert not_ready(client.get("/healthz")) == ["worker"]


def test_503_when_the_worker_has_been_silent(client, listeners, heartbeat):
    an_hour_ago = time.time() - 3600
    os.utime(heartbeat, (an_hour_ago, an_hour_ago))
    assert not_ready(client.get("/healthz")) == ["worker"]


def test_503_when_the_data_folder_is_gone(
    client, listeners, heartbeat, settings, tmp_path
):
    settings.DATA_DIR = tmp_path / "gone"
    assert not_ready(client.get("/healthz")) == ["data_folder"]


def test_503_when_the_database_does_not_answer(
    client, listeners, heartbeat, monkeypatch
):
    from django.db import OperationalError, connection

    def refuse():
        raise OperationalError("password=s3cret")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert not_ready(response) == ["database"]
    assert b"s3cret" not in response.content


def test_a_web_only_machine_looks_at_less(client, settings, heartbeat):
    settings.HEALTH_CHECKS = ["database", "data_folder"]
    assert client.get("/healthz").status_code == 200


def test_it_only_reads(client):
    assert client.post("/healthz").status_code == 405
