"""Segment files on the local disk: names, durable writing, reading back, removing.

All that knows of paths is here, so that another kind of storage replaces one module.
A name is relative to the segment folder and of our own making: never a word of a
client's. Fresh segments start with `f-`, compacted ones with `c-`; only a fresh one
can be the only copy of what was acknowledged.
"""

import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from traces.store.base import StoreUnavailable
from traces.store.crash_points import reach

FRESH: Final = "f"
COMPACTED: Final = "c"
_NAME: Final = re.compile(r"\d{8}/\d{2}/[fc]-[0-9a-f]{28}\.parquet")
_TEMPORARY: Final = re.compile(r"\d{8}/\d{2}/[fc]-[0-9a-f]{28}\.tmp")
_CHUNK_BYTES: Final = 1 << 20


class SegmentFiles:
    """The folder of segments. Raises StoreUnavailable when the disk refuses."""

    def __init__(self, root: Path, *, min_free_bytes: int = 0) -> None:
        self.root = root
        self.min_free_bytes = min_free_bytes
        self._durable_folders: set[Path] = set()

    def path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a segment")
        return self.root / name

    def new_name(self, kind: str) -> str:
        now = datetime.now(UTC)
        unique = f"{time.time_ns():016x}{secrets.token_hex(6)}"
        return f"{now:%Y%m%d/%H}/{kind}-{unique}.parquet"

    def write(self, name: str, content: memoryview | bytes) -> None:
        """Content under its name, on disk when this returns, or nothing at all."""
        try:
            self._write(name, content)
        except OSError as error:
            self.discard(name)
            raise StoreUnavailable(f"the disk refused: {error.strerror}") from error

    def _write(self, name: str, content: memoryview | bytes) -> None:
        self.require_space()
        temporary = self.make_place(name)
        with temporary.open("xb", buffering=0) as file:
            _write_all(file.fileno(), content)
            reach("write:temp-written")
            os.fsync(file.fileno())
        reach("write:fsynced")
        self.publish(name, "write")

    def make_place(self, name: str) -> Path:
        """The temporary path that `publish` turns into the named file."""
        path = self.path(name)
        self._make_folder(path.parent)
        return path.with_suffix(".tmp")

    def publish(self, name: str, crash_scope: str) -> None:
        path = self.path(name)
        path.with_suffix(".tmp").rename(path)
        reach(f"{crash_scope}:renamed")
        fsync_path(path.parent)
        reach(f"{crash_scope}:folder-fsynced")

    def _make_folder(self, folder: Path) -> None:
        if folder in self._durable_folders and folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder.parent, self.root, self.root.parent):
            fsync_path(parent)
        self._durable_folders = {folder}

    def require_space(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        disk = os.statvfs(self.root)
        if disk.f_bavail * disk.f_frsize < self.min_free_bytes:
            raise OSError(errno.ENOSPC, "the disk is nearly full")

    def discard(self, name: str) -> None:
        """Remove the file and its temporary twin; also when they do not exist."""
        for path in (self.path(name), self.path(name).with_suffix(".tmp")):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreUnavailable(f"the disk refused: {error.strerror}") from error

    def names(self) -> Iterator[str]:
        """Every complete segment on the disk."""
        yield from self._matching(_NAME, "*/*/*.parquet")

    def temporary_names(self) -> Iterator[str]:
        yield from self._matching(_TEMPORARY, "*/*/*.tmp")

    def _matching(self, shape: re.Pattern[str], glob: str) -> Iterator[str]:
        for path in self.root.glob(glob):
            name = path.relative_to(self.root).as_posix()
            if shape.fullmatch(name):
                yield name

    def discard_temporary(self, name: str) -> None:
        if _TEMPORARY.fullmatch(name):
            (self.root / name).unlink(missing_ok=True)

    def remove_empty_folders(self) -> None:
        """Hours and days that hold nothing, but never the current hour's."""
        current = f"{datetime.now(UTC):%Y%m%d/%H}"
        for folder in [*self.root.glob("*/*"), *self.root.glob("*")]:
            name = folder.relative_to(self.root).as_posix()
            if folder.is_dir() and not current.startswith(name):
                _remove_if_empty(folder)

    def age_seconds(self, name: str) -> float | None:
        """Since the file was written; None when it is gone."""
        try:
            return time.time() - (self.root / name).stat().st_mtime
        except FileNotFoundError:
            return None

    def fingerprint(self, name: str) -> tuple[int, int] | None:
        """Size and time of last change; None when the file is gone."""
        try:
            status = self.path(name).stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def checksum(self, name: str) -> str | None:
        """Of the whole file as it is on disk; None when it cannot be read."""
        digest = new_digest()
        try:
            with self.path(name).open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except OSError:
            return None
        return digest.hexdigest()


def new_digest() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=16)


def checksum_of(content: memoryview | bytes) -> str:
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest()


def fsync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: memoryview | bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
