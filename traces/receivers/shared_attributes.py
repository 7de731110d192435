"""Attributes of resources and scopes, which come again with every request.

A process sends the same few in each of its requests, so what they became is kept for
a while and most requests find all of theirs.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from traces.receivers.key_values import Attributes, encode_attributes
from traces.receivers.limits import Limits
from traces.variant_columns import Ints, offsets_of, variant_array

_MOST_ENTRIES = 1_000
_LARGEST_ENTRY_BYTES = 4_096
_Messages = tuple[bytes, ...]


class _Entry(NamedTuple):
    metadata: bytes
    value: bytes
    dropped: int
    remarks: tuple[str, ...]


_entries: dict[tuple[Limits, _Messages], _Entry] = {}


def encode_shared(lists: pa.ListArray, limits: Limits) -> Attributes:
    """As `encode_attributes`, and equal to it."""
    if not len(lists) or _average_bytes(lists) > _LARGEST_ENTRY_BYTES:
        return encode_attributes(lists, limits)
    keys = [(limits, tuple(messages)) for messages in lists.to_pylist()]
    entries = [_entries.get(key) for key in keys]
    missing = [row for row, entry in enumerate(entries) if entry is None]
    if missing:
        fresh = _encode(lists.take(pa.array(missing)), limits)
        for row, entry in zip(missing, fresh, strict=True):
            entries[row] = entry
            _remember(keys[row], entry)
    return _column([entry for entry in entries if entry is not None])


def _average_bytes(lists: pa.ListArray) -> float:
    messages = lists.flatten()
    offsets = offsets_of(messages)
    return float(offsets[-1] - offsets[0]) / len(lists)


def _encode(lists: pa.ListArray, limits: Limits) -> list[_Entry]:
    variant, dropped, remarks = encode_attributes(lists, limits)
    texts: list[tuple[str, ...]] = [()] * len(lists)
    for text, rows in remarks:
        for row in rows.tolist():
            texts[row] += (text,)
    pairs = zip(variant.field(0).to_pylist(), variant.field(1).to_pylist(), strict=True)
    return [
        _Entry(metadata, value, count, text)
        for (metadata, value), count, text in zip(
            pairs, dropped.tolist(), texts, strict=True
        )
    ]


def _remember(key: tuple[Limits, _Messages], entry: _Entry) -> None:
    if sum(map(len, key[1])) > _LARGEST_ENTRY_BYTES:
        return
    if len(_entries) >= _MOST_ENTRIES:
        _entries.clear()
    _entries[key] = entry


def _column(entries: list[_Entry]) -> Attributes:
    variant = variant_array(
        pa.array([entry.metadata for entry in entries], pa.binary()),
        pa.array([entry.value for entry in entries], pa.binary()),
    )
    rows_of: dict[str, list[int]] = {}
    for row, entry in enumerate(entries):
        for text in entry.remarks:
            rows_of.setdefault(text, []).append(row)
    dropped: Ints = np.array([entry.dropped for entry in entries], np.int64)
    return Attributes(variant, dropped, [(t, np.array(r)) for t, r in rows_of.items()])
