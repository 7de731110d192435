"""One process of the server: started, watched, restarted after a growing wait."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
# Who ran this long had started well: its next failure is a first one again.
STEADY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A process in a session of its own, so that a Ctrl-C in the terminal reaches
    the supervisor alone, which then stops the children in order."""

    name: str
    argv: Sequence[str]
    inherited_fds: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = field(default=0)

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self.inherited_fds,
            preexec_fn=stop_with_parent(os.getpid()),
        )
        self.started_at = monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def note_exit(self) -> str:
        """Plan the restart; what happened, as a sentence for the operator."""
        process = self.process
        assert process is not None
        self.signal(signal.SIGKILL)  # what it may have left behind
        self.process = None
        if monotonic() - self.started_at > STEADY_SECONDS:
            self.failures = 0
        wait = min(FIRST_WAIT_SECONDS * 2**self.failures, LONGEST_WAIT_SECONDS)
        self.failures += 1
        self.restart_at = monotonic() + wait
        ending = describe_exit(process.returncode)
        return f"{self.name} stopped ({ending}); it starts again in {wait:g} s."

    @property
    def due(self) -> bool:
        return self.process is None and monotonic() >= self.restart_at

    def stop(self) -> None:
        """Ask for a clean end. Only the process itself: a Celery worker ends its
        pool on its own, after the task in hand."""
        if self.process is not None and self.running:
            self.process.terminate()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """To the process and all it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


def describe_exit(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def stop_with_parent(parent_pid: int) -> Callable[[], None] | None:
    """Run in the child before its program: SIGTERM to it when the supervisor dies,
    however that happens. Linux only; elsewhere a killed supervisor leaves them."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def request_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:
            os._exit(1)

    return request_signal
