"""Damage is found, left out and told; it is never served as data."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.builders import batch, span, span_id, trace_id
from tests.store.segment_builders import compacted, damage, live_segments, make_store
from traces.models import Segment
from traces.query import TraceQuery, Window
from traces.store.integrity import scrub, verify

pytestmark = pytest.mark.django_db
EVER = TraceQuery(Window(0, 2**62))


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    for number in (1, 2, 3):
        store.write(batch(span(trace_id=trace_id(number), span_id=span_id(number))))
    yield store
    store.engine.close()


def path_of(store, position):
    return store.files.path(live_segments()[position].name)


def test_a_sound_store_verifies(store):
    compacted(store)
    assert verify(store.files) == []


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_flipped_bit_leaves_the_segment_out(store, position):
    assert store.find_traces(EVER).matched == 3
    damage(store, live_segments()[position], at=40)
    result = store.find_traces(EVER)
    assert result.matched == 2
    assert len(result.scanned.left_out) == 1
    assert "checksum" in result.scanned.left_out[0]


def test_every_truncation_is_left_out(store):
    path = path_of(store, 0)
    content = path.read_bytes()
    for size in range(0, len(content), max(1, len(content) // 10)):
        Segment.objects.update(state="live")
        path.write_bytes(content[:size])
        assert store.find_traces(EVER).matched == 2


def test_a_missing_file_leaves_the_others_readable(store):
    path_of(store, 1).unlink()
    assert len(store.get_traces([trace_id(n) for n in (1, 2, 3)])) == 2
    (left_out,) = store.find_traces(EVER).scanned.left_out
    assert "missing" in left_out


def test_a_file_lost_between_the_list_and_the_read_is_asked_for_once_more(
    store, monkeypatch
):
    path = path_of(store, 0)
    make_sql = store._sql

    def lose_it(rows):
        sql = make_sql(rows)
        path.unlink(missing_ok=True)
        return sql

    monkeypatch.setattr(store, "_sql", lose_it)
    result = store.find_traces(EVER)
    assert (result.matched, len(result.scanned.left_out)) == (2, 1)


def test_a_segment_that_is_whole_again_comes_back(store):
    path = path_of(store, 0)
    content = path.read_bytes()
    path.unlink()
    assert store.find_traces(EVER).matched == 2
    path.write_bytes(content)
    scrub(store.files)
    assert store.find_traces(EVER).matched == 3


def test_verify_names_what_it_finds_and_quarantines_damage(store):
    damage(store, live_segments()[0])
    path_of(store, 1).unlink()
    left = store.files.make_place(store.files.new_name("c"))
    left.write_bytes(b"half")
    faults = sorted(finding.fault for finding in verify(store.files, -1))
    assert [fault.split()[-2:] for fault in faults] == [
        ["left", "behind"],
        ["its", "checksum"],
        ["is", "missing"],
    ]
    assert Segment.objects.filter(state="quarantined").count() == 2


def test_the_commands_answer(store, settings, capsys):
    settings.SEGMENT_DIR = store.files.root
    settings.COMPACTION_MIN_SEGMENTS = 2
    settings.RETENTION_HOURS = 1_000_000
    call_command("compact")
    call_command("retain")
    call_command("verify")
    said = capsys.readouterr().out
    assert "3 segments became 1" in said
    assert "are sound" in said
    damage(store, live_segments()[0])
    with pytest.raises(CommandError, match="1 found"):
        call_command("verify")
