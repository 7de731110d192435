"""Traces of an hour against those before: who is slower than usual."""

import pytest

from analysis.measured import OFFENDER
from analysis.results.measures import HOUR
from analysis.results.reading import Minutes, read_measures
from analysis.results.slower import read_slower
from tests.analysis.results.test_minutes import FIRST, START
from tests.builders import MS, SECOND, span, span_id, trace_id

NOW = Minutes(FIRST + HOUR, FIRST + HOUR + 1)
USUAL_MS = {"front": 4, "gap": 2, "pay": 20, "mail": 30}


def request(number, at, failed="", **changed_ms):
    """front calls pay, over a gap before and after, and then mail."""
    ms = USUAL_MS | changed_ms
    start = START + int(at * SECOND) + number * 100 * MS
    own, gap, pay, mail = (ms[key] for key in ("front", "gap", "pay", "mail"))
    steps = [  # (name, service, kind, parent, from, length)
        ("GET /", "front", 2, 0, 0, 2 * own + 2 * gap + pay + mail + 4),
        ("call pay", "front", 3, 1, own, 2 * gap + pay),
        ("POST /pay", "pay", 2, 2, own + gap, pay),
        ("call mail", "front", 3, 1, own + 2 * gap + pay, mail + 4),
        ("POST /mail", "mail", 2, 4, own + 2 * gap + pay + 2, mail),
    ]
    base = number * 10 + int(at) * 10_000
    return [
        span(
            trace_id=trace_id(base),
            span_id=span_id(base + place),
            parent_span_id=span_id(base + above) if above else None,
            name=name,
            service=service,
            kind=kind,
            start_time_unix_nano=start + int(begin * MS),
            ms=length,
            status_code=2 * (service == failed),
        )
        for place, (name, service, kind, above, begin, length) in enumerate(steps, 1)
    ]


def named(analysed, **now):
    before = [row for n in range(40) for row in request(n, 60)]
    recent = [row for n in range(40) for row in request(n, 3600, **now)]
    analysed(*before)
    analysed(*recent)
    return read_slower(NOW, read_measures(OFFENDER, NOW))


def test_a_slow_service_is_first_with_a_trace(store, analysed):
    ((found, exemplars),) = named(analysed, pay=100).found
    assert (found.service, found.callee, found.name) == ("pay", "", "POST /pay")
    assert found.excess_nano == pytest.approx(79 * MS, rel=0.03)
    assert found.usual_p95_nano == pytest.approx(20 * MS, rel=0.011)
    which, nano, trace, _ = exemplars[0]
    assert (which, nano) == ("longest", 100 * MS)
    assert len(trace) == 32


def test_a_slow_way_is_first_though_nobody_is_slow_at_its_ends(store, analysed):
    ((found, exemplars),) = named(analysed, gap=40).found
    assert (found.service, found.callee) == ("front", "pay")
    assert exemplars


@pytest.mark.parametrize("now", [{}, {"failed": "pay"}, {"failed": "front"}])
def test_errors_alone_are_nobodys_slowness(store, analysed, now):
    slower = named(analysed, **now)
    assert slower.is_usual_known
    assert slower.found == []


def test_without_a_time_before_nothing_is_unusual(store, analysed):
    analysed(*(row for n in range(40) for row in request(n, 3600)))
    slower = read_slower(NOW, read_measures(OFFENDER, NOW))
    assert not slower.is_usual_known
    assert slower.found == []


def test_the_page_shows_it_at_its_top(store, analysed, client, monkeypatch):
    named(analysed, pay=100)
    now = START + 3600 * SECOND + 60 * SECOND
    monkeypatch.setattr("analysis.pages.bottlenecks.time.time_ns", lambda: now)
    page = client.get("/bottlenecks?range=15m").content.decode()
    assert "Slower than usual" in page
    assert "pay costs a request 79 ms more than usual" in page
