"""Excerpts: of many whole traces what analyses need, and no more of a span than that."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from traces.query import Attribute, Scope, Window
from traces.semconv import EXCEPTION_EVENT, EXCEPTION_MESSAGE, EXCEPTION_TYPE
from traces.spans import EXCERPT_COLUMNS, StatusCode, excerpt_schema
from traces.store.base import TraceSample
from traces.store.checking import starts_within
from traces.store.distinct import distinct_spans
from traces.store.pieces import Piece, parts_sql, pieces
from traces.store.sampling import one_in_to_fit
from traces.store.shredded_keys import Kind
from traces.store.source import Relation, Source
from traces.store.sql import Parameters, extract, nested_variant
from traces.variant import decode_metadata

_COLUMN: Final = "attributes"
_TEXT_KINDS: Final = (Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN)
_TYPES_WITH_TEXT: Final = "('VARCHAR', 'INT64', 'BOOL_TRUE', 'BOOL_FALSE')"
_LAST_EXCEPTION: Final = f"""
    list_last(list_filter(events, lambda event: event.name = '{EXCEPTION_EVENT}'))
"""
# The lower half of MD5, as `sampling.trace_hash` has it.
_HASH: Final = "md5_number_lower(trace_id)"
_LINKS: Final = """
    list_transform(links, lambda link:
        {'trace_id': link.trace_id, 'span_id': link.span_id})
"""


def get_excerpt(
    source: Source, window: Window, reach_nano: int, keys: Sequence[str]
) -> pa.Table:
    """See `TraceStore.get_excerpt`."""
    question = _Question(window, reach_nano, keys)
    with source.connection() as connection:
        return _read(connection, source.in_window(question.reach), question)


def get_sample(
    source: Source,
    window: Window,
    reach_nano: int,
    keys: Sequence[str],
    operation: tuple[str, str],
    most_spans: int,
) -> TraceSample:
    """See `TraceStore.get_sample`."""
    question = _Question(window, reach_nano, keys)
    service_name, name = map(question.parameters.add, operation)
    question.traces = f"service_name = {service_name} AND name = {name}"
    with source.connection() as connection:
        relation = source.in_window(question.reach)
        hashes, counts = _sizes(connection, relation, question)
        one_in = one_in_to_fit(hashes, counts, most_spans)
        divisor = question.parameters.add(one_in)
        question.traces += f" AND {_HASH} % {divisor} = 0"
        spans = _read(connection, relation, question)
    return TraceSample(spans, one_in, len(hashes))


class _Question:
    """Which spans of which traces; `traces` is what one span in the window must be."""

    def __init__(self, window: Window, reach_nano: int, keys: Sequence[str]) -> None:
        self.keys = keys
        self.parameters = Parameters()
        self.reach = Window(
            window.start_time_unix_nano - reach_nano,
            window.end_time_unix_nano + reach_nano,
        )
        self.inside = starts_within(window, self.parameters)
        self.within_reach = starts_within(self.reach, self.parameters)
        self.traces = "true"

    def condition(self, relation: Relation) -> str:
        return f"""
            {self.within_reach} AND trace_id IN (
                SELECT trace_id FROM {relation.sql} AS inside
                WHERE {self.inside} AND {self.traces}
            )
        """


def _read(
    connection: duckdb.DuckDBPyConnection, relation: Relation, question: _Question
) -> pa.Table:
    keys, parameters = question.keys, question.parameters
    relation = _with_texts(relation, {key: parameters.add(key) for key in keys})
    spans = distinct_spans(relation, question.condition(relation))
    sql = f"SELECT {_selected(len(keys), parameters)} FROM {spans} AS spans"
    found = connection.sql(sql, params=parameters.used_in(sql)).to_arrow_table()
    schema = excerpt_schema(keys)
    return pa.Table.from_arrays(
        [
            column.cast(field.type)
            for column, field in zip(found.columns, schema, strict=True)
        ],
        schema=schema,
    )


def _sizes(
    connection: duckdb.DuckDBPyConnection, relation: Relation, question: _Question
) -> tuple[Any, Any]:
    """The hash and the number of spans of every trace, copies of spans included."""
    sql = f"""
        SELECT {_HASH} AS hash, count(*) AS spans FROM {relation.sql} AS spans
        WHERE {question.condition(relation)} GROUP BY trace_id
    """
    parameters = question.parameters.used_in(sql)
    found = connection.sql(sql, params=parameters).to_arrow_table()
    return found["hash"].to_numpy(), found["spans"].to_numpy()


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


def _with_texts(relation: Relation, names: Mapping[str, str]) -> Relation:
    """The relation with a column of text for each key."""
    wanted = [Attribute(key, Scope.SPAN) for key in names]
    selects = [
        _select_texts(piece, names) for piece in _pieces(relation, wanted, names)
    ]
    return relation._replace(sql=f"({' UNION ALL '.join(selects)})")


def _pieces(
    relation: Relation, wanted: Sequence[Attribute], keys: Iterable[str]
) -> Iterator[Piece]:
    plain = [part for part in relation.parts if not part.is_variant]
    if not plain:
        yield from pieces(relation, wanted)
        return
    used = _keys_of_plain([part.path for part in plain])
    absent = {(_COLUMN, key): Kind.ABSENT for key in keys if key not in used}
    yield Piece(parts_sql(plain), absent)
    shredded = tuple(part for part in relation.parts if part.is_variant)
    if shredded:
        yield from pieces(relation._replace(parts=shredded), wanted)


def _keys_of_plain(paths: Iterable[Path]) -> set[str]:
    """Every key that the metadata of a map lists, those of inner maps too."""
    name = f"{_COLUMN}.metadata"
    found: set[bytes] = set()
    for path in paths:
        with pq.ParquetFile(path, read_dictionary=[name]) as file:
            column = file.read(columns=[name], use_threads=False)[_COLUMN]
        metadata = pc.struct_field(column.combine_chunks(), "metadata")
        found.update(pc.unique(metadata.drop_null()).to_pylist())
    return {key for metadata in found for key in decode_metadata(metadata)}


def _select_texts(piece: Piece, names: Mapping[str, str]) -> str:
    texts = (
        f"{_text(placeholder, piece.kinds.get((_COLUMN, key)))} AS text_{at}"
        for at, (key, placeholder) in enumerate(names.items())
    )
    return f"SELECT {', '.join(('*', *texts))} FROM {piece.sql}"


def _text(placeholder: str, kind: Kind | None) -> str:
    item = extract(_COLUMN, placeholder)
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
