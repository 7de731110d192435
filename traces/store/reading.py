"""The reading half of the store's contract, over any `Source`."""

from traces.store.attribute_keys import get_attribute_keys
from traces.store.completion import (
    get_attribute_values,
    get_services,
    get_span_names,
)
from traces.store.excerpts import get_excerpt, get_excerpt_of, get_sample
from traces.store.finding import find_points, find_traces
from traces.store.source import Source
from traces.store.span_columns import (
    get_marked_columns,
    get_root_columns,
    get_span_columns,
)
from traces.store.statistics import get_service_statistics
from traces.store.whole_traces import get_traces

__all__ = [
    "find_points",
    "find_traces",
    "get_attribute_keys",
    "get_attribute_values",
    "get_excerpt",
    "get_excerpt_of",
    "get_marked_columns",
    "get_root_columns",
    "get_sample",
    "get_service_statistics",
    "get_services",
    "get_span_columns",
    "get_span_names",
    "get_traces",
    "is_empty",
]


def is_empty(source: Source) -> bool:
    with source.connection() as connection:
        spans = source.everything().sql
        row = connection.execute(f"SELECT 1 FROM {spans} AS spans LIMIT 1").fetchone()
    return row is None
