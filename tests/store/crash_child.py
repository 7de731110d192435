"""Run by test_crash as a process of its own, to be killed at CRASH_AT."""

import os
import sys
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from tests.builders import SECOND, batch, span, span_id, trace_id  # noqa: E402
from tests.store.segment_builders import compacted  # noqa: E402
from traces.store.retention import RetentionSettings, retain  # noqa: E402
from traces.store.segments import SegmentStore  # noqa: E402


def act(store: SegmentStore, action: str) -> None:
    if action.startswith("write"):
        write(store, int(action.split(":")[1]))
    elif action == "compact":
        compacted(store, grace=timedelta(0), orphan_after_seconds=-1)
    elif action == "retain":
        chosen = RetentionSettings(timedelta(days=7), 0, timedelta(0))
        retain(store.files, chosen)
    elif action == "recover":
        store.recover()
    elif action == "see":
        see(store)
    elif action == "verify":
        call_command("verify")


def see(store: SegmentStore) -> None:
    rows = store.get_traces([trace_id(number) for number in range(200)])
    numbers = [int.from_bytes(each, "big") for each in rows["trace_id"].to_pylist()]
    print(sorted(numbers))  # noqa: T201


def write(store: SegmentStore, number: int) -> None:
    age_days = 30 if number >= 100 else 0
    start = (int(os.environ["NOW_SECONDS"]) - age_days * 86_400) * SECOND
    one = span(
        trace_id=trace_id(number),
        span_id=span_id(number),
        start_time_unix_nano=start,
        attributes={"number": number},
    )
    store.write(batch(one))


if __name__ == "__main__":
    current = SegmentStore.from_settings()
    for each in sys.argv[1:]:
        act(current, each)
