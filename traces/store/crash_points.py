"""Named points at which a test can have the process killed, as a power cut would."""

import os
import signal


def reach(point: str) -> None:
    """Die here when CRASH_AT names this point; otherwise nothing."""
    if os.environ.get("CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)
