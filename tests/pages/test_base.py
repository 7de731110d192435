"""What every page has, and the pages for errors."""

import pytest
from django.template.loader import render_to_string


def test_every_page_has_its_navigation_and_the_policy(browser, store):
    answer = browser.get("/services")
    page = answer.content.decode()
    assert '<a href="/services" aria-current="page">Services</a>' in page
    assert '<a href="/search">Search</a>' in page
    assert 'action="/find"' in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_an_unknown_address_gets_a_page_that_leads_on(browser):
    answer = browser.get("/no/such/page")
    assert answer.status_code == 404
    assert b"There is nothing at this address" in answer.content
    assert b'href="/search"' in answer.content


@pytest.mark.parametrize("status", [400, 403, "403_csrf", 404, 500])
def test_an_error_page_needs_nothing_of_the_request(status):
    page = render_to_string(f"{status}.html")
    assert "/search" in page or 'href="/"' in page
    assert " style=" not in page


def test_the_theme_is_chosen_before_the_first_paint(browser, store):
    page = browser.get("/services").content.decode()
    assert '<script src="/static/js/early.js"></script>' in page
    assert page.index("early.js") < page.index("<body>")


def test_more_parameters_than_any_form_has_are_a_400(browser, store):
    assert browser.get("/search?" + "a=1&" * 2000).status_code == 400
