"""A Celery broker in a folder: no server to install, and nothing half-written.

kombu's own filesystem transport writes a message under its final name, so that a
worker may take it while it is still empty, and moves taken ones through the
system's temporary folder. Both are put right here.
"""

import os
import uuid
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "folder"
TRANSPORT_ALIASES[SCHEME] = "tracing_ui.broker:Transport"


class Channel(filesystem.Channel):
    """Messages appear by rename and are taken by rename: one taker each."""

    def _put(  # type: ignore[override]
        self, queue: str, payload: Any, **_: Any
    ) -> None:
        name = f"{time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        unfinished = Path(self.data_folder_out, f".{name}")
        unfinished.write_text(dumps(payload))  # type: ignore[no-untyped-call]
        unfinished.rename(Path(self.data_folder_out, name))

    def _get(self, queue: str, timeout: Any = None) -> Any:
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            if (text := self._take(name)) is not None:
                return loads(text)  # type: ignore[no-untyped-call]
        raise Empty

    def _take(self, name: str) -> str | None:
        taken = Path(self.processed_folder, name)
        try:
            Path(self.data_folder_in, name).rename(taken)
        except FileNotFoundError:
            return None  # another worker was quicker
        text = taken.read_text()
        taken.unlink()
        return text


class Transport(filesystem.Transport):
    Channel = Channel


def folder_options(folder: Path) -> dict[str, str]:
    """The transport's options for a broker in `folder`."""
    queue = str(folder / "queue")
    return {
        # One folder both ways, or nobody would read what was written.
        "data_folder_in": queue,
        "data_folder_out": queue,
        "processed_folder": str(folder / "taken"),
        "control_folder": str(folder / "control"),
    }


def make_folders(folder: Path) -> None:
    for path in folder_options(folder).values():
        Path(path).mkdir(parents=True, exist_ok=True)
