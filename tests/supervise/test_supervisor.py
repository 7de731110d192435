"""Children are restarted when they crash and stop in order when asked."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tracing_ui.supervise import child as child_module
from tracing_ui.supervise.child import Child, describe_exit
from tracing_ui.supervise.supervisor import Supervisor

PATIENCE_SECONDS = 60
ON_SIGTERM = """
import pathlib, signal, sys, time
def end(*_):
    with open(sys.argv[1], "a") as log: log.write(sys.argv[2] + " ended\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1] + "." + sys.argv[2]).touch()
while True: time.sleep(0.05)
"""


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def restored_signals():
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


def interrupt_when(condition):
    """Ctrl-C from another thread, once `condition` holds."""

    def run():
        wait_until(condition)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_stages_stop_one_after_the_other(tmp_path, restored_signals):
    log = tmp_path / "log"

    def polite(name):
        return Child(name, [sys.executable, "-c", ON_SIGTERM, str(log), name])

    stages = [[polite("ingest")], [polite("web"), polite("worker")]]
    names = ("ingest", "web", "worker")
    interrupt_when(lambda: all((tmp_path / f"log.{n}").exists() for n in names))
    said: list[str] = []
    Supervisor(stages, [], said.append).run()
    lines = log.read_text().splitlines()
    assert lines[0] == "ingest ended"
    assert sorted(lines[1:]) == ["web ended", "worker ended"]
    assert said == ["Stopping…", "Stopped."]


@pytest.mark.slow
def test_a_child_that_crashes_is_started_again(tmp_path, restored_signals, monkeypatch):
    monkeypatch.setattr(child_module, "FIRST_WAIT_SECONDS", 0.01)
    starts = tmp_path / "starts"
    script = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"
    said: list[str] = []
    interrupt_when(lambda: starts.exists() and len(starts.read_text()) >= 3)
    crashing = Child("worker", [sys.executable, "-c", script])
    Supervisor([[crashing]], [], said.append).run()
    assert said[0] == "worker stopped (exit code 3); it starts again in 0.01 s."
    assert said[1] == "worker stopped (exit code 3); it starts again in 0.02 s."


@pytest.mark.slow
def test_a_child_that_will_not_stop_is_killed(tmp_path, restored_signals):
    ready = tmp_path / "ready"
    script = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    stubborn = Child("web", [sys.executable, "-c", script])
    stubborn.start()
    wait_until(ready.exists)
    supervisor = Supervisor([[stubborn]], [], list[str]().append)
    supervisor.stop(deadline=time.monotonic())
    assert stubborn.running
    stubborn.kill()
    assert stubborn.process is not None
    assert stubborn.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_children_end_when_their_supervisor_is_killed(tmp_path):
    log = tmp_path / "log"
    script = (
        "import sys, time\n"
        "from tracing_ui.supervise.child import Child\n"
        "Child('c', [sys.executable, '-c', sys.argv[1], sys.argv[2], 'c']).start()\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, ON_SIGTERM, str(log)])
    try:
        wait_until((tmp_path / "log.c").exists)
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: log.exists() and log.read_text() == "c ended\n")


def test_the_way_a_process_ended_is_told():
    assert describe_exit(1) == "exit code 1"
    assert describe_exit(-9) == "killed by SIGKILL"
