"""How much memory this process needed at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20


@contextmanager
def growing_at_most(most_bytes: int) -> Iterator[None]:
    """Fails when the process grew by more within the block, if only for a moment."""
    before = _resident_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    yield
    grown = _resident_bytes("VmHWM") - before
    assert grown <= most_bytes, f"{grown >> 20} MiB more than before"


def _resident_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name}")
