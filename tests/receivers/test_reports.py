"""What the ingest processes counted, added up over processes and restarts."""

from collections import Counter
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.receivers.serving import await_until
from traces.models import IngestReport
from traces.receivers import reports
from traces.receivers.counters import Counters
from traces.receivers.encodings import Encoding
from traces.receivers.verdict import Verdict

OTLP = Encoding.OTLP_PROTOBUF


def counted(spans: int, **rejected: int) -> Counters:
    counters = Counters()
    counters.count_verdict(OTLP, Verdict(spans, Counter(rejected)))
    return counters


@pytest.mark.django_db
def test_reports_of_several_processes_add_up():
    started = timezone.now()
    reports.save_report("one", started, counted(10, bad=2))
    reports.save_report("two", started - timedelta(hours=1), counted(5, bad=1))

    received = reports.read_received()
    totals = received.totals[OTLP]
    assert (totals.received, totals.stored) == (15, 12)
    assert totals.rejected == {"bad": 3}
    assert received.since == started - timedelta(hours=1)
    assert received.running == 2


@pytest.mark.django_db
def test_a_later_report_replaces_the_earlier_of_the_same_process():
    counters = counted(10)
    reports.save_report("one", timezone.now(), counters)
    counters.lost[OTLP, "queue full"] += 3
    reports.save_report("one", timezone.now(), counters)

    totals = reports.read_received().totals[OTLP]
    assert totals.received == 10
    assert totals.lost == {"queue full": 3}


@pytest.mark.django_db
def test_who_stopped_is_counted_for_a_day_but_does_not_run():
    reports.save_report("one", timezone.now(), counted(10))
    IngestReport.objects.update(reported_at=timezone.now() - timedelta(hours=2))
    received = reports.read_received()
    assert received.running == 0
    assert received.totals[OTLP].received == 10

    IngestReport.objects.update(reported_at=timezone.now() - timedelta(hours=25))
    assert reports.read_received().totals == {}
    reports.save_report("two", timezone.now(), counted(1))
    assert [report.name for report in IngestReport.objects.all()] == ["two"]


@pytest.mark.django_db
def test_nothing_reported_yet_is_no_error():
    received = reports.read_received()
    assert (received.totals, received.since, received.running) == ({}, None, 0)


def test_a_database_that_is_away_costs_a_report_and_nothing_else():
    with mock.patch.object(
        IngestReport.objects, "update_or_create", side_effect=OperationalError("away")
    ):
        reports.save_report("one", timezone.now(), counted(1))


def is_reported() -> bool:
    try:
        return IngestReport.objects.exists()
    except OperationalError:
        # Two threads on SQLite in memory do not wait for one another.
        return False


@pytest.mark.django_db(transaction=True)
def test_a_process_reports_while_it_runs_and_at_its_end(monkeypatch):
    monkeypatch.setattr(reports, "REPORT_SECONDS", 0.01)
    counters = counted(1)
    with reports.reporting(counters):
        await_until(is_reported)
        counters.count_verdict(OTLP, Verdict(1))
    assert reports.read_received().totals[OTLP].received == 2
