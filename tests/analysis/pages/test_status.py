"""The status page: how far the work is, and what stands in its way."""

from unittest.mock import patch

from django.db import OperationalError

from analysis.models import ChangedMinute
from analysis.results.changes import claim, mark, put_off
from analysis.results.measures import MINUTE
from tests.builders import span


def test_it_says_how_far_the_analysis_is(client, analysed):
    analysed(span(), span())
    answer = client.get("/status")
    progress = answer.context["progress"]
    assert (progress.minutes, progress.spans, progress.waiting) == (1, 2, 0)
    assert progress.cpu_seconds > 0


def test_a_minute_that_fails_is_named_with_the_reason(client, db):
    mark(MINUTE, [29_000_000])
    ChangedMinute.objects.update(changed_at="2026-01-01T00:00Z")
    put_off(claim(), "<b>too much memory</b>")
    page = client.get("/status").content.decode()
    assert "&lt;b&gt;too much memory" in page


def test_a_worker_that_is_gone_is_said(client, db):
    with patch("analysis.pages.status.worker_is_alive", return_value=False):
        assert "manage.py analyze" in client.get("/status").content.decode()


def test_many_waiting_minutes_are_a_warning(client, db):
    mark(MINUTE, range(29_000_000, 29_000_100))
    with patch("analysis.pages.status.worker_is_alive", return_value=True):
        assert "lags behind" in client.get("/status").content.decode()


def test_a_database_that_is_away_is_503(client, db):
    with patch(
        "analysis.results.progress.AnalysedMinute.objects.filter",
        side_effect=OperationalError("gone"),
    ):
        assert client.get("/status").status_code == 503
