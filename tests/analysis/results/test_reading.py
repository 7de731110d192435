"""Measures are the same in however many questions they are read."""

import pytest

from analysis.measured import CAUSE, OPERATION
from analysis.results import batches, reading
from analysis.results.changes import minute_of
from analysis.results.reading import (
    Minutes,
    first_minutes,
    read_counts,
    read_measures,
)
from tests.builders import T0, span, span_id, trace_id
from traces.store.base import QueryTooExpensive

EVER = Minutes(minute_of(T0), minute_of(T0) + 600)


@pytest.fixture
def five(analysed):
    """Five operations, the number of each in so many minutes."""
    analysed(
        *(
            span(
                trace_id=trace_id(n * 10 + m),
                span_id=span_id(1),
                name=f"GET /{n}",
                start_ms=m * 60_000,
                status_code=2,
            )
            for n in range(1, 6)
            for m in range(n)
        )
    )


@pytest.mark.parametrize(("at_once", "most_numbered"), [(2, 9), (5, 5), (2, 4)])
def test_in_one_question_or_many(five, monkeypatch, at_once, most_numbered):
    expected = read_measures(OPERATION, EVER), first_minutes(CAUSE)
    monkeypatch.setattr(batches, "AT_ONCE", at_once)
    monkeypatch.setattr(reading, "_MOST_NUMBERED", most_numbered)
    found = read_measures(OPERATION, EVER)
    assert [each.merged.count for each in found] == [1, 2, 3, 4, 5]
    assert [each.count for each in read_counts(OPERATION, EVER)] == [1, 2, 3, 4, 5]
    assert [each.fields for each in found] == [each.fields for each in expected[0]]
    assert len(expected[1]) == 5
    assert first_minutes(CAUSE) == expected[1]


def test_too_many_rows_are_refused_over_all_questions_together(five, monkeypatch):
    monkeypatch.setattr(batches, "AT_ONCE", 2)
    monkeypatch.setattr(reading, "MOST_ROWS", 15)
    read_measures(OPERATION, EVER)
    monkeypatch.setattr(reading, "MOST_ROWS", 14)
    with pytest.raises(QueryTooExpensive, match="choose a shorter time range"):
        read_measures(OPERATION, EVER)
