"""Which minutes a segment's spans touch: those of every span of its traces."""

from collections.abc import Sequence
from typing import Final

from traces.query import Window
from traces.store.catalogue import SegmentRow
from traces.store.segment_files import SegmentFiles
from traces.store.segment_parquet import union_sql
from traces.store.source import Source

NANO_PER_MINUTE: Final = 60 * 10**9


def minutes_touched(
    source: Source, files: SegmentFiles, rows: Sequence[SegmentRow], reach_nano: int
) -> list[int]:
    """Minutes since the epoch, of spans up to `reach_nano` from those of the rows.

    A span that comes late changes what was found of the others of its trace. Raises
    StoreUnavailable, also when the file of a row is not there any more.
    """
    window = Window(
        min(row.min_start_unix_nano for row in rows) - reach_nano,
        max(row.max_start_unix_nano for row in rows) + reach_nano + 1,
    )
    new = union_sql(
        [files.path(row.name) for row in rows if not row.variant],
        [files.path(row.name) for row in rows if row.variant],
    )
    with source.connection() as connection:
        found = connection.execute(
            f"""
            WITH fresh AS MATERIALIZED (
                SELECT DISTINCT trace_id FROM {new} AS spans
            )
            SELECT DISTINCT start_time_unix_nano // {NANO_PER_MINUTE} AS minute
            FROM (
                SELECT trace_id, start_time_unix_nano
                FROM {source.in_window(window).sql} AS spans
                UNION ALL
                SELECT trace_id, start_time_unix_nano FROM {new} AS spans
            ) SEMI JOIN fresh USING (trace_id)
            WHERE start_time_unix_nano BETWEEN $first AND $last
            ORDER BY minute
            """,
            {"first": window.start_time_unix_nano, "last": window.end_time_unix_nano},
        ).fetchall()
    return [minute for (minute,) in found]
