"""Columns of all attributes from rows of decoded values, for the store in memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from traces.spans import (
    ATTRIBUTE_PREFIXES,
    COMPARED_COLUMNS,
    MOST_TEXT_CHARACTERS,
    SpanColumns,
    attribute_columns,
    compared_schema,
)
from traces.store.sampling import is_sampled
from traces.store.values import text_of

Row = dict[str, Any]


def columns_of_spans(rows: Iterable[Row], most: int) -> SpanColumns:
    """Of so many, evenly over their ids."""
    rows = list(rows)
    ids = sorted({(row["trace_id"], row["span_id"]) for row in rows})
    sampled = {
        one for place, one in enumerate(ids) if is_sampled(place, len(ids), most)
    }
    kept = [row for row in rows if (row["trace_id"], row["span_id"]) in sampled]
    return _columns(kept, max(len(ids), len(kept)))


def columns_of_roots(traces: Sequence[Sequence[Row]], most: int) -> SpanColumns:
    """Of the roots of so many traces, in the order of the traces' ids."""
    sampled = [
        rows
        for place, rows in enumerate(traces)
        if is_sampled(place, len(traces), most)
    ]
    return _columns([min(rows, key=_root_first) for rows in sampled], len(traces))


def _columns(rows: Sequence[Row], matched: int) -> SpanColumns:
    names = list(COMPARED_COLUMNS)
    arrays = [
        pa.array([row[field.name] for row in rows]).cast(field.type)
        for field in compared_schema()
    ]
    left_out: list[str] = []
    for column, prefix in ATTRIBUTE_PREFIXES.items():
        counts = Counter(key for row in rows for key in row[column])
        chosen = attribute_columns(counts, prefix)
        left_out += chosen.left_out
        for key in chosen.keys:
            texts = [_text(row[column].get(key)) for row in rows]
            if any(text is not None for text in texts):
                names.append(f"{prefix}{key}")
                arrays.append(pa.array(texts, pa.string()).dictionary_encode())
    return SpanColumns(pa.table(arrays, names=names), matched, tuple(left_out))


def _text(value: Any) -> str | None:
    if not isinstance(value, str | int | float):
        return None
    return text_of(value)[:MOST_TEXT_CHARACTERS]


def _root_first(row: Row) -> tuple[Any, ...]:
    return (
        row["parent_span_id"] is not None,
        row["start_time_unix_nano"],
        row["span_id"],
        row["service_name"],
        row["name"],
    )
