"""Many segments into one: sorted by trace and start, equal spans kept once.

Most spans go to a variant file. Those whose attributes cannot be shredded exactly go
to a plain one, and those that started at an odd time (a clock that is wrong, an old
import) apart from the rest, so that the rest keeps a narrow range of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from traces.spans import EVENT, LINK, SPAN_SCHEMA
from traces.store.catalogue import SegmentRow, StoredFile
from traces.store.crash_points import reach
from traces.store.key_census import unshreddable
from traces.store.query_engine import connect, make_scratch
from traces.store.segment_facts import COLUMNS, SegmentFacts, facts_of
from traces.store.segment_files import COMPACTED, SegmentFiles, fsync_path
from traces.store.segment_parquet import (
    COLUMN_LIST,
    DECODED_LIST,
    VARIANT_COLUMNS,
    decoded,
    plain_sql,
    quoted,
    union_sql,
)

# DuckDB shreds a row group of 30,000 rows or more; to read one trace is to read one
# group, so they are no larger.
ROW_GROUP_SPANS: Final = 30_720
EARLY: Final = timedelta(days=1)
LATE: Final = timedelta(hours=1)
# Version 2 keeps times as differences and the lengths of ids apart from the ids: as
# small as version 1, and read twice as quickly.
_PARQUET_OPTIONS: Final = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1,"
    f" ROW_GROUP_SIZE {ROW_GROUP_SPANS}"
)

_NESTED: Final = {
    "events": [field.name for field in EVENT if field.name != "attributes"],
    "links": [field.name for field in LINK if field.name != "attributes"],
}


class SpansLost(Exception):
    """A merge's output does not hold what its input did; it must not be used."""


@dataclass(frozen=True, slots=True)
class MergeLimits:
    memory: str
    scratch: Path


@dataclass(frozen=True, slots=True)
class UsualTimes:
    """Starts that are plausible for spans received by then; nanoseconds, inclusive."""

    first: int
    last: int

    def contain(self, row: SegmentRow) -> bool:
        early, late = row.min_start_unix_nano, row.max_start_unix_nano
        return self.first <= early and late <= self.last


def usual_times(received_at: datetime) -> UsualTimes:
    return UsualTimes(_unix_nano(received_at - EARLY), _unix_nano(received_at + LATE))


