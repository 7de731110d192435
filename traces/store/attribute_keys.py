"""Which attribute keys are in use: from footers where they tell, else from the spans."""

from collections import defaultdict
from collections.abc import Iterable

import duckdb

from traces.query import Attribute, Scope, Window
from traces.store.checking import starts_within
from traces.store.pieces import parts_sql
from traces.store.shredded_keys import Kind, ShreddedColumn
from traces.store.source import Part, Relation, Source
from traces.store.sql import (
    COLUMNS,
    EVENT_ATTRIBUTES,
    Parameters,
    extract,
    nested_variant,
)


def get_attribute_keys(
    source: Source, window: Window, prefix: str = "", limit: int = 100
) -> list[Attribute]:
    with source.connection() as connection:
        relation = source.in_window(window)
        return _Search(connection, window, prefix, limit).keys(relation)


class _Search:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        window: Window,
        prefix: str,
        limit: int,
    ) -> None:
        self.connection = connection
        self.window = window
        self.prefix = prefix
        self.limit = limit
        self.certain: set[Attribute] = set()
        self.possible: defaultdict[Attribute, list[Part]] = defaultdict(list)

    def keys(self, relation: Relation) -> list[Attribute]:
        for scope in Scope:
            unlisted = self._take_listed(relation.parts, scope)
            if unlisted or not relation.parts:
                spans = parts_sql(unlisted) if unlisted else relation.sql
                self.certain |= self._scan(spans, scope)
        return self._first()

    def _take_listed(self, parts: Iterable[Part], scope: Scope) -> list[Part]:
        """The parts whose footers do not list all keys of this scope."""
        unlisted = []
        for part in parts:
            column = part.keys().get(COLUMNS[scope]) if scope in COLUMNS else None
            if column is None or not column.is_whole:
                unlisted.append(part)
            else:
                self._take(part, column, scope)
        return unlisted

    def _take(self, part: Part, column: ShreddedColumn, scope: Scope) -> None:
        for key in column.kinds:
            if not key.startswith(self.prefix):
                continue
            if self._is_inside(part):
                self.certain.add(Attribute(key, scope))
            else:
                self.possible[Attribute(key, scope)].append(part)

    def _is_inside(self, part: Part) -> bool:
        """Whether all its spans start in the window."""
        start, end = self.window.start_time_unix_nano, self.window.end_time_unix_nano
        first, last = part.first_start_unix_nano, part.last_start_unix_nano
        return start <= first and last < end

    def _scan(self, spans: str, scope: Scope) -> set[Attribute]:
        parameters = Parameters(prefix=self.prefix, limit=self.limit)
        rows = self.connection.execute(
            f"""
            SELECT DISTINCT key FROM (
                SELECT unnest(variant_keys({_map_of(scope)})) AS key
                FROM {_rows(spans, scope, starts_within(self.window, parameters))}
            )
            WHERE starts_with(key, $prefix) ORDER BY key LIMIT $limit
            """,
            parameters,
        ).fetchall()
        return {Attribute(key, scope) for (key,) in rows}

    def _first(self) -> list[Attribute]:
        """In order; of the possible ones, no more are looked for than are needed."""
        found: list[Attribute] = []
        for one in sorted(self.certain | self.possible.keys(), key=_place):
            if len(found) == self.limit:
                break
            if one in self.certain or self._is_used(one):
                found.append(one)
        return found

    def _is_used(self, attribute: Attribute) -> bool:
        return any(self._occurs(attribute, part) for part in self.possible[attribute])

    def _occurs(self, attribute: Attribute, part: Part) -> bool:
        parameters = Parameters(key=attribute.key)
        column = _column(attribute)
        has_key = f"list_contains(variant_keys({column}), $key)"
        kind = part.keys()[column].kind(attribute.key)
        if kind is not None and kind is not Kind.MIXED:
            has_key = f"{extract(column, '$key')}::{kind} IS NOT NULL"
        in_window = starts_within(self.window, parameters)
        row = self.connection.execute(
            f"""
            SELECT 1 FROM {parts_sql([part])} AS spans
            WHERE {in_window} AND {has_key} LIMIT 1
            """,
            parameters,
        ).fetchone()
        return row is not None


def _column(attribute: Attribute) -> str:
    return COLUMNS[attribute.scope or Scope.SPAN]


def _place(attribute: Attribute) -> tuple[str, str]:
    return attribute.key, attribute.scope or ""


def _map_of(scope: Scope) -> str:
    return COLUMNS.get(scope) or nested_variant(EVENT_ATTRIBUTES)


def _rows(spans: str, scope: Scope, condition: str) -> str:
    """What has the maps of this scope: spans, or the events of spans."""
    if scope is not Scope.EVENT:
        return f"{spans} AS spans WHERE {condition}"
    events = f"SELECT unnest(events) AS event FROM {spans} AS spans"
    return f"({events} WHERE {condition} AND len(events) > 0)"
