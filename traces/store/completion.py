"""What is in use: services, span names, attribute keys and values."""

from typing import Final

from traces.query import Attribute, Scope, Value, Window
from traces.store.checking import starts_within
from traces.store.distinct import distinct_spans
from traces.store.source import Source
from traces.store.sql import (
    COLUMNS,
    EVENT_ATTRIBUTES,
    Parameters,
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


def get_attribute_keys(
    source: Source, window: Window, prefix: str = "", limit: int = 100
) -> list[Attribute]:
    parameters = Parameters(prefix=prefix, limit=limit)
    in_window = starts_within(window, parameters)
    with source.connection() as connection:
        rows = connection.execute(
            f"""
            WITH spans AS NOT MATERIALIZED (
                SELECT * FROM {source.in_window(window).sql} AS spans WHERE {in_window}
            )
            SELECT DISTINCT key, scope FROM ({_KEYS})
            WHERE starts_with(key, $prefix) ORDER BY key, scope LIMIT $limit
            """,
            parameters,
        ).fetchall()
    return [Attribute(key, Scope(scope)) for key, scope in rows]


def _variants(scope: Scope) -> str:
    """A table of this scope's attribute maps, from a table `spans`."""
    if scope is Scope.EVENT:
        events = "SELECT unnest(events) AS event FROM spans WHERE len(events) > 0"
        return f"(SELECT {nested_variant(EVENT_ATTRIBUTES)} AS item FROM ({events}))"
    return f"(SELECT {COLUMNS[scope]} AS item FROM spans)"


_KEYS: Final = " UNION ALL ".join(
    f"SELECT unnest(variant_keys(item)) AS key, '{scope}' AS scope"
    f" FROM {_variants(scope)}"
    for scope in Scope
)


def get_attribute_values(
    source: Source,
    attribute: Attribute,
    window: Window,
    prefix: str = "",
    limit: int = 100,
) -> list[Value]:
    parameters = Parameters(key=attribute.key, prefix=prefix, limit=limit)
    in_window = starts_within(window, parameters)
    scopes = [attribute.scope] if attribute.scope else [Scope.SPAN, Scope.RESOURCE]
    items = " UNION ALL ".join(
        f"SELECT {extract('item', '$key')} AS item FROM {_variants(scope)}"
        for scope in scopes
    )
    with source.connection() as connection:
        rows = connection.execute(
            f"""
            WITH spans AS NOT MATERIALIZED (
                SELECT * FROM {distinct_spans(source.in_window(window), in_window)}
            )
            SELECT {_KIND} AS kind,
                CASE WHEN kind IS NOT NULL THEN TRY_CAST(item AS VARCHAR) END AS text
            FROM ({items})
            WHERE kind IS NOT NULL AND starts_with(text, $prefix)
            GROUP BY ALL ORDER BY count(*) DESC, text, kind LIMIT $limit
            """,
            parameters,
        ).fetchall()
    return [value_of(text, kind) for kind, text in rows]


_KIND: Final = "CASE variant_typeof(item) {} END".format(
    " ".join(f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in _KINDS.items())
)
