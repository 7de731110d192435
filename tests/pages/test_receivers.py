"""The receivers page: counts by encoding, reasons, losses, and where they listen."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.pages.test_trace_search import text_of
from tests.receivers.test_reports import OTLP, counted
from traces.models import IngestReport
from traces.receivers.reports import save_report

pytestmark = pytest.mark.django_db


def test_it_shows_what_arrived_and_why_spans_were_refused(browser):
    counters = counted(12_345, **{"trace_id is all zeros": 7})
    save_report("one", timezone.now(), counters)
    page = text_of(browser.get("/receivers"))
    for words in ("OTLP, protobuf", "12,345", "12,338", "trace_id is all zeros"):
        assert words in page
    assert "1 process running" in page


def test_lost_datagrams_are_told_in_a_notice(browser):
    counters = counted(1)
    counters.lost[OTLP, "sequence gap"] += 1_200
    save_report("one", timezone.now(), counters)
    page = text_of(browser.get("/receivers"))
    assert "1,200 datagrams" in page
    assert "sequence gap" in page


def test_spans_that_clients_could_not_send_are_told(browser):
    counters = counted(1)
    counters.unsent[OTLP, "the client's queue was full"] += 1_300
    save_report("one", timezone.now(), counters)
    page = text_of(browser.get("/receivers"))
    assert "What clients could not send" in page
    assert "1,300" in page


def test_without_losses_there_is_no_notice(browser):
    save_report("one", timezone.now(), counted(1))
    assert "notice" not in text_of(browser.get("/receivers"))


def test_silent_receivers_are_told(browser):
    save_report("one", timezone.now(), counted(1))
    IngestReport.objects.update(reported_at=timezone.now() - timedelta(minutes=5))
    assert "No receiver has reported for a minute" in text_of(browser.get("/receivers"))


def test_before_anything_arrived_it_says_where_to_send(browser):
    page = text_of(browser.get("/receivers"))
    assert "Nothing arrived in the last day" in page
    assert "http://127.0.0.1:4318/v1/traces" in page


def test_a_reason_is_shown_as_text(browser):
    save_report("one", timezone.now(), counted(1, **{"<script>x</script>": 1}))
    page = text_of(browser.get("/receivers"))
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_a_database_that_is_away_is_a_503_with_advice(browser):
    with mock.patch.object(
        IngestReport.objects, "filter", side_effect=OperationalError
    ):
        answer = browser.get("/receivers")
    assert answer.status_code == 503
    assert "The database does not answer" in text_of(answer)
