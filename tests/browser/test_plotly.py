"""Charts under our Content-Security-Policy, in a real browser."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.test_plotly"),
]

DRAW = """async () => {
    const chart = document.getElementById("chart");
    const points = {type: "scatter", mode: "markers", x: [1, 2, 3], y: [3, 1, 2]};
    const layout = {width: 600, height: 400, dragmode: "select"};
    await Plotly.newPlot(chart, [points], layout, {displayModeBar: false});
}"""


def chart_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        "<!doctype html><title>chart</title><link rel=icon href=data:,>"
        + render_to_string("_plotly.html")
        + "<div id=chart></div>"
    )


urlpatterns = [path("chart", chart_page)]


def test_a_scatter_is_drawn_without_a_report(page, live_server):
    page.goto(f"{live_server.url}/chart")
    page.evaluate(DRAW)
    assert page.locator("#chart .point").count() == 3
    # Our own sheet is in force: without it the layers stand below one another.
    assert (
        page.locator("#chart .main-svg").first.evaluate(
            "svg => getComputedStyle(svg).position"
        )
        == "absolute"
    )
    assert page.locator("style").count() == 0
