"""The spans of a Relation, each once however often it is stored."""

from typing import Final

from traces.spans import SPAN_SCHEMA
from traces.store.source import Relation
from traces.store.sql import nested_variant

_NESTED: Final = (("events", "event"), ("links", "link"))


def distinct_spans(relation: Relation, condition: str = "true") -> str:
    """A table expression: the spans that satisfy the condition, equal ones once.

    Only spans that share their ids are compared as a whole, which is dear: all
    columns must be read.
    """
    chosen = f"SELECT * FROM {relation.sql} AS spans WHERE {condition}"
    if not relation.may_hold_duplicates:
        return f"({chosen})"
    return f"""(
        WITH chosen AS NOT MATERIALIZED ({chosen}),
        shared AS MATERIALIZED (
            SELECT trace_id, span_id FROM chosen GROUP BY ALL HAVING count(*) > 1
        )
        SELECT * FROM chosen ANTI JOIN shared USING (trace_id, span_id)
        UNION ALL
        SELECT * FROM (
            SELECT DISTINCT ON ({_CONTENT}) *
            FROM chosen SEMI JOIN shared USING (trace_id, span_id)
        )
    )"""


def _canonical(variant: str) -> str:
    # To DuckDB 0.0 equals -0.0 and NaN any NaN; as canonical bytes they differ.
    return f"variant_to_parquet_variant({variant})"


def _content(column: str) -> str:
    if column.endswith("attributes"):
        return _canonical(column)
    for name, item in _NESTED:
        if column == name:
            # The same attributes may have been written as different bytes.
            variant = _canonical(nested_variant(f"{item}.attributes"))
            return (
                f"list_transform({name}, lambda {item}:"
                f" struct_update({item}, attributes := {variant}))"
            )
    return column


_CONTENT: Final = ", ".join(_content(column) for column in SPAN_SCHEMA.names)
