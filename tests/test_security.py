"""Security headers: present whatever is answered, and strict."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from tracing_ui.security import CONTENT_SECURITY_POLICY, SECURITY_HEADERS


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [path("broken", broken)]


def assert_protected(response):
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value


def test_a_page_that_is_not_there_is_protected(client):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert_protected(response)


def test_a_static_file_is_protected(client):
    response = client.get("/static/vendor/plotly/plotly.min.js")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert_protected(response)


@override_settings(ROOT_URLCONF="tests.test_security")
def test_a_crash_is_protected_and_tells_nothing(client):
    client.raise_request_exception = False
    response = client.get("/broken")
    assert response.status_code == 500
    assert b"on purpose" not in response.content
    assert_protected(response)


def test_a_wrong_host_is_refused_and_protected(client):
    response = client.get("/no/such/page", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert_protected(response)


@pytest.mark.parametrize("word", ["unsafe-inline", "unsafe-eval", "*", "http"])
def test_the_policy_has_no_loophole(word):
    assert word not in CONTENT_SECURITY_POLICY
