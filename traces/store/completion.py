"""What is in use: services, span names and attribute values."""

from typing import Final

from traces.query import Attribute, Scope, Value, Window
from traces.store.checking import starts_within
from traces.store.distinct import distinct_spans
from traces.store.pieces import Piece, pieces
from traces.store.shredded_keys import Kind
from traces.store.source import Relation, Source
from traces.store.sql import (
    EVENT_ATTRIBUTES,
    Parameters,
    columns_of,
    extract,
    nested_variant,
)
from traces.store.values import value_of

MAX_SPAN_NAMES: Final = 1_000
# The names of a VARIANT's types to DuckDB, of its values' to Python.
_KINDS: Final = {
    "BOOL_TRUE": "bool",
    "BOOL_FALSE": "bool",
    "INT64": "int",
    "DOUBLE": "float",
    "VARCHAR": "str",
}
_NAMES: Final = {
    Kind.BOOLEAN: "bool",
    Kind.INTEGER: "int",
    Kind.DOUBLE: "float",
    Kind.TEXT: "str",
}


def get_services(source: Source, window: Window) -> list[str]:
    return _distinct(source, window, "service_name", "true", Parameters())


def get_span_names(
    source: Source, service_name: str | None, window: Window
) -> list[str]:
    parameters = Parameters()
    where = "true"
    if service_name is not None:
        where = f"service_name = {parameters.add(service_name)}"
    names = _distinct(source, window, "name", where, parameters)
    return names[:MAX_SPAN_NAMES]


def _distinct(
    source: Source, window: Window, column: str, where: str, parameters: Parameters
) -> list[str]:
    in_window = starts_within(window, parameters)
    with source.connection() as connection:
        rows = connection.execute(
            f"""
            SELECT DISTINCT {column} FROM {source.in_window(window).sql} AS spans
            WHERE {in_window} AND {where} ORDER BY 1
            """,
            parameters,
        ).fetchall()
    return [text for (text,) in rows]


def get_attribute_values(
    source: Source,
    attribute: Attribute,
    window: Window,
    prefix: str = "",
    limit: int = 100,
) -> list[Value]:
    parameters = Parameters(key=attribute.key, prefix=prefix, limit=limit)
    in_window = starts_within(window, parameters)
    with source.connection() as connection:
        relation = source.in_window(window)
        if attribute.scope is not Scope.EVENT:
            relation = _with_values(relation, attribute)
        spans = distinct_spans(relation, in_window)
        sql = f"""
            WITH spans AS NOT MATERIALIZED (SELECT * FROM {spans})
            SELECT kind, text FROM ({_values(attribute)})
            WHERE kind IS NOT NULL AND starts_with(text, $prefix)
            GROUP BY ALL ORDER BY count(*) DESC, text, kind LIMIT $limit
        """
        rows = connection.execute(sql, parameters.used_in(sql)).fetchall()
    return [value_of(text, kind) for kind, text in rows]


def _values(attribute: Attribute) -> str:
    """The kind and the text of each value, from a table `spans`."""
    if attribute.scope is Scope.EVENT:
        events = "SELECT unnest(events) AS event FROM spans WHERE len(events) > 0"
        item = extract(nested_variant(EVENT_ATTRIBUTES), "$key")
        return f"SELECT {_kind_and_text(item)} FROM ({events})"
    return " UNION ALL ".join(
        f"SELECT {column}_kind AS kind, {column}_text AS text FROM spans"
        for column in columns_of(attribute.scope)
    )


def _with_values(relation: Relation, attribute: Attribute) -> Relation:
    """The relation with two columns more for each column of attributes."""
    selects = [
        _select_values(piece, attribute) for piece in pieces(relation, [attribute])
    ]
    return relation._replace(sql=f"({' UNION ALL '.join(selects)})")


def _select_values(piece: Piece, attribute: Attribute) -> str:
    added = ", ".join(
        _value_columns(column, piece.kinds.get((column, attribute.key)))
        for column in columns_of(attribute.scope)
    )
    return f"SELECT *, {added} FROM {piece.sql}"


def _value_columns(column: str, kind: Kind | None) -> str:
    item = extract(column, "$key")
    names = f"{column}_kind", f"{column}_text"
    if kind is Kind.ABSENT:
        return _kind_and_text("NULL::VARIANT", *names)
    if kind is None or kind is Kind.MIXED:
        return _kind_and_text(item, *names)
    typed = f"{item}::{kind}"
    return (
        f"CASE WHEN {typed} IS NOT NULL THEN '{_NAMES[kind]}' END AS {names[0]},"
        f" {typed}::VARCHAR AS {names[1]}"
    )


def _kind_and_text(item: str, kind: str = "kind", text: str = "text") -> str:
    cases = " ".join(
        f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in _KINDS.items()
    )
    named = f"CASE variant_typeof({item}) {cases} END"
    return (
        f"{named} AS {kind},"
        f" CASE WHEN {named} IS NOT NULL THEN TRY_CAST({item} AS VARCHAR) END AS {text}"
    )
