"""Excerpts of rows of decoded values, for the store in memory."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from traces.semconv import EXCEPTION_EVENT, EXCEPTION_MESSAGE, EXCEPTION_TYPE
from traces.spans import (
    EXCERPT_COLUMNS,
    StatusCode,
    excerpt_column,
    excerpt_schema,
    resource_column,
)
from traces.store.values import text_of

Row = dict[str, Any]


def excerpt_of(
    rows: Sequence[Row], keys: Sequence[str], resource_keys: Sequence[str] = ()
) -> pa.Table:
    return pa.Table.from_pylist(
        [_excerpt(row, keys, resource_keys) for row in rows],
        schema=excerpt_schema(keys, resource_keys),
    )


def _excerpt(row: Row, keys: Sequence[str], resource_keys: Sequence[str]) -> Row:
    own, resource = row["attributes"], row["resource_attributes"]
    texts = {excerpt_column(key): _text(own.get(key)) for key in keys}
    texts |= {resource_column(key): _text(resource.get(key)) for key in resource_keys}
    links = [
        {"trace_id": link["trace_id"], "span_id": link["span_id"]}
        for link in row["links"]
    ]
    exception = _last_exception(row)
    return {
        **{name: row[name] for name in EXCERPT_COLUMNS},
        **texts,
        "links": links,
        "exception_type": _text(exception.get(EXCEPTION_TYPE)),
        "exception_message": _text(exception.get(EXCEPTION_MESSAGE)),
    }


def _last_exception(row: Row) -> Row:
    found: list[Row] = [
        event["attributes"]
        for event in row["events"]
        if event["name"] == EXCEPTION_EVENT and row["status_code"] == StatusCode.ERROR
    ]
    return found[-1] if found else {}


def _text(value: Any) -> str | None:
    return text_of(value) if isinstance(value, str | int) else None
