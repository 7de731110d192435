"""Zipkin's annotations as events."""

import math
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.wire_columns import Items, plain_events, to_lists
from traces.receivers.wire_format import Scalar, event, key_value
from traces.receivers.zipkin_columns import Annotations
from traces.receivers.zipkin_times import NANO_PER_MICRO
from traces.variant_columns import Ints

# Looks like the name of an event and its attributes; JSON will tell.
_WRITTEN: Final = r'^\{?".*\}$'


def to_events(annotations: Annotations, micro: Ints, rows: int) -> pa.ListArray:
    """The Event messages of each of the spans."""
    nano, values = micro * NANO_PER_MICRO, annotations.values
    messages = plain_events(nano, values)
    written = pc.match_substring_regex(values, _WRITTEN)
    if pc.any(written).as_py():
        messages = pc.replace_with_mask(
            messages, written, _with_attributes(nano, values, written)
        )
    return to_lists([Items(annotations.row, messages)], rows)


def _with_attributes(
    nano: Ints, values: pa.StringArray, written: pa.BooleanArray
) -> pa.BinaryArray:
    """One by one, because each is a JSON document of its own."""
    times = nano[written.to_numpy(zero_copy_only=False)].tolist()
    texts = values.filter(written).to_pylist()
    messages = [_event(*pair) for pair in zip(times, texts, strict=True)]
    return pa.array(messages, pa.binary())


def _event(time_unix_nano: int, value: str) -> bytes:
    name, attributes = _name_and_attributes(value)
    messages = [key_value(key, each) for key, each in attributes.items()]
    return event(time_unix_nano, name, messages)


def _name_and_attributes(value: str) -> tuple[str, dict[str, Scalar]]:
    """`"name": {"key": value}` is how OpenTelemetry's exporters write an event, that of
    Python with braces around it."""
    document = value if value.startswith("{") else f"{{{value}}}"
    try:
        [(name, attributes)] = orjson.loads(document).items()
    except ValueError:
        return value, {}
    flat = isinstance(attributes, dict) and all(map(_is_scalar, attributes.values()))
    return (name, attributes) if flat else (value, {})


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))