def _unix_nano(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def merge(
    rows: Sequence[SegmentRow], files: SegmentFiles, limits: MergeLimits
) -> list[StoredFile]:
    """Write what replaces these segments; durable, not yet in the catalogue.

    Raises duckdb.Error or SpansLost, having left no file, when it cannot be done.
    """
    # A second thread makes a merge dearer and larger, hardly quicker.
    database = connect(limits.memory, make_scratch(limits.scratch), threads=1)
    try:
        return _Merge(database, rows, files).run()
    finally:
        database.close()


class _Merge:
    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        rows: Sequence[SegmentRow],
        files: SegmentFiles,
    ) -> None:
        self.database = database
        self.rows = rows
        self.files = files
        self.plain = [files.path(row.name) for row in rows if not row.variant]
        self.variant = [files.path(row.name) for row in rows if row.variant]
        self.received_at = max(row.received_at for row in rows)
        self.names: list[str] = []

    def run(self) -> list[StoredFile]:
        try:
            written = self._write_all()
            self._require_all_spans(written)
        except BaseException:
            for name in self.names:
                self.files.discard(name)
            raise
        return written

    def _write_all(self) -> list[StoredFile]:
        self._find_odd()
        self._find_doubled()
        written = [self._write(source) for source in self._sources()]
        return [file for file in written if file is not None]

    def _find_odd(self) -> None:
        """The view `plain_spans`, and whether each of its spans must stay plain."""
        # Plain already after a compaction: it was found odd then.
        fresh = [row for row in self.rows if row.level == 0]
        odd = unshreddable(self.files.path(row.name) for row in fresh)
        self.all_odd = not fresh
        self.has_odd = len(odd) > 0 or len(fresh) < len(self.plain)
        if not self.plain:
            return
        condition = "true" if self.all_odd else _odd_condition(any_odd=self.has_odd)
        self.database.execute("CREATE TABLE odd_metadata (metadata BLOB PRIMARY KEY)")
        for metadata in odd.to_pylist():
            self.database.execute("INSERT INTO odd_metadata VALUES (?)", [metadata])
        self.database.execute(
            f"CREATE VIEW plain_spans AS SELECT *, {condition} AS odd"
            f" FROM ({plain_sql(self.plain)})"
        )

    def _find_doubled(self) -> None:
        """The table `doubled`: ids that occur more than once."""
        ids = ", ".join(quoted(path) for path in self.plain + self.variant)
        self.database.execute(
            "CREATE TABLE doubled AS SELECT trace_id, span_id, count(*) AS uses"
            f" FROM read_parquet([{ids}]) GROUP BY ALL HAVING count(*) > 1"
        )
        totals = self.database.execute(
            "SELECT count(*), coalesce(sum(uses), 0)::BIGINT FROM doubled"
        ).fetchone()
        self.doubled_ids, self.doubled_spans = totals or (0, 0)

    def _sources(self) -> list["_Source"]:
        sources = []
        if self.variant or not self.all_odd:
            usual = usual_times(self.received_at)
            inside = f"start_time_unix_nano BETWEEN {usual.first} AND {usual.last}"
            sources.append(self._shreddable(inside))
            if not all(usual.contain(row) for row in self.rows):
                sources.append(self._shreddable(f"NOT {inside}"))
        if self.has_odd:
            odd = f"SELECT {COLUMN_LIST} FROM plain_spans WHERE odd"
            sources.append(_Source(odd, holds_variant=False, becomes_variant=False))
        return sources

    def _shreddable(self, times: str) -> "_Source":
        plain = f"SELECT {{}} FROM plain_spans WHERE NOT odd AND {times}"
        if not self.variant:
            return _Source(plain.format(COLUMN_LIST), holds_variant=False)
        parts = [f"SELECT * FROM {union_sql([], self.variant)} WHERE {times}"]
        if self.plain:
            parts.append(plain.format(DECODED_LIST))
        return _Source(" UNION ALL ".join(parts), holds_variant=True)

    def _write(self, source: "_Source") -> StoredFile | None:
        name = self.files.new_name(COMPACTED)
        self.names.append(name)
        temporary = self.files.make_place(name)
        self.database.execute(
            f"COPY ({source.ordered(bool(self.doubled_ids))}) TO {quoted(temporary)}"
            f" ({_PARQUET_OPTIONS})"
        )
        reach("compact:temp-written")
        spans = self.database.sql(
            f"SELECT {', '.join(COLUMNS)} FROM read_parquet({quoted(temporary)})"
        ).to_arrow_table()
        if not len(spans):
            self.files.discard(name)
            return None
        fsync_path(temporary)
        self.files.publish(name, "compact")
        return self._stored(name, source, facts_of(spans))

    def _stored(self, name: str, source: "_Source", facts: SegmentFacts) -> StoredFile:
        fingerprint, checksum = self.files.fingerprint(name), self.files.checksum(name)
        if fingerprint is None or checksum is None:
            raise SpansLost("the merged file cannot be read back")
        return StoredFile(
            name=name,
            level=max(row.level for row in self.rows) + 1,
            variant=source.becomes_variant,
            byte_count=fingerprint[0],
            checksum=checksum,
            facts=facts,
            received_at=self.received_at,
        )

    def _require_all_spans(self, written: Sequence[StoredFile]) -> None:
        count = sum(file.facts.span_count for file in written)
        most = sum(row.span_count for row in self.rows)
        least = most - self.doubled_spans + self.doubled_ids
        if not least <= count <= most:
            raise SpansLost(f"{count} of {least} to {most} spans came out of a merge")


@dataclass(frozen=True, slots=True)
class _Source:
    """SQL of the spans of one output."""

    sql: str
    holds_variant: bool
    becomes_variant: bool = True

    def ordered(self, has_doubles: bool) -> str:  # noqa: FBT001
        spans = self._without_doubles() if has_doubles else self.sql
        ordered = f"SELECT * FROM ({spans}) ORDER BY trace_id, start_time_unix_nano"
        if self.becomes_variant and not self.holds_variant:
            # After the sort: byte pairs are much smaller to sort than VARIANT.
            return f"SELECT {DECODED_LIST} FROM ({ordered})"
        return ordered

    def _without_doubles(self) -> str:
        names = SPAN_SCHEMA.names
        content = ", ".join(_content(n, variant=self.holds_variant) for n in names)
        return (
            f"SELECT * FROM ({self.sql}) ANTI JOIN doubled USING (trace_id, span_id)"
            f" UNION ALL SELECT DISTINCT ON ({content}) * FROM"
            f" (SELECT * FROM ({self.sql}) SEMI JOIN doubled USING (trace_id, span_id))"
        )


def _odd_condition(*, any_odd: bool) -> str:
    if not any_odd:
        return "false"
    return " OR ".join(
        f"coalesce({name}.metadata IN (SELECT metadata FROM odd_metadata), false)"
        for name in VARIANT_COLUMNS
    )


def _content(column: str, *, variant: bool) -> str:
    """An expression that is equal for equal content, however that is encoded.

    VARIANT's own equality takes -0.0 and 0.0 for the same; its bytes do not.
    """
    if column in VARIANT_COLUMNS:
        value = column if variant else decoded(column)
        return f"variant_to_parquet_variant({value})"
    if column in _NESTED:
        fields = ", ".join(f"x.{name}" for name in _NESTED[column])
        attributes = f"variant_to_parquet_variant({decoded('x.attributes')})"
        return f"list_transform({column}, lambda x: ({fields}, {attributes}))"
    return column
