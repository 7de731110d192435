"""Zipkin's spans as columns in Zipkin's own words: what each of its encodings ends as.

`zipkin_wire` makes OTLP's wire of them, so that what a tag or an endpoint means is
written once for all encodings.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.wire import Fault
from traces.receivers.wire_columns import Items
from traces.variant_columns import Bytes, Ints, Mask, lengths, offsets_of

_NIBBLES: Any = np.full(256, 0xFF, np.uint8)
_NIBBLES[list(b"0123456789abcdef")] = np.arange(16)


class Endpoints(NamedTuple):
    """Absent parts are empty, and port 0."""

    service: pa.StringArray
    address: pa.StringArray
    port: Ints


class Tags(NamedTuple):
    """Each with the number of its span, in order."""

    row: Ints
    keys: pa.StringArray
    values: pa.StringArray


class Annotations(NamedTuple):
    """Each with the number of its span, in order; microseconds."""

    row: Ints
    timestamp: Ints
    values: pa.StringArray


class ZipkinColumns(NamedTuple):
    """Spans of one or more requests.

    Ids are rows of 16 or 8 bytes, zeros for none; `kind` is OTLP's number; times are
    microseconds, 0 for none. `faults` are what the encoding itself found, and spans
    of `bad_parent` have a parent that is no id. `typed` are attributes that were no
    text, as KeyValue messages.
    """

    request: Ints
    trace_id: Bytes
    span_id: Bytes
    parent_id: Bytes
    bad_parent: Mask
    kind: Ints
    name: pa.StringArray
    timestamp: Ints
    duration: Ints
    debug: Mask
    shared: Mask
    local: Endpoints
    remote: Endpoints
    annotations: Annotations
    tags: Tags
    typed: Items
    faults: list[Fault]


class Ids(NamedTuple):
    """Rows of bytes, and which of them were no id and are zeros."""

    rows: Bytes
    bad: Mask


def ids_from_hex(texts: pa.StringArray, width: int) -> Ids:
    """Lower-case hexadecimal, padded on the left to `width` bytes."""
    padded = pc.utf8_lpad(texts, 2 * width, "0")
    sized = (lengths(padded) == 2 * width) & (lengths(texts) > 0)
    nibbles = _NIBBLES[_bytes_of(padded.filter(pa.array(sized)))].reshape(-1, 2 * width)
    good = (nibbles <= 0x0F).all(axis=1)
    rows = np.zeros((len(texts), width), np.uint8)
    found = np.flatnonzero(sized)[good]
    rows[found] = nibbles[good, 0::2] << 4 | nibbles[good, 1::2]
    bad = np.ones(len(texts), np.bool_)
    bad[found] = False
    return Ids(rows, bad)


def ids_from_bytes(ids: pa.BinaryArray, width: int, *, also: int) -> Ids:
    """Ids of `width` bytes, or of `also` bytes, which are padded on the left."""
    rows = np.zeros((len(ids), width), np.uint8)
    sizes = lengths(ids)
    for size in {width, also}:
        sized = sizes == size
        found = _bytes_of(ids.filter(pa.array(sized)))
        rows[sized, width - size :] = found.reshape(int(sized.sum()), size)
    return Ids(rows, (sizes != width) & (sizes != also))


def _bytes_of(array: pa.BinaryArray) -> Bytes:
    ends = offsets_of(array)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    return data[ends[0] : ends[-1]]
