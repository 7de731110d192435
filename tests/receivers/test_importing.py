"""What is tallied of files while they are stored; the same for command and page."""

import gzip
import io
import json

import pytest

from tests.builders import T0, batch, span, span_id, trace_id
from tests.receivers.test_import import lines, otlp_json
from traces.receivers import importing
from traces.receivers.files import CountedInput
from traces.receivers.importing import Reasons, Tally, import_file
from traces.store.base import StoreUnavailable


def imported(content, write=lambda batch: None, **options):
    tally = Tally()
    source = CountedInput(io.BytesIO(content), len(content))
    import_file("a file", source, tally, write, **options)
    return tally


def test_a_trace_is_called_by_its_root_whatever_the_order_of_arrival():
    tally = Tally()
    child = span(parent_span_id=span_id(1), name="child", start_ms=-5)
    tally.add_stored(batch(child))
    tally.add_stored(batch(span(name="late root", start_ms=3), child))
    tally.add_stored(batch(span(name="root", service="shop", start_ms=1)))
    [trace] = tally.traces.values()
    assert (trace.service_name, trace.name) == ("shop", "root")
    assert trace.span_count == 4
    assert trace.start_time_unix_nano == T0 - 5_000_000


def test_the_first_and_the_last_start_are_those_of_all_files():
    tally = Tally()
    tally.add_stored(batch(span(start_ms=5), span(start_ms=9)))
    tally.add_stored(batch(span(start_ms=2)))
    assert tally.first_start_unix_nano == T0 + 2_000_000
    assert tally.last_start_unix_nano == T0 + 9_000_000


def test_of_many_traces_the_first_are_kept_and_all_spans_counted(monkeypatch):
    monkeypatch.setattr(importing, "TRACES_KEPT", 3)
    tally = Tally()
    tally.add_stored(batch(*(span(trace_id=trace_id(n)) for n in (4, 2, 9))))
    told_of_more = [tally.more_traces]
    tally.add_stored(batch(*(span(trace_id=trace_id(n)) for n in (1, 4))))
    assert [one.trace_id for one in tally.traces.values()] == [
        trace_id(4),
        trace_id(2),
        trace_id(9),
    ]
    assert tally.traces[trace_id(4)].span_count == 2
    assert [*told_of_more, tally.more_traces] == [False, True]
    assert tally.stored == 5


def test_a_file_of_broken_lines_is_told_within_bounds(monkeypatch):
    monkeypatch.setattr(importing, "REASONS_KEPT", 10)
    tally = imported(lines(otlp_json("a")) + b"{broken\n" * 50)
    shown, rest = tally.unreadable.most_common(5)
    assert shown[0][0].startswith("a file, line 2: not JSON")
    assert (len(tally.unreadable.counts), rest) == (10, 45)


def test_reasons_are_counted_beyond_those_that_are_kept():
    reasons = Reasons()
    reasons.add("often", 7)
    reasons.add("once")
    assert reasons.most_common(1) == ([("often", 7)], 1)


def test_progress_tells_bytes_and_spans():
    content, told = lines(otlp_json("a")) * 3, []
    imported(content, progress=lambda *so_far: told.append(so_far))
    assert told[-1] == (len(content), 3)


def test_what_unpacks_to_more_than_the_bound_is_refused_after_what_came_before():
    """I1: lines have no end, so a bomb of them ends at the bound of the whole file."""
    content = lines(otlp_json("a")) + b"\n" * 10_000_000
    tally = imported(gzip.compress(content), max_unpacked_bytes=1_000_000)
    assert tally.stored == 1
    [(reason, _)] = tally.unreadable.counts.items()
    assert reason == "a file: it unpacks to more than 1,000,000 bytes"


def test_a_file_that_is_not_packed_has_no_such_bound():
    assert imported(lines(otlp_json("a")) * 9, max_unpacked_bytes=100).stored == 9


def test_a_store_that_is_away_ends_the_import():
    def refuse(batch):
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        imported(json.dumps(otlp_json("a")).encode(), refuse)
