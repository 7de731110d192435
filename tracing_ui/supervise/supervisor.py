"""Keeps children running until asked to stop, then stops them in order."""

import signal
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from types import FrameType

from tracing_ui.supervise.child import Child
from tracing_ui.supervise.ports import Port

TICK_SECONDS = 0.2
STOP_SECONDS = 30.0


class Supervisor:
    """`stages` lists the children in the order in which they stop: one stage has
    ended before the next is asked to."""

    def __init__(
        self,
        stages: Sequence[Sequence[Child]],
        ports: Sequence[Port],
        say: Callable[[str], None],
    ) -> None:
        self.stages = stages
        self.children = [child for stage in stages for child in stage]
        self.ports_to_open = list(ports)
        self.say = say
        self.signals_received = 0

    def run(self) -> None:
        """Returns once all have stopped, after the first SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.note_signal)
        try:
            for child in self.children:
                child.start()
            while not self.signals_received:
                self.tick()
                sleep(TICK_SECONDS)
            self.say("Stopping…")
            self.stop(monotonic() + STOP_SECONDS)
        finally:
            for child in self.children:
                child.kill()
        self.say("Stopped.")

    def note_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals_received += 1

    def tick(self) -> None:
        for child in self.children:
            if child.process is not None and not child.running:
                self.say(child.note_exit())
            elif child.due:
                child.start()
        self.watch_ports()

    def watch_ports(self) -> None:
        """Say it once, when everything listens."""
        if not self.ports_to_open:
            return
        self.ports_to_open = [port for port in self.ports_to_open if not port.answers()]
        if not self.ports_to_open:
            self.say("Ready.")

    def stop(self, deadline: float) -> None:
        for stage in self.stages:
            for child in stage:
                child.stop()
            self.await_end(stage, deadline)

    def await_end(self, stage: Sequence[Child], deadline: float) -> None:
        """Until all of the stage have ended, time is up, or a second Ctrl-C."""
        while any(child.running for child in stage):
            if monotonic() > deadline or self.signals_received > 1:
                self.say(f"Killed: {', '.join(c.name for c in stage if c.running)}.")
                return
            sleep(TICK_SECONDS)
