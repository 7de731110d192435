"""The critical path page: entries to choose from, the profile of one, what would help."""

import re
import time
from html import unescape
from itertools import pairwise
from unittest.mock import patch

import pytest
from django.db import OperationalError
from hypothesis import given

from analysis.pages.critical_path import whole_percent
from analysis.pages.flame import flame, with_below
from analysis.pages.profile_rows import ProfilePage, operation_rows
from analysis.profile import ALL, profile
from analysis.results import profiles
from tests.analysis.pages.test_operations import recent
from tests.analysis.plain import forest, forests
from tests.analysis.test_profile import hundred
from tests.builders import MS, SECOND, batch, span, span_id, trace_id
from traces.store.base import QueryTooExpensive
from traces.store.current import use_store
from traces.store.memory import MemoryStore

PAGE = "/critical-path"
ENTRY = {"service": "gateway", "name": "GET /"}
HOSTILE = "<script>window.__x=1</script>\"'&"


def checkout(number, ms, **more):
    """A request of `ms` milliseconds, the first half of it a call of payment."""
    start = time.time_ns() - 120 * SECOND
    shared = {"trace_id": trace_id(number), "start_time_unix_nano": start}
    first, second = span_id(2 * number), span_id(2 * number + 1)
    return (
        span(**shared, span_id=first, ms=ms, **more),
        span(
            **shared,
            span_id=second,
            parent_span_id=first,
            name="charge",
            service="payment",
            duration_nano=ms * MS // 2,
        ),
    )


@pytest.fixture
def memory():
    with use_store(MemoryStore()) as memory:
        yield memory


@pytest.fixture
def shop(memory):
    """100 requests of 2, 4 … 200 ms."""
    for number in range(1, 101):
        memory.write(batch(*checkout(number, 2 * number)))


def content(client, **parameters):
    answer = client.get(PAGE, parameters)
    return answer, answer.content.decode()


def test_entries_are_the_operations_that_traces_begin_with(client, analysed):
    analysed(*checkout(1, 10), *checkout(2, 20, status_code=2))
    answer, page = content(client)
    ((row, url),) = answer.context["entries"]
    assert (row.service_name, row.name, row.count, row.failed) == (
        "gateway",
        "GET /",
        2,
        1,
    )
    assert "charge" not in page
    assert client.get(url).context["count"] == 2


def test_paths_are_ranked_by_what_requests_waited_for(client, shop):
    answer, _ = content(client, **ENTRY)
    rows = answer.context["rows"]
    assert {row.step.name: row.nano for row in rows} == {
        "GET /": 50.5 * MS,
        "charge": 50.5 * MS,
    }
    assert sum(row.nano for row in rows) == answer.context["mean_nano"]
    assert sum(row.part for row in rows) == pytest.approx(1)
    charge = next(row for row in rows if row.step.name == "charge")
    assert (charge.slowest, charge.typical) == (trace_id(100).hex(), trace_id(50).hex())
    assert f"/trace/{charge.slowest}?path=1" in answer.content.decode()


@pytest.mark.parametrize(
    ("band", "mean_ms"),
    [("all", 101), ("0-50", 51), ("50-90", 141), ("90-99", 190), ("99-100", 200)],
)
def test_each_band_adds_up_to_its_mean(client, shop, band, mean_ms):
    answer, _ = content(client, band=band, **ENTRY)
    assert answer.context["mean_nano"] == pytest.approx(mean_ms * MS)
    total = sum(row.nano for row in answer.context["rows"])
    assert total == pytest.approx(mean_ms * MS)


def test_the_difference_adds_up_to_that_of_the_means(client, shop):
    context = content(client, band="difference", **ENTRY)[0].context
    assert (context["before"], context["after"]) == ("0-50", "99-100")
    assert context["delta_nano"] == pytest.approx(149 * MS)
    total = sum(row.delta_nano for row in context["change_rows"])
    assert total == pytest.approx(149 * MS)
    assert {box.color for box in context["boxes"]} == {"grew-4"}


def test_kinds_of_work_add_up_to_the_mean(client, memory):
    database = {"kind": 3, "attributes": {"db.system.name": "postgresql"}}
    rows = checkout(1, 10)
    memory.write(batch(rows[0], rows[1] | database))
    parts = content(client, **ENTRY)[0].context["parts"]
    assert {(part.label, part.service_name): part.nano for part in parts} == {
        ("own code", "gateway"): 5 * MS,
        ("databases", ""): 5 * MS,
    }


def test_a_band_with_too_few_requests_says_so(client, memory):
    memory.write(batch(*checkout(1, 10)))
    for band, told in (
        ("99-100", "No request falls"),
        ("difference", "nothing to compare"),
    ):
        answer, page = content(client, band=band, **ENTRY)
        assert answer.status_code == 200
        assert told in page


