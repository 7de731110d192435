"""The signing key: made once in the data folder, readable by its owner alone."""

import os
import secrets
from pathlib import Path


def load_or_create_secret_key(path: Path) -> str:
    """The key in `path`; safe when several processes start at the same moment."""
    if not path.exists():
        create_secret_key(path)
    return path.read_text().strip()


def create_secret_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    # link, unlike rename, never replaces the key that another process just made.
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
