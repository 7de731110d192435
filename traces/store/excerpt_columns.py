"""The columns of an excerpt: the fields of spans, and attributes as text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from traces.query import Attribute, Scope
from traces.semconv import EXCEPTION_EVENT, EXCEPTION_MESSAGE, EXCEPTION_TYPE
from traces.spans import EXCERPT_COLUMNS, StatusCode, excerpt_schema
from traces.store.distinct import distinct_spans
from traces.store.pieces import ColumnKey, Piece, parts_sql, pieces
from traces.store.shredded_keys import Kind
from traces.store.source import Relation
from traces.store.sql import COLUMNS, Parameters, extract, nested_variant
from traces.variant import decode_metadata

# By column and key; what stands for the key in SQL.
Names = Mapping[ColumnKey, str]

_SCOPES: Final = {COLUMNS[scope]: scope for scope in (Scope.SPAN, Scope.RESOURCE)}
_TEXT_KINDS: Final = (Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN)
_TYPES_WITH_TEXT: Final = "('VARCHAR', 'INT64', 'BOOL_TRUE', 'BOOL_FALSE')"
_LAST_EXCEPTION: Final = f"""
    list_last(list_filter(events, lambda event: event.name = '{EXCEPTION_EVENT}'))
"""
_LINKS: Final = """
    list_transform(links, lambda link:
        {'trace_id': link.trace_id, 'span_id': link.span_id})
"""


class Keys(NamedTuple):
    """Of attributes of spans and of their resources."""

    span: Sequence[str]
    resource: Sequence[str] = ()

    def names(self, parameters: Parameters) -> dict[ColumnKey, str]:
        pairs = [
            *((COLUMNS[Scope.SPAN], key) for key in self.span),
            *((COLUMNS[Scope.RESOURCE], key) for key in self.resource),
        ]
        return {pair: parameters.add(pair[1]) for pair in pairs}


def read_columns(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    keys: Keys,
    condition: str,
    parameters: Parameters,
) -> pa.Table:
    """Rows of `excerpt_schema(*keys)`, of the spans that satisfy the condition."""
    names = keys.names(parameters)
    spans = distinct_spans(_with_texts(relation, names), condition)
    sql = f"SELECT {_selected(len(names), parameters)} FROM {spans} AS spans"
    found = connection.sql(sql, params=parameters.used_in(sql)).to_arrow_table()
    schema = excerpt_schema(*keys)
    return pa.Table.from_arrays(
        [
            column.cast(field.type)
            for column, field in zip(found.columns, schema, strict=True)
        ],
        schema=schema,
    )


def _selected(key_count: int, parameters: Parameters) -> str:
    """In the order of `excerpt_schema`."""
    texts = (f"text_{at}" for at in range(key_count))
    exceptions = (
        _of_last_exception(parameters.add(key))
        for key in (EXCEPTION_TYPE, EXCEPTION_MESSAGE)
    )
    return ", ".join((*EXCERPT_COLUMNS, *texts, _LINKS, *exceptions))


def _of_last_exception(placeholder: str) -> str:
    """Looked for in failed spans only: events are dear to read."""
    value = extract(nested_variant(f"({_LAST_EXCEPTION}).attributes"), placeholder)
    failed = f"status_code = {StatusCode.ERROR.value} AND len(events) > 0"
    return f"CASE WHEN {failed} THEN {_text_of(value)} END"


def _with_texts(relation: Relation, names: Names) -> Relation:
    """The relation with a column of text for each key."""
    selects = [_select_texts(piece, names) for piece in _pieces(relation, names)]
    return relation._replace(sql=f"({' UNION ALL '.join(selects)})")


def _pieces(relation: Relation, names: Names) -> Iterator[Piece]:
    wanted = [Attribute(key, _SCOPES[column]) for column, key in names]
    plain = [part for part in relation.parts if not part.is_variant]
    if not plain:
        yield from pieces(relation, wanted)
        return
    paths = [part.path for part in plain]
    used = {
        column: _keys_of_plain(paths, column) for column in {name for name, _ in names}
    }
    absent = {
        (column, key): Kind.ABSENT for column, key in names if key not in used[column]
    }
    yield Piece(parts_sql(plain), absent)
    shredded = tuple(part for part in relation.parts if part.is_variant)
    if shredded:
        yield from pieces(relation._replace(parts=shredded), wanted)


def _keys_of_plain(paths: Iterable[Path], column: str) -> set[str]:
    """Every key that the metadata of a map lists, those of inner maps too."""
    name = f"{column}.metadata"
    found: set[bytes] = set()
    for path in paths:
        with pq.ParquetFile(path, read_dictionary=[name]) as file:
            maps = file.read(columns=[name], use_threads=False)[column]
        metadata = pc.struct_field(maps.combine_chunks(), "metadata")
        found.update(pc.unique(metadata.drop_null()).to_pylist())
    return {key for metadata in found for key in decode_metadata(metadata)}


def _select_texts(piece: Piece, names: Names) -> str:
    texts = (
        f"{_text(extract(column, placeholder), piece.kinds.get((column, key)))}"
        f" AS text_{at}"
        for at, ((column, key), placeholder) in enumerate(names.items())
    )
    return f"SELECT {', '.join(('*', *texts))} FROM {piece.sql}"


def _text(item: str, kind: Kind | None) -> str:
    if kind in _TEXT_KINDS:
        return f"{item}::{kind}::VARCHAR"
    if kind is Kind.ABSENT or kind is Kind.DOUBLE:
        return "NULL::VARCHAR"
    return _text_of(item)


def _text_of(item: str) -> str:
    return (
        f"CASE WHEN variant_typeof({item}) IN {_TYPES_WITH_TEXT}"
        f" THEN TRY_CAST({item} AS VARCHAR) END"
    )
