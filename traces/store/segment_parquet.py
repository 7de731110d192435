"""The two Parquet formats of a segment, and the SQL that reads both as one table.

Plain: attributes as struct<metadata, value> byte pairs, cheap to write, exact for
anything. Variant: root attributes as shredded VARIANT columns, small and quick to
search. Attributes inside events and links are byte pairs in both, because DuckDB
writes VARIANT only at the root.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from traces.spans import SPAN_SCHEMA, SpanBatch

VARIANT_COLUMNS: Final = ("attributes", "resource_attributes", "scope_attributes")
NO_SPANS: Final = "no_spans"

_REPEATING: Final = [
    "name",
    "kind",
    "status_code",
    "status_message",
    "service_name",
    "trace_state",
    "flags",
    "scope_name",
    "scope_version",
    *(f"{name}.metadata" for name in VARIANT_COLUMNS),
    "resource_attributes.value",
    "scope_attributes.value",
]
# Below is what SPAN_SCHEMA becomes in DuckDB.
_PAIR: Final = "STRUCT(metadata BLOB, value BLOB)"
_EVENT: Final = (
    f"STRUCT(time_unix_nano BIGINT, name VARCHAR, attributes {_PAIR},"
    " dropped_attributes_count UINTEGER)"
)
_LINK: Final = (
    "STRUCT(trace_id BLOB, span_id BLOB, trace_state VARCHAR, flags UINTEGER,"
    f" attributes {_PAIR}, dropped_attributes_count UINTEGER)"
)
_SQL_TYPES: Final = {
    pa.int8(): "TINYINT",
    pa.int64(): "BIGINT",
    pa.uint32(): "UINTEGER",
    pa.string(): "VARCHAR",
}


def decoded(column: str) -> str:
    """SQL of a byte pair as a VARIANT."""
    return f"variant_bytes_to_variant({column}.metadata || {column}.value)"


COLUMN_LIST: Final = ", ".join(SPAN_SCHEMA.names)
DECODED_LIST: Final = ", ".join(
    f"{decoded(name)} AS {name}" if name in VARIANT_COLUMNS else name
    for name in SPAN_SCHEMA.names
)


def encode(batch: SpanBatch) -> pa.Buffer:
    """The batch as a plain Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        batch,
        sink,
        compression="zstd",
        use_dictionary=_REPEATING,
        write_statistics=["start_time_unix_nano"],
        store_schema=False,
    )
    return sink.getvalue()


def plain_sql(paths: Iterable[Path]) -> str:
    """Plain files with root attributes still byte pairs."""
    return f"SELECT {COLUMN_LIST} FROM {_scan(paths)}"


def union_sql(plain: Sequence[Path], variant: Sequence[Path]) -> str:
    """A table expression over files of both formats; its root attributes VARIANT."""
    parts = []
    if variant:
        parts.append(f"SELECT {COLUMN_LIST} FROM {_scan(variant)}")
    if plain:
        parts.append(f"SELECT {DECODED_LIST} FROM {_scan(plain)}")
    return f"({' UNION ALL '.join(parts)})" if parts else NO_SPANS


def _scan(paths: Iterable[Path]) -> str:
    return f"read_parquet([{', '.join(quoted(path) for path in paths)}])"


def quoted(path: Path) -> str:
    # The folder is the operator's, and may have a quote in its name.
    return "'" + str(path).replace("'", "''") + "'"


def empty_table_sql() -> str:
    columns = ", ".join(f"{field.name} {_sql_type(field)}" for field in SPAN_SCHEMA)
    return f"CREATE TABLE {NO_SPANS} ({columns})"


def _sql_type(field: pa.Field) -> str:
    if field.name in VARIANT_COLUMNS:
        return "VARIANT"
    if field.name in ("events", "links"):
        return f"{_EVENT if field.name == 'events' else _LINK}[]"
    return _SQL_TYPES.get(field.type, "BLOB")
