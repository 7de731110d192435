"""One line on a terminal that says how far a long piece of work has come."""

import time
from typing import Final

from django.core.management.base import OutputWrapper

BAR_CELLS: Final = 24
INTERVAL_SECONDS: Final = 0.2


class ProgressBar:
    """Draws on a terminal only: in a file or a pipe it would be noise.

    `total` is None when it is not known how much there is.
    """

    def __init__(self, output: OutputWrapper, label: str, total: int | None) -> None:
        self._output = output
        self._label = label
        self._total = total
        self._drawn_at = float("-inf")
        self._width = 0
        self._visible = output.isatty()

    def show(self, done: int, note: str) -> None:
        """Draw, if the last time was long enough ago."""
        now = time.monotonic()
        if self._visible and now - self._drawn_at >= INTERVAL_SECONDS:
            self._drawn_at = now
            self._draw(progress_line(self._label, done, self._total, note))

    def clear(self) -> None:
        if self._width:
            self._draw("")
            self._output.write("\r", ending="")
            self._output.flush()

    def _draw(self, line: str) -> None:
        self._output.write("\r" + line.ljust(self._width), ending="")
        self._output.flush()
        self._width = len(line)


def progress_line(label: str, done: int, total: int | None, note: str) -> str:
    if not total:
        return f"{label}  {done / 1e6:,.1f} MB  {note}"
    share = min(done / total, 1)
    bar = ("█" * round(share * BAR_CELLS)).ljust(BAR_CELLS, "░")
    return f"{label}  {bar} {share:4.0%}  {note}"
