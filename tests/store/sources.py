"""A store over Parquet files without a catalogue: the reading half, put to the test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from traces.query import Attribute, Filter, TraceQuery, Window
from traces.spans import SPAN_SCHEMA, SpanBatch, empty_batch
from traces.store import reading
from traces.store.shredded_keys import shredded_keys
from traces.store.source import Part, Relation
from traces.store.sql import COLUMNS
from traces.variant import decode_metadata

PLAIN = ", ".join(
    f"variant_bytes_to_variant({name}.metadata || {name}.value) AS {name}"
    for name in COLUMNS.values()
)


class ParquetStore:
    """Each batch is a file of raw bytes; `compact` makes them one of shredded VARIANTs
    and drops nothing, so that duplicates stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw: list[Path] = []
        self.shredded: list[Path] = []
        self.database = duckdb.connect(config={"threads": 1})
        self.database.execute("SET variant_minimum_shredding_size = 0")
        self.span_count = 0
        self.write(empty_batch())

    def write(self, batch: SpanBatch) -> None:
        path = self.folder / f"{len(self.raw)}.parquet"
        pq.write_table(batch, path, store_schema=False)
        self.raw.append(path)
        self.span_count += batch.num_rows

    def compact(self) -> None:
        if self._holds_an_empty_key():
            return  # DuckDB shreds it under another name, or not at all
        path = self.folder / f"shredded-{len(self.shredded)}.parquet"
        self.database.execute(
            f"COPY (SELECT * FROM {_raw(self.raw)}) TO '{path}' (FORMAT parquet)"
        )
        self.shredded.append(path)
        self.raw = []

    def _holds_an_empty_key(self) -> bool:
        table = pq.read_table(self.raw)
        return any(
            "" in decode_metadata(cell["metadata"])
            for name in COLUMNS.values()
            for cell in table.column(name).to_pylist()
        )

    def _relation(self) -> Relation:
        parts = [_raw(self.raw)] if self.raw else []
        parts += [f"read_parquet('{path}')" for path in self.shredded]
        names = ", ".join(SPAN_SCHEMA.names)
        sql = " UNION ALL ".join(f"SELECT {names} FROM {part}" for part in parts)
        return Relation(
            f"({sql})", self.span_count, len(parts), True, (), self._parts()
        )

    def _parts(self) -> tuple[Part, ...]:
        raw = [Part(path, False, *self._starts(path), dict) for path in self.raw]
        return (
            *raw,
            *(
                Part(path, True, *self._starts(path), partial(shredded_keys, path))
                for path in self.shredded
            ),
        )

    def _starts(self, path: Path) -> tuple[int, int]:
        starts = "min(start_time_unix_nano), max(start_time_unix_nano)"
        row = self.database.execute(f"SELECT {starts} FROM '{path}'").fetchone()
        first, last = row or (None, None)
        return first or 0, last or 0

    def in_window(self, window: Window) -> Relation:
        return self._relation()

    def of_traces(self, trace_ids: Sequence[bytes]) -> Relation:
        return self._relation()

    def everything(self) -> Relation:
        return self._relation()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self.database.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def get_traces(self, trace_ids: list[bytes]) -> SpanBatch:
        return reading.get_traces(self, trace_ids)

    def find_traces(self, query: TraceQuery):
        return reading.find_traces(self, query)

    def find_points(self, query: TraceQuery, limit: int):
        return reading.find_points(self, query, limit)

    def get_services(self, window: Window) -> list[str]:
        return reading.get_services(self, window)

    def get_span_names(self, service_name: str | None, window: Window) -> list[str]:
        return reading.get_span_names(self, service_name, window)

    def get_attribute_keys(self, window: Window, prefix: str = "", limit: int = 100):
        return reading.get_attribute_keys(self, window, prefix, limit)

    def get_attribute_values(
        self, attribute: Attribute, window: Window, prefix: str = "", limit: int = 100
    ):
        return reading.get_attribute_values(self, attribute, window, prefix, limit)

    def get_service_statistics(self, window: Window):
        return reading.get_service_statistics(self, window)

    def get_excerpt(self, window: Window, reach_nano: int, keys: Sequence[str]):
        return reading.get_excerpt(self, window, reach_nano, keys)

    def get_sample(self, window, reach_nano, keys, operation, most_spans):
        return reading.get_sample(self, window, reach_nano, keys, operation, most_spans)

    def get_excerpt_of(self, trace_ids, keys, resource_keys, most):
        return reading.get_excerpt_of(self, trace_ids, keys, resource_keys, most)

    def get_span_columns(self, query: TraceQuery, most: int):
        return reading.get_span_columns(self, query, most)

    def get_marked_columns(self, query: TraceQuery, mark: Filter, most: int):
        return reading.get_marked_columns(self, query, mark, most)

    def get_root_columns(self, query: TraceQuery, most: int, without=None):
        return reading.get_root_columns(self, query, most, without)

    def is_empty(self) -> bool:
        return reading.is_empty(self)


def _raw(paths: list[Path]) -> str:
    files = ", ".join(f"'{path}'" for path in paths)
    return f"(SELECT * REPLACE ({PLAIN}) FROM read_parquet([{files}]))"
