"""`/api/v1/receivers`: the counts of the receivers page."""

import pytest
from django.utils import timezone

from tests.receivers.test_reports import OTLP, counted
from traces.receivers.reports import save_report

pytestmark = pytest.mark.django_db


@pytest.fixture
def get(client):
    return lambda url: client.get(f"/api/v1/{url}").json()


def test_it_answers_counts_by_encoding(get):
    started = timezone.now()
    counters = counted(10, bad=2)
    counters.lost[OTLP, "queue full"] += 3
    counters.unsent[OTLP, "too large"] += 4
    save_report("one", started, counters)
    assert get("receivers") == {
        "running": 1,
        "since_unix_nano": str(int(started.timestamp()) * 10**9),
        "encodings": [
            {
                "encoding": "otlp/protobuf",
                "received": 10,
                "stored": 8,
                "failed": 0,
                "rejected": {"bad": 2},
                "lost": {"queue full": 3},
                "unsent": {"too large": 4},
            }
        ],
    }


def test_before_any_report_it_is_empty(get):
    assert get("receivers") == {"running": 0, "since_unix_nano": None, "encodings": []}