def test_a_focus_cuts_the_flame_graph(client, shop):
    boxes = content(client, **ENTRY)[0].context["boxes"]
    key = next(box.key for box in boxes if box.step.name == "charge")
    context = content(client, focus=key, **ENTRY)[0].context
    assert [box.step.name for box in context["boxes"]] == ["charge"]
    assert context["boxes"][0].box.width == 100
    for unknown in ("", "x", "f" * 32):
        assert len(content(client, focus=unknown, **ENTRY)[0].context["boxes"]) == 2


def test_a_faster_operation_moves_the_percentiles(client, shop):
    operations = content(client, **ENTRY)[0].context["operations"]
    charge = next(row for row in operations if row.step.name == "charge")
    assert charge.gain_nano == charge.nano == 50.5 * MS
    context = content(client, operation=charge.key, percent="100", **ENTRY)[0].context
    assert context["now"].p50 == 100 * MS
    assert context["then"].p50 == 50 * MS
    assert context["then"].mean == 50.5 * MS


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1), ("100", 100), ("0", 50), ("101", 50), ("-5", 50), ("x", 50), ("", 50),
     ("9" * 5000, 50), ("²", 50)],
)  # fmt: skip
def test_a_percent_is_from_1_to_100(text, expected):
    assert whole_percent(text) == expected


def test_an_operation_that_begins_no_trace_says_where_to_look(client, shop):
    for service, told in (
        ("payment", "below another operation"),
        ("x", "not seen at all"),
    ):
        answer, page = content(client, service=service, name="charge")
        assert answer.status_code == 200
        assert told in page


def test_a_sample_is_told(client, shop, monkeypatch):
    monkeypatch.setattr(profiles, "MOST_SPANS", 100)
    answer, page = content(client, **ENTRY)
    one_in = answer.context["profiled"].one_in
    assert one_in > 1
    assert f"One in {one_in} was looked at" in page
    assert 0 < answer.context["count"] <= 50


def test_traces_that_are_too_large_are_told(client, shop, monkeypatch):
    monkeypatch.setattr(profiles, "MOST_SPANS", 1)
    assert "none fits the limit" in content(client, **ENTRY)[1]


def test_requests_whose_caller_is_missing_are_told(client, memory):
    memory.write(batch(recent(1, parent_span_id=span_id(99))))
    assert "a parent that is not stored" in content(client, **ENTRY)[1]


def test_a_profile_is_kept_for_the_next_look_at_it(client, shop):
    with patch.object(profiles, "_profiled", wraps=profiles._profiled) as read:
        for band in ("all", "0-50", "difference"):
            content(client, band=band, **ENTRY)
    assert read.call_count <= 2  # a minute may pass between two looks


def test_names_of_strangers_are_text(client, memory):
    memory.write(batch(*checkout(1, 10, name=HOSTILE, service=HOSTILE)))
    answer, page = content(client, service=HOSTILE, name=HOSTILE)
    assert answer.context["count"] == 1
    assert "<script>window" not in page
    for key in re.findall(r'href="(\?[^"#]*)', page):
        assert client.get(PAGE + unescape(key)).status_code == 200


def test_nothing_found_says_what_to_do(client, db):
    answer, page = content(client)
    assert answer.status_code == 200
    assert "Last 24 hours" in page


def test_what_is_away_or_too_dear_is_503(client, memory):
    with patch("analysis.results.reading._rows", side_effect=OperationalError("gone")):
        assert content(client)[0].status_code == 503
    with patch.object(memory, "get_sample", side_effect=QueryTooExpensive("dear")):
        answer, page = content(client, service="x", name="y")
    assert answer.status_code == 503
    assert "shorter time range" in page


@given(forests())
def test_boxes_lie_within_their_parents_and_beside_their_siblings(rows):
    found = profile(forest(*rows), "a", "x")
    if not len(found.paths):
        return
    own = found.sums.on_path_nano[:, ALL]
    total = with_below(found.paths, own)
    assert total[0] == pytest.approx(own.sum())
    boxes = {box.path: box for box in flame(found.paths, own, total, 0).boxes}
    for path, box in boxes.items():
        above = boxes.get(int(found.paths.parent[path]))
        if above:
            assert above.x <= box.x + 0.001
            assert box.x + box.width <= above.x + above.width + 0.01
            assert box.y == above.y + 20
    rows_of_boxes = sorted((box.y, box.x, box.width) for box in boxes.values())
    for (y, x, width), (next_y, next_x, _) in pairwise(rows_of_boxes):
        assert y != next_y or x + width <= next_x + 0.01


def test_only_the_first_operations_are_replayed():
    page = ProfilePage(profile(hundred(), "a", "entry"))
    assert [row.gain_nano is None for row in operation_rows(page)] == [False, False]
