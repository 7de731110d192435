"""Pages say what was beyond the limits of a minute, and refuse too many rows."""

import time
from unittest.mock import patch

import pytest
from django.test import override_settings

from analysis.limits import OTHER_NAMES
from tests.builders import SECOND, span, span_id, trace_id

HOSTILE = "<script>window.__x=1</script>"
PAGES = ["/map", "/operations?service=gateway", "/bottlenecks", "/failures"]


@pytest.fixture
def many(analysed):
    start = time.time_ns() - 120 * SECOND
    with override_settings(ANALYSIS_MAX_NAMES_OF_SERVICE=2, ANALYSIS_MAX_EDGES=1):
        analysed(
            *(
                span(
                    trace_id=trace_id(n),
                    span_id=span_id(n),
                    start_time_unix_nano=start,
                    name=f"{HOSTILE}{n}",
                    status_code=2,
                    service=f"gateway{HOSTILE}" if n > 50 else "gateway",
                    attributes={"peer.service": f"{n}"},
                    kind=3,
                )
                for n in range(1, 61)
            )
        )


@pytest.mark.parametrize("url", [*PAGES, "/status", "/critical-path"])
def test_what_was_added_up_is_said(client, many, url):
    answer = client.get(url)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "at least" in page.lower()
    assert HOSTILE not in page


def test_the_rest_of_a_service_is_a_row_that_leads_to_all_its_traces(client, many):
    answer = client.get("/operations?service=gateway")
    row = next(each for each in answer.context["rows"] if each.name == OTHER_NAMES)
    assert row.count == 48
    assert "&name=" not in row.search()
    page = client.get(row.url).content.decode()
    assert "Ids belong in attributes" in page
    assert "What differs" not in page


@pytest.mark.parametrize("url", PAGES)
def test_too_many_rows_ask_for_a_shorter_time(client, many, url):
    with patch("analysis.results.reading.MOST_ROWS", 0):
        answer = client.get(url)
    assert answer.status_code == 503
    assert "choose a shorter time range" in answer.content.decode()
