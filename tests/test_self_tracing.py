"""I4: the web process's own spans hold no secrets, and there are none when off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from tests.propagation.headers import SPAN_ID, TRACE_ID, TRACEPARENT, ids_of
from tracing_ui import self_tracing

ROOT = Path(__file__).resolve().parent.parent
CANARY = "s3cr3t-canary"


def order(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(get_current_span().get_span_context().span_id)


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(CANARY)


urlpatterns = [path("orders/<int:number>", order), path("broken", broken)]


@pytest.fixture
def spans(settings, monkeypatch):
    """The finished spans of a site that traces itself."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(self_tracing, "provider", lambda: provider)
    middleware = list(settings.MIDDLEWARE)
    place = middleware.index("tracing_ui.staticfiles.StaticFilesMiddleware") + 1
    middleware.insert(place, "tracing_ui.self_tracing.self_tracing")
    settings.MIDDLEWARE = middleware
    settings.ROOT_URLCONF = "tests.test_self_tracing"
    return exporter.get_finished_spans


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


def test_a_request_is_a_server_span_with_todays_attribute_names(client, spans):
    response = client.get("/orders/7")
    (span,) = spans()
    assert span.name == "GET /orders/<int:number>"
    assert span.kind is SpanKind.SERVER
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/orders/<int:number>",
        "url.path": "/orders/7",
        "url.scheme": "http",
    }
    assert span.parent is None
    assert response.content == str(span.context.span_id).encode()


def test_it_continues_the_callers_trace(client, spans):
    headers = {"traceparent": TRACEPARENT, "tracestate": "congo=1"}
    client.get("/orders/7", headers=headers)
    (span,) = spans()
    assert ids_of(span.parent) == (TRACE_ID, SPAN_ID, 1)
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert span.context.trace_state.to_header() == "congo=1"


@pytest.mark.parametrize("value", [TRACEPARENT[:-1], f"{TRACEPARENT},{TRACEPARENT}"])
def test_c15_a_faulty_traceparent_begins_a_trace(client, spans, value):
    client.get("/orders/7", headers={"traceparent": value})
    (span,) = spans()
    assert span.parent is None


def test_what_the_caller_does_not_record_is_not_recorded(client, spans):
    client.get("/orders/7", headers={"traceparent": TRACEPARENT[:-1] + "0"})
    assert not spans()


def test_an_address_that_is_not_there_has_no_route(client, spans, settings):
    settings.ROOT_URLCONF = "tracing_ui.urls"  # its 404 page links to the others
    client.get("/nowhere")
    (span,) = spans()
    assert span.name == "GET"
    assert span.attributes["http.response.status_code"] == 404
    assert "http.route" not in span.attributes
    assert span.status.status_code is StatusCode.UNSET


def test_a_method_that_nobody_knows_is_other(client, spans):
    client.generic("BREW", "/nowhere")
    (span,) = spans()
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"


def test_a_crash_is_an_error_whose_text_is_not_told(client, spans):
    client.get("/broken")
    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "500"
    assert not span.events
    assert CANARY.encode() not in encode_spans([span]).SerializeToString()


def test_a_static_file_makes_no_span(client, spans):
    assert client.get("/static/css/base.css").status_code == 200
    assert not spans()


def test_i4_no_secret_of_a_request_is_in_a_span(client, spans):
    client.cookies["sessionid"] = CANARY
    headers = {
        "authorization": f"Bearer {CANARY}",
        "user-agent": CANARY,
        "referer": f"http://localhost/?token={CANARY}",
        "baggage": f"token={CANARY}",
    }
    client.post(f"/orders/7?token={CANARY}", {"password": CANARY}, headers=headers)
    client.get("/orders/7", headers={"host": f"{CANARY}.example"})
    encoded = encode_spans(spans()).SerializeToString()
    assert b"/orders/7" in encoded
    assert CANARY.encode() not in encoded


SERVE_ONE_REQUEST = """
import sys
import tracing_ui.asgi
from django.test import Client
assert Client().get("/nowhere").status_code == 404
"""
IMPORT_INGEST = """
import sys, django
django.setup()
import traces.management.commands.ingest
"""
SDK_IS_LOADED = '\nprint("opentelemetry.sdk" in sys.modules)'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("process", "setting", "loaded"),
    [
        (SERVE_ONE_REQUEST, "", "False"),
        (SERVE_ONE_REQUEST, "off", "False"),
        (SERVE_ONE_REQUEST, "on", "True"),
        (IMPORT_INGEST, "on", "False"),
    ],
)
def test_i4_the_sdk_is_loaded_only_by_a_web_process_that_traces_itself(
    tmp_path, process, setting, loaded
):
    # Port 1: the one span that is made finds nobody, which costs the test a moment.
    environ = os.environ | {"DATA_DIR": str(tmp_path), "OTLP_HTTP_PORT": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", process + SDK_IS_LOADED],
        env=environ | {"SELF_TRACING": setting, "ALLOWED_HOSTS": "testserver"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout.strip() == loaded, ended.stderr


@pytest.mark.slow
def test_without_a_receiver_to_send_to_it_is_refused(tmp_path):
    settings = {"SELF_TRACING": "1", "OTLP_HTTP_PORT": "0", "DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "expected OTLP_HTTP_PORT to be on" in ended.stderr
