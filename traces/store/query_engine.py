"""DuckDB inside this process: shut off from everything but the segments, and limited.

DuckDB has no statement timeout; a timer that interrupts the cursor stands in for it.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from traces.store.base import QueryTooExpensive, StoreUnavailable
from traces.store.segment_parquet import empty_table_sql, quoted

THREADS: Final = 2
# DuckDB's wait is not exact; within this much of the limit, the timer was the cause.
_SLACK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory` as DuckDB writes it: 512MB."""

    memory: str
    timeout_seconds: float


class QueryEngine:
    """One database in memory a process, a cursor for each query.

    It is opened at the first query, and anew in a forked process.
    """

    def __init__(self, segments: Path, scratch: Path, limits: Limits) -> None:
        self._segments = segments
        self._scratch = scratch
        self._limits = limits
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._process_id = 0

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Raises QueryTooExpensive at a limit; DuckDB's other errors pass through."""
        cursor = self._open().cursor()
        started = time.monotonic()
        done = threading.Event()
        timer = threading.Thread(
            target=_interrupt_late, args=(cursor, self._limits, done), daemon=True
        )
        timer.start()
        try:
            yield cursor
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise QueryTooExpensive(self._told(error, started)) from error
        finally:
            done.set()
            timer.join()
            cursor.close()

    def _told(self, error: duckdb.Error, started: float) -> str:
        limits = self._limits
        if isinstance(error, duckdb.OutOfMemoryException):
            return f"the query needs more memory than its limit of {limits.memory}"
        spent = time.monotonic() - started + _SLACK_SECONDS
        if spent < limits.timeout_seconds:
            return "the query was interrupted"
        return f"the query ran into its limit of {limits.timeout_seconds:g} seconds"

    def _open(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None or self._process_id != os.getpid():
                self._database = self._connect()
                self._process_id = os.getpid()
            return self._database

    def _connect(self) -> duckdb.DuckDBPyConnection:
        try:
            self._segments.mkdir(parents=True, exist_ok=True)
            scratch = make_scratch(self._scratch)
        except OSError as error:
            raise StoreUnavailable(f"the disk refused: {error.strerror}") from error
        database = connect(self._limits.memory, scratch, THREADS)
        # GLOBAL, or cursors would not have it.
        database.execute("SET GLOBAL parquet_metadata_cache = true")
        database.execute(empty_table_sql())
        shut_off(database, self._segments)
        return database

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None


def _interrupt_late(
    cursor: duckdb.DuckDBPyConnection, limits: Limits, done: threading.Event
) -> None:
    # More than once, because an interrupt between two statements is lost.
    finished = done.wait(limits.timeout_seconds)
    while not finished:
        cursor.interrupt()
        finished = done.wait(_SLACK_SECONDS)


def connect(memory: str, scratch: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills to `scratch`."""
    database = duckdb.connect(":memory:", config={"threads": threads})
    database.execute(f"SET memory_limit = {quoted(Path(memory))}")
    database.execute(f"SET temp_directory = {quoted(scratch)}")
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET TimeZone = 'UTC'")
    return database


def shut_off(database: duckdb.DuckDBPyConnection, segments: Path) -> None:
    """Nothing but the segments can be reached, and no query can undo that."""
    database.execute(f"SET allowed_directories = [{quoted(segments)}]")
    for option, value in (
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        database.execute(f"SET {option} = {value}")


def make_scratch(folder: Path) -> Path:
    """This process's own folder to spill to; those of dead processes are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        if other.name.isdigit() and not _is_running(int(other.name)):
            shutil.rmtree(other, ignore_errors=True)
    mine = folder / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return mine


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
