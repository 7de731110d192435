"""What the segments offer to whoever reads them: table expressions and a connection.

`traces.store.reading` answers the questions of the contract over a `Source`; it knows
neither files nor the catalogue.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb

from traces.query import Window
from traces.store.shredded_keys import ShreddedKeys


class Part(NamedTuple):
    """One file of a relation."""

    path: Path
    is_variant: bool
    first_start_unix_nano: int
    last_start_unix_nano: int
    keys: Callable[[], ShreddedKeys]
    """Asked for only when it matters: the file's footer must be read."""


class Relation(NamedTuple):
    """Some segments as one SQL table expression with SPAN_SCHEMA's columns.

    Usable as `SELECT … FROM <sql> AS spans`. Root attribute columns are VARIANT;
    attributes inside events and links are struct<metadata, value>. Only names of our
    own making are inside, never a text of a user's.
    """

    sql: str
    span_count: int
    """Spans it may scan, duplicates counted."""
    segment_count: int
    may_hold_duplicates: bool
    """False when a span that is stored twice cannot come from here twice."""
    left_out: tuple[str, ...]
    """Segments that cannot be read (missing, quarantined), in words."""
    parts: tuple[Part, ...] = ()
    """The files that `sql` reads; none when they are not told apart."""


class Source(Protocol):
    """All segments of one store.

    A relation is what was stored when it was made. Its files stay readable for
    longer than a query may take.
    """

    def in_window(self, window: Window) -> Relation:
        """Every segment that may hold a span that starts in the window (and others:
        the reader still compares start times)."""
        ...

    def of_traces(self, trace_ids: Sequence[bytes]) -> Relation:
        """Every segment that may hold a span of one of these traces (and others)."""
        ...

    def everything(self) -> Relation: ...

    def connection(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A cursor with time and memory limits armed.

        Leaving the block with DuckDB's own error raises QueryTooExpensive when a
        limit was the reason, StoreUnavailable otherwise.
        """
        ...
