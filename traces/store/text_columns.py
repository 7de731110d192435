"""The attributes of chosen spans as columns of text, a column a key.

A file whose footer tells what each key is gets a statement of its own, which reads keys
as plain columns. Whatever else there is (files just written, spans stored twice) goes
through a table of VARIANTs, is counted by key and taken apart.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from traces.query import Filter, TraceQuery
from traces.spans import (
    ATTRIBUTE_PREFIXES,
    COMPARED_COLUMNS,
    MOST_KEYS,
    attribute_columns,
    compared_schema,
)
from traces.store.base import QueryTooExpensive
from traces.store.candidates import matching_sql
from traces.store.dictionary_batches import DictionaryBatches
from traces.store.distinct import distinct_spans
from traces.store.pieces import parts_sql
from traces.store.shredded_keys import Kind
from traces.store.source import Part, Relation
from traces.store.sql import Parameters, extract

IDS: Final = "trace_id, span_id"
# Of texts in the table of VARIANTs, which are dear.
MOST_VARIED_TEXTS: Final = 20_000_000
_SHOWN: Final = ", ".join((*COMPARED_COLUMNS, *ATTRIBUTE_PREFIXES))
_KEYS_AT_ONCE: Final = 16
_MOST_MIXED: Final = 8
_ROWS_AT_ONCE: Final = 1 << 17
_TYPES: Final = "('VARCHAR', 'INT64', 'BOOL_TRUE', 'BOOL_FALSE', 'DOUBLE')"
_ERRORS: Final = {
    "INTERRUPT Error": duckdb.InterruptException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "Not implemented Error": duckdb.NotImplementedException,
}


class Choice(NamedTuple):
    """Spans that match a query, or all, after a further join of each; `mark` is what
    some of those that match a query satisfy too."""

    query: TraceQuery | None
    joined: str = ""
    mark: Filter | None = None
    hints: bool = True

    @property
    def fields(self) -> list[str]:
        return [field.name for field in compared_schema(marked=self.mark is not None)]

    def sql(
        self, relation: Relation, parameters: Parameters, columns: str, more: str = ""
    ) -> str:
        """As a table expression, with MARKED if there is a mark."""
        joined = f"{self.joined} {more}"
        if self.query is None:
            return f"(SELECT {columns} FROM {relation.sql} AS spans {joined})"
        return matching_sql(
            relation,
            self.query,
            parameters,
            columns=columns,
            joined=joined,
            mark=self.mark,
            hints=self.hints,
        )


class _Key(NamedTuple):
    column: str
    key: str
    kind: Kind

    @property
    def name(self) -> str:
        return ATTRIBUTE_PREFIXES[self.column] + self.key

    def sql(self, parameters: Parameters) -> str:
        """Its text, or what becomes one as it does here."""
        item = extract(self.column, parameters.add(self.key))
        if self.kind is Kind.MIXED:
            text = f"TRY_CAST({item} AS VARCHAR)"
            return f"CASE WHEN variant_typeof({item}) IN {_TYPES} THEN {text} END"
        if self.kind is Kind.DOUBLE:
            return f"{item}::DOUBLE::VARCHAR"
        return f"{item}::{self.kind}"


class Texts(NamedTuple):
    """COMPARED_COLUMNS, then texts by prefix and key; and what is not there, in words."""

    table: pa.Table
    left_out: tuple[str, ...]


def most_keys(relation: Relation) -> int:
    """How many columns of text there may be, as far as footers tell."""
    keys = {key.name for part in relation.parts for key in _keys_of(part) or ()}
    return max(len(keys), 1)


def varied(relation: Relation) -> Relation | None:
    """The part of it whose attributes must be put together as VARIANTs."""
    if not relation.parts:
        return relation
    parts = tuple(part for part in relation.parts if _keys_of(part) is None)
    return relation._replace(sql=parts_sql(parts), parts=parts) if parts else None


def read_texts(
    connection: duckdb.DuckDBPyConnection, relation: Relation, choice: Choice
) -> Texts:
    """Of the chosen spans, each once, in any order. Raises QueryTooExpensive."""
    reading = _Reading(connection, relation, choice)
    reading.read_quick()
    reading.read_varied()
    return reading.texts()


class _Reading:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, relation: Relation, choice: Choice
    ) -> None:
        self.connection = connection
        self.relation = relation
        self.choice = choice
        self.batches = DictionaryBatches(marked=choice.mark is not None)
        self.unread: dict[str, dict[str, int]] = {}
        planned = [(part, _keys_of(part)) for part in relation.parts]
        self.quick = [(part, keys) for part, keys in planned if keys is not None]
        if not choice.hints:
            self.quick = []
        self.has_shared = relation.may_hold_duplicates and self._find_shared()

    def _find_shared(self) -> bool:
        """Fill `shared` with the ids that several of the chosen rows have."""
        parameters = Parameters()
        spans = self.choice.sql(self.relation, parameters, IDS)
        sql = f"""
            CREATE OR REPLACE TEMP TABLE shared AS
            SELECT {IDS} FROM {spans} GROUP BY {IDS} HAVING count(*) > 1
        """
        self.connection.execute(sql, parameters.used_in(sql))
        ((found,),) = self.connection.execute("SELECT count(*) FROM shared").fetchall()
        return bool(found)

    def read_quick(self) -> None:
        unshared = f"ANTI JOIN shared USING ({IDS})" if self.has_shared else ""
        for part, keys in self.quick:
            parameters = Parameters()
            names = {f"text_{at}": key for at, key in enumerate(keys)}
            texts = (f"{key.sql(parameters)} AS {name}" for name, key in names.items())
            columns = ", ".join((*COMPARED_COLUMNS, *texts))
            relation = self._of_parts([part])
            sql = self.choice.sql(relation, parameters, columns, unshared)
            for batch in self._batches(f"FROM {sql}", parameters):
                named = [names[n].name if n in names else n for n in batch.schema.names]
                self.batches.add(dict(zip(named, batch.columns, strict=True)))

    def read_varied(self) -> None:
        parameters = Parameters()
        spans = " UNION ALL ".join(self._varied(parameters))
        if not spans:
            return
        sql = f"""
            CREATE OR REPLACE TEMP TABLE kept AS
            SELECT *, row_number() OVER () AS place FROM ({spans})
        """
        self.connection.execute(sql, parameters.used_in(sql))
        fields = self.choice.fields
        columns = dict(zip(fields, self._kept(fields, Parameters()), strict=True))
        keys = [key for column in ATTRIBUTE_PREFIXES for key in self._counted(column)]
        if len(keys) * len(columns["trace_id"]) > MOST_VARIED_TEXTS:
            raise QueryTooExpensive("too many spans with too many different attributes")
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            # DuckDB needs megabytes for each VARIANT of a statement, however few rows.
            some, parameters = keys[first : first + _KEYS_AT_ONCE], Parameters()
            texts = self._kept([key.sql(parameters) for key in some], parameters)
            columns |= {
                key.name: text.combine_chunks().dictionary_encode()
                for key, text in zip(some, texts, strict=True)
            }
        self.batches.add(columns)

    def _varied(self, parameters: Parameters) -> Iterator[str]:
        """What is not read quickly."""
        quick = {part.path for part, _ in self.quick}
        rest = [part for part in self.relation.parts if part.path not in quick]
        if rest or not self.relation.parts:
            relation = self._of_parts(rest) if rest else self.relation
            unshared = f"ANTI JOIN shared USING ({IDS})" if self.has_shared else ""
            spans = self.choice.sql(relation, parameters, _SHOWN, unshared)
            shown = (*self.choice.fields, *ATTRIBUTE_PREFIXES)
            yield f"SELECT {', '.join(shown)} FROM {spans}"
        if self.has_shared:
            shared = f"SEMI JOIN shared USING ({IDS})"
            spans = self.choice.sql(self.relation, parameters, "*", shared)
            distinct = distinct_spans(self.relation._replace(sql=spans))
            shown = (*self.choice.fields, *ATTRIBUTE_PREFIXES)
            yield f"SELECT {', '.join(shown)} FROM {distinct}"

    def _of_parts(self, parts: Sequence[Part]) -> Relation:
        return self.relation._replace(sql=parts_sql(parts), parts=tuple(parts))

    def _counted(self, column: str) -> list[_Key]:
        """Those keys of `kept` that most spans have."""
        rows = self.connection.execute(
            f"SELECT key, count(*) FROM (SELECT unnest(variant_keys({column})) AS key"
            " FROM kept) GROUP BY key"
        ).fetchall()
        counts = dict(rows)
        keys = attribute_columns(counts, "").keys
        self.unread[column] = {key: counts[key] for key in counts.keys() - set(keys)}
        return [_Key(column, key, Kind.MIXED) for key in keys]

    def _kept(
        self, expressions: Sequence[str], parameters: Parameters
    ) -> list[pa.ChunkedArray]:
        sql = f"SELECT {', '.join(expressions)} FROM kept ORDER BY place"
        found: pa.Table = self.connection.sql(sql, params=parameters).to_arrow_table()
        return list(found.columns)

    def _batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        relation = self.connection.sql(sql, params=parameters.used_in(sql))
        try:
            yield from relation.to_arrow_reader(_ROWS_AT_ONCE)
        except OSError as error:
            raise _as_of_duckdb(error) from error

    def texts(self) -> Texts:
        """At most so many keys of a kind: those that most spans have."""
        table = self.batches.table()
        left_out: tuple[str, ...] = ()
        chosen = self.choice.fields
        for column, prefix in ATTRIBUTE_PREFIXES.items():
            counts = {
                name.removeprefix(prefix): len(table) - table[name].null_count
                for name in table.column_names
                if name.startswith(prefix)
            }
            found = attribute_columns(self.unread.get(column, {}) | counts, prefix)
            left_out += found.left_out
            chosen += [f"{prefix}{key}" for key in found.keys if key in counts]
        return Texts(table.select(chosen), left_out)


def _as_of_duckdb(error: OSError) -> duckdb.Error:
    """What DuckDB raises while it is read from, Arrow knows by its text only."""
    for begin, kind in _ERRORS.items():
        if str(error).startswith(begin):
            return kind(str(error))
    return duckdb.Error(str(error))


def _keys_of(part: Part) -> list[_Key] | None:
    """None when its footer does not tell enough of them to read them one by one."""
    if not part.is_variant:
        return None
    columns, found = part.keys(), []
    for column in ATTRIBUTE_PREFIXES:
        shredded = columns.get(column)
        if shredded is None or not shredded.is_whole:
            return None
        found += [
            _Key(column, key, shredded.kind(key) or Kind.MIXED)
            for key in shredded.kinds
        ]
    mixed = sum(key.kind is Kind.MIXED for key in found)
    return None if mixed > _MOST_MIXED or len(found) > 2 * MOST_KEYS else found
