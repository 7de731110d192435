"""Killed at any point: nothing acknowledged is lost, nothing twice, nothing half."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("crash_child.py")
NOW_SECONDS = int(time.time())
WRITE_POINTS = [
    "write:temp-written",
    "write:fsynced",
    "write:renamed",
    "write:folder-fsynced",
    "write:catalogued",
]
COMPACT_POINTS = [
    "compact:temp-written",
    "compact:renamed",
    "compact:folder-fsynced",
    "compact:before-commit",
    "compact:swapped",
    "remove:file-deleted",
]
RETAIN_POINTS = ["retain:retired", "remove:file-deleted"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "static").mkdir()
    run(tmp_path, [str(ROOT / "manage.py"), "migrate", "-v0"])
    return tmp_path


def run(folder, arguments, crash_at="", expect=0):
    environment = os.environ | {
        "DATA_DIR": str(folder),
        "CRASH_AT": crash_at,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tracing_ui.settings",
        "NOW_SECONDS": str(NOW_SECONDS),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


def act(folder, *actions):
    """What the actions say, a line each."""
    return run(folder, [str(CHILD), *actions]).splitlines()


def killed(folder, *actions, at):
    run(folder, [str(CHILD), *actions], at, -signal.SIGKILL)


def files(folder):
    return sorted(path.name for path in folder.glob("segments/*/*/*"))


@pytest.mark.parametrize("point", WRITE_POINTS)
def test_a_killed_write_loses_nothing_acknowledged(folder, point):
    act(folder, "write:1")
    killed(folder, "write:2", at=point)
    # The client was not answered, so it sends the same again.
    said = act(folder, "see", "recover", "write:2", "see", "compact", "see", "verify")
    assert said[0] in ("[1]", "[1, 2]")
    assert said[1:3] == ["[1, 2]", "[1, 2]"]
    assert "with 2 spans are sound" in said[3]
    assert not [name for name in files(folder) if name.endswith(".tmp")]


@pytest.mark.parametrize("point", COMPACT_POINTS)
def test_a_killed_compaction_changes_no_answer_and_is_completed(folder, point):
    act(folder, "write:1", "write:2", "write:3")
    killed(folder, "compact", at=point)
    said = act(folder, "see", "compact", "see", "verify")
    assert said[:2] == ["[1, 2, 3]", "[1, 2, 3]"]
    assert said[2] == "1 segments with 3 spans are sound."
    assert len(files(folder)) == 1


@pytest.mark.parametrize("point", RETAIN_POINTS)
def test_a_killed_retention_is_completed(folder, point):
    act(folder, "write:1", "write:2", "write:100")
    killed(folder, "retain", at=point)
    said = act(folder, "see", "retain", "see", "verify")
    assert said == ["[1, 2]", "[1, 2]", "2 segments with 2 spans are sound."]
    assert len(files(folder)) == 2


def test_a_commit_is_on_disk_when_it_returns(folder):
    check = (
        "import django; django.setup();"
        "from django.db import connection as c; k = c.cursor();"
        "print(k.execute('PRAGMA synchronous').fetchone()[0],"
        " k.execute('PRAGMA journal_mode').fetchone()[0])"
    )
    assert run(folder, ["-c", check]).split() == ["2", "wal"]
    with sqlite3.connect(folder / "catalogue.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
