"""SpanBatch, the one noun that flows from the receivers to the pages.

A SpanBatch is an Arrow table in `SPAN_SCHEMA`, one row a span, in OpenTelemetry's own
field names. Ids are bytes; times are nanoseconds since the epoch, UTC. An absent
parent is null. `duration_nano` is end minus start as sent, so it is negative when a
span ends before it starts. Attribute maps are VARIANT (see `traces.variant`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa

from traces.variant import VARIANT, VARIANT_FIELD_METADATA

# pyarrow ships no types, so the checker sees Any here.
SpanBatch: TypeAlias = pa.Table

TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8
TRACE_ID: Final = pa.binary(TRACE_ID_BYTES)
SPAN_ID: Final = pa.binary(SPAN_ID_BYTES)


class SpanKind(IntEnum):
    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    UNSET = 0
    OK = 1
    ERROR = 2


EVENT: Final = pa.struct(
    [
        pa.field("time_unix_nano", pa.int64(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("attributes", VARIANT),
        pa.field("dropped_attributes_count", pa.uint32(), nullable=False),
    ]
)
LINK: Final = pa.struct(
    [
        pa.field("trace_id", TRACE_ID, nullable=False),
        pa.field("span_id", SPAN_ID, nullable=False),
        pa.field("trace_state", pa.string(), nullable=False),
        pa.field("flags", pa.uint32(), nullable=False),
        pa.field("attributes", VARIANT),
        pa.field("dropped_attributes_count", pa.uint32(), nullable=False),
    ]
)


def _variant(name: str) -> pa.Field:
    return pa.field(name, VARIANT, metadata=VARIANT_FIELD_METADATA)


SPAN_SCHEMA: Final = pa.schema(
    [
        pa.field("trace_id", TRACE_ID, nullable=False),
        pa.field("span_id", SPAN_ID, nullable=False),
        pa.field("parent_span_id", SPAN_ID),
        pa.field("trace_state", pa.string(), nullable=False),
        pa.field("flags", pa.uint32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("start_time_unix_nano", pa.int64(), nullable=False),
        pa.field("duration_nano", pa.int64(), nullable=False),
        pa.field("status_code", pa.int8(), nullable=False),
        pa.field("status_message", pa.string(), nullable=False),
        pa.field("service_name", pa.string(), nullable=False),
        _variant("attributes"),
        _variant("resource_attributes"),
        pa.field("scope_name", pa.string(), nullable=False),
        pa.field("scope_version", pa.string(), nullable=False),
        _variant("scope_attributes"),
        pa.field("events", pa.list_(pa.field("element", EVENT))),
        pa.field("links", pa.list_(pa.field("element", LINK))),
        pa.field("dropped_attributes_count", pa.uint32(), nullable=False),
        pa.field("dropped_events_count", pa.uint32(), nullable=False),
        pa.field("dropped_links_count", pa.uint32(), nullable=False),
    ]
)

# What analyses read of every span, see `TraceStore.get_excerpt`.
EXCERPT_COLUMNS: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_state",
    "service_name",
    "name",
    "kind",
    "start_time_unix_nano",
    "duration_nano",
    "status_code",
    "status_message",
)
EXCERPT_LINKS: Final = pa.list_(
    pa.struct([pa.field("trace_id", TRACE_ID), pa.field("span_id", SPAN_ID)])
)


def excerpt_column(key: str) -> str:
    """The name of the column with the texts of a span attribute."""
    return f"attributes.{key}"


def resource_column(key: str) -> str:
    """The name of the column with the texts of an attribute of the span's resource."""
    return f"resource_attributes.{key}"


def excerpt_schema(keys: Sequence[str], resource_keys: Sequence[str] = ()) -> pa.Schema:
    fields = [SPAN_SCHEMA.field(name) for name in EXCERPT_COLUMNS]
    columns = [*map(excerpt_column, keys), *map(resource_column, resource_keys)]
    fields += [pa.field(name, pa.string()) for name in columns]
    fields.append(pa.field("links", EXCERPT_LINKS))
    fields += [
        pa.field(name, pa.string()) for name in ("exception_type", "exception_message")
    ]
    return pa.schema(fields)


# What SpanColumns have of every span; texts are dictionaries.
COMPARED_COLUMNS: Final = (
    "trace_id",
    "span_id",
    "kind",
    "status_code",
    "trace_state",
    "service_name",
    "name",
)


MARKED: Final = "marked"


def compared_schema(*, marked: bool = False) -> pa.Schema:
    fields = [SPAN_SCHEMA.field(name) for name in COMPARED_COLUMNS]
    fields = [
        field.with_type(TEXTS) if field.type == pa.string() else field
        for field in fields
    ]
    return pa.schema([*fields, pa.field(MARKED, pa.bool_())] if marked else fields)


# Attributes as the columns of SpanColumns: keys of these, named as searches name them.
ATTRIBUTE_PREFIXES: Final = {"attributes": "span.", "resource_attributes": "resource."}
MOST_KEYS: Final = 200
# Of spans and their attributes, as far as a store knows beforehand how many there are.
MOST_TEXTS: Final = 16_000_000
MOST_TEXT_CHARACTERS: Final = 256
TEXTS: Final = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Some spans, at most as many as were asked for, spread evenly over the ids.

    `table` has COMPARED_COLUMNS, MARKED if it was asked for, and then a dictionary of texts for each attribute that
    is a text, a number or a boolean of one of them, `span.<key>` or `resource.<key>`;
    null where it is none. Each chunk has a dictionary of its own. `matched` counts what these were taken from. `left_out` is
    in words.
    """

    table: pa.Table
    matched: int
    left_out: tuple[str, ...] = ()


class ChosenKeys(NamedTuple):
    keys: list[str]
    left_out: tuple[str, ...]


def attribute_columns(counts: Mapping[str, int], prefix: str) -> ChosenKeys:
    """Sorted, at most MOST_KEYS of them: those that most spans have."""
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    rest = len(ranked) - MOST_KEYS
    told = f"{rest} {prefix.rstrip('.')} attributes that few spans have"
    return ChosenKeys(sorted(ranked[:MOST_KEYS]), (told,) if rest > 0 else ())


def empty_batch() -> SpanBatch:
    batch: SpanBatch = SPAN_SCHEMA.empty_table()
    return batch
