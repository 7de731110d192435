"""One server to a data folder: a lock that lasts as long as any of its processes."""

import fcntl
from io import TextIOWrapper
from pathlib import Path

LOCK_FILE = "serve.lock"


class DataFolderInUse(Exception):
    """Another server works on the same data folder."""


def lock_data_folder(data_dir: Path) -> TextIOWrapper:
    """The locked file. Children inherit it, so that a server whose supervisor was
    killed keeps its folder until the last child has drained. The file stays for
    ever: a lock on a file that somebody else removes would be no lock."""
    file = (data_dir / LOCK_FILE).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataFolderInUse(
            f"Another server is running on {data_dir}. "
            "Stop it, or set DATA_DIR to a folder of its own."
        ) from None
    return file
