"""The pages of operations: their numbers, their links, and what they say when empty."""

import time
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import OperationalError

from analysis.measured import OPERATION
from analysis.pages.operation import heatmap, series
from analysis.pages.windows import read_window
from analysis.results.reading import read_steps
from tests.builders import MS, SECOND, span, span_id, trace_id

HOSTILE = "<script>window.__x=1</script>\"'&"


def recent(number, ms=10, **more):
    """A span of a trace of its own that started two minutes ago."""
    start = time.time_ns() - 120 * SECOND
    return span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=start,
        ms=ms,
        **more,
    )


def content(client, url, **parameters):
    answer = client.get(url, parameters)
    return answer, answer.content.decode()


def test_a_services_operations_have_rate_errors_and_percentiles(client, analysed):
    analysed(
        *(recent(n, ms=n, name="slow", status_code=2 * (n == 5)) for n in range(1, 11)),
        recent(11, name="other", service="elsewhere"),
    )
    answer, page = content(client, "/operations", service="gateway")
    assert answer.status_code == 200
    (row,) = answer.context["rows"]
    assert (row.name, row.kind_name, row.count, row.failed) == ("slow", "server", 10, 1)
    assert row.quantile(0.5) == pytest.approx(5 * MS, rel=0.011)
    assert row.quantile(0.99) == pytest.approx(10 * MS, rel=0.011)
    assert "other" not in page


@pytest.mark.parametrize(
    "sort", ["name", "rate", "errors", "p50", "p99", "total", "nonsense"]
)
def test_operations_can_be_sorted(client, analysed, sort):
    analysed(recent(1, ms=5, name="a"), recent(2, ms=50, name="b"))
    answer, _ = content(client, "/operations", service="gateway", sort=sort)
    names = [row.name for row in answer.context["rows"]]
    assert names == (["a", "b"] if sort in ("name", "rate", "errors") else ["b", "a"])


def test_every_number_leads_to_its_traces(client, analysed):
    analysed(recent(1, ms=5), recent(2, ms=50, status_code=2))
    answer, _ = content(client, "/operations", service="gateway")
    (row,) = answer.context["rows"]
    found = client.get(f"/search{row.failed_search}").content.decode()
    assert trace_id(2).hex() in found
    assert trace_id(1).hex() not in found
    slower = parse_qs(urlsplit(row.slower(40 * MS)).query)
    assert slower["min_span_duration"] == ["40ms"]
    assert slower["service"] == ["gateway"]


def test_an_operation_has_its_percentiles_and_traces_to_look_at(client, analysed):
    analysed(*(recent(n, ms=n, status_code=2 * (n == 3)) for n in range(1, 8)))
    answer, page = content(
        client, "/operation", service="gateway", name="GET /", kind="server"
    )
    assert answer.status_code == 200
    assert answer.context["row"].count == 7
    assert f"/trace/{trace_id(7).hex()}" in page
    assert f"/trace/{trace_id(3).hex()}" in page


@pytest.mark.parametrize(
    ("asked", "ms"), [("30", 3), ("99.9", 10), ("0", 1), ("100", 10)]
)
def test_any_percentile_can_be_asked_for(client, analysed, asked, ms):
    analysed(*(recent(n, ms=n) for n in range(1, 11)))
    operation = {"service": "gateway", "name": "GET /", "kind": "server"}
    answer, _ = content(client, "/operation", percentile=asked, **operation)
    found = answer.context["asked"]
    assert found["nano"] == pytest.approx(ms * MS, rel=0.011)


@pytest.mark.parametrize("asked", ["", "x", "101", "-1", "nan", "9" * 400, "1e999"])
def test_what_is_no_percentile_is_told(client, analysed, asked):
    analysed(recent(1))
    operation = {"service": "gateway", "name": "GET /", "kind": "server"}
    answer, page = content(client, "/operation", percentile=asked, **operation)
    assert answer.context["asked"] is None
    assert ("a number from 0 to 100" in page) == bool(asked)


def test_the_series_of_an_operation_add_up(client, analysed):
    analysed(*(recent(n, ms=n, status_code=2 * (n == 3)) for n in range(1, 8)))
    answer = client.get(
        "/operation/series", {"service": "gateway", "name": "GET /", "kind": "server"}
    )
    found = answer.json()
    seconds = found["step_ms"] / 1000
    assert sum(found["ok_per_second"]) * seconds == pytest.approx(6)
    assert sum(found["failed_per_second"]) * seconds == pytest.approx(1)
    counts = found["heatmap"]["counts"]
    assert sum(map(sum, counts)) == 7
    assert len(counts) == len(found["heatmap"]["low_nano"])
    assert len(found["start_ms"]) == len(found["percentiles"]["p50"]) == len(counts[0])


def test_the_cells_of_a_heatmap_bound_what_is_in_them(rf, analysed):
    analysed(recent(1, ms=3), recent(2, ms=300))
    window = read_window(rf.get("/"), time.time_ns())
    steps = read_steps(OPERATION, ("gateway", "GET /", 2), window.minutes, window.step)
    cells = heatmap([step.histogram for step in steps])
    rows = [at for at, row in enumerate(cells["counts"]) if sum(row)]
    for at, ms in zip(rows, (3, 300), strict=True):
        assert cells["low_nano"][at] < ms * MS <= cells["high_nano"][at]
    assert series(window, steps)["heatmap"] == cells


def test_an_unnamed_service_and_span_have_pages_too(client, analysed):
    analysed(recent(1, service="", name=""))
    answer, page = content(client, "/operations", service="")
    assert "no service name" in page
    (row,) = answer.context["rows"]
    assert client.get(row.url).context["row"].count == 1
    assert trace_id(1).hex() in client.get(f"/search{row.search()}").content.decode()


def test_names_of_strangers_are_text(client, analysed):
    analysed(recent(1, service=HOSTILE, name=HOSTILE))
    answer, page = content(client, "/operations", service=HOSTILE)
    assert "<script>window" not in page
    (row,) = answer.context["rows"]
    assert "<script>window" not in client.get(row.url).content.decode()


def test_nothing_found_says_what_to_do(client, db):
    for url in ("/operations?service=x", "/operation?service=x&name=y&kind=server"):
        answer, page = content(client, url)
        assert answer.status_code == 200
        assert "Last 24 hours" in page


def test_what_is_still_to_be_analysed_is_said(client, store):
    from analysis.results.changes import mark, minute_of
    from analysis.results.measures import MINUTE

    mark(MINUTE, [minute_of(time.time_ns()) - 3])
    assert "still to be analysed" in content(client, "/operations", service="x")[1]


@pytest.mark.parametrize("url", ["/operations", "/operation", "/operation/series"])
def test_a_database_that_is_away_is_503(client, db, url):
    with patch("analysis.results.reading._rows", side_effect=OperationalError("gone")):
        assert client.get(url, {"service": "x"}).status_code == 503


@pytest.mark.parametrize(
    "range_", ["5m", "15m", "1h", "6h", "24h", "7d", "x", "9" * 99]
)
def test_every_range_is_cut_into_steps_that_fit_a_chart(rf, range_):
    window = read_window(rf.get("/", {"range": range_}), 1_790_000_123 * SECOND)
    length = window.minutes.last - window.minutes.first
    assert length <= 95 * window.step
    assert window.minutes.first % window.step == 0
