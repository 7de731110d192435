"""Find in one trace: which spans hold a text, without decoding all of them.

A VARIANT keeps text as its plain UTF-8 bytes and numbers in a few fixed forms, so the
bytes of a whole column are searched first; only the spans that might match are decoded.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.trace import Trace
from traces.tree import BoolArray, IntArray
from traces.variant import AttributeValue, decode_attributes

MAX_TEXT_CHARACTERS: Final = 200
MAX_MATCHES: Final = 1_000
MAX_DECODED: Final = 20_000
HEX_DIGITS: Final = frozenset("0123456789abcdef")
# Header byte and struct format of each width a VARIANT gives a number.
NUMBERS: Final = ((3, "<b"), (4, "<h"), (5, "<i"), (6, "<q"), (7, "<d"), (14, "<f"))
BOOLEANS: Final = {"true": b"\x04", "false": b"\x08"}


@dataclass(frozen=True, slots=True)
class Matches:
    """Rows from top to bottom; `cut` when there may be more."""

    rows: list[int]
    cut: bool


def find_spans(trace: Trace, text: str) -> Matches:
    """Spans whose name, service, status message, id, attribute keys or values, events
    or resource hold the text, whatever its case; numbers and booleans in full, ids
    from their start."""
    needle = text.strip().lower()
    if not needle:
        return Matches([], cut=False)
    sure = _in_columns(trace, needle)
    maybe = _in_bytes(trace, needle) & ~sure
    order = trace.tree.order
    candidates = order[(sure | maybe)[order]]
    found: list[int] = []
    decoded = 0
    for row in candidates.tolist():
        if len(found) == MAX_MATCHES or decoded == MAX_DECODED:
            return Matches(found, cut=True)
        decoded += not sure[row]
        if sure[row] or _holds(trace, row, needle):
            found.append(row)
    return Matches(found, cut=False)


def _in_columns(trace: Trace, needle: str) -> BoolArray:
    columns = trace.columns
    names = [needle in name.lower() for name in columns.names]
    services = [needle in name.lower() for name in columns.services]
    found: BoolArray = np.array(names, bool)[columns.name]
    found |= np.array(services, bool)[columns.service]
    if len(needle) <= 16 and set(needle) <= HEX_DIGITS:
        low, high = int(needle.ljust(16, "0"), 16), int(needle.ljust(16, "f"), 16)
        found |= (columns.span_id >= low) & (columns.span_id <= high)
    return found


def _in_bytes(trace: Trace, needle: str) -> BoolArray:
    """Every span that may hold it, and some that do not."""
    found = np.zeros(len(trace), bool)
    texts, numbers = _spellings(needle), _number_bytes(needle)
    for column in _byte_columns(trace.spans):
        found[_rows_holding(column, texts, numbers)] = True
    lists = trace.spans["events"].combine_chunks()
    if trace.columns.event_count.any():
        of_row = pc.list_parent_indices(lists).to_numpy()
        for column in _event_columns(pc.list_flatten(lists)):
            found[of_row[_rows_holding(column, texts, numbers)]] = True
    return found


def _byte_columns(spans: pa.Table) -> Iterator[pa.Array]:
    yield spans["status_message"].cast(pa.binary()).combine_chunks()
    for name in ("attributes", "resource_attributes"):
        column = spans[name].combine_chunks()
        yield from (pc.struct_field(column, part) for part in ("metadata", "value"))


def _event_columns(events: pa.StructArray) -> Iterator[pa.Array]:
    yield pc.struct_field(events, "name").cast(pa.binary())
    attributes = pc.struct_field(events, "attributes")
    yield from (pc.struct_field(attributes, part) for part in ("metadata", "value"))


def _spellings(needle: str) -> set[bytes]:
    """`bytes.lower` folds ASCII only, so other scripts are tried in both cases."""
    forms = (needle, needle.upper(), needle.capitalize())
    return {form.encode().lower() for form in forms}


def _number_bytes(needle: str) -> set[bytes]:
    if needle in BOOLEANS:
        return {BOOLEANS[needle]}
    found = set()
    for kind, form in NUMBERS:
        try:
            number = float(needle) if form in {"<d", "<f"} else int(needle)
            found.add(bytes([kind << 2]) + struct.pack(form, number))
        except (ValueError, OverflowError, struct.error):
            continue
    return found


def _rows_holding(column: Any, texts: set[bytes], numbers: set[bytes]) -> IntArray:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    _, offset_buffer, content = column.buffers()
    if content is None or len(column) == 0:
        return np.empty(0, np.int64)
    every = np.frombuffer(offset_buffer, width).astype(np.int64)
    offsets = every[column.offset : column.offset + len(column) + 1]
    raw = content.to_pybytes()
    lowered = raw.lower()
    hits = [at for text in texts for at in _hits(lowered, text, offsets)]
    hits += [at for number in numbers for at in _hits(raw, number, offsets)]
    return np.unique(np.array(hits, np.int64))


def _hits(content: bytes, pattern: bytes, offsets: IntArray) -> Iterator[int]:
    """Rows in which the pattern starts, each once: the search goes on in the next."""
    at = content.find(pattern, int(offsets[0]))
    while -1 < at < offsets[-1]:
        row = int(np.searchsorted(offsets, at, side="right")) - 1
        yield row
        at = content.find(pattern, int(offsets[row + 1]))


def _holds(trace: Trace, row: int, needle: str) -> bool:
    chosen = trace.spans.select(DECODED).slice(row, 1).to_pylist()[0]
    if needle in chosen["status_message"].lower():
        return True
    maps = [chosen["attributes"], chosen["resource_attributes"]]
    for event in chosen["events"] or []:
        if needle in event["name"].lower():
            return True
        maps.append(event["attributes"])
    return any(_is_in(decode_attributes(cell), needle) for cell in maps)


DECODED: Final = ["status_message", "attributes", "resource_attributes", "events"]


def _is_in(value: AttributeValue, needle: str) -> bool:
    stack: list[AttributeValue] = [value]
    while stack:
        match stack.pop():
            case str(text):
                if needle in text.lower():
                    return True
            case Mapping() as fields:
                if any(needle in key.lower() for key in fields):
                    return True
                stack += fields.values()
            case list(items):
                stack += items
            case bool() | int() | float() as scalar:
                if _spells(scalar, needle):
                    return True
    return False


def _spells(scalar: bool | float, needle: str) -> bool:  # noqa: FBT001
    if isinstance(scalar, bool):
        return needle == str(scalar).lower()
    try:
        return float(needle) == scalar if "." in needle else int(needle) == scalar
    except ValueError:
        return needle == str(scalar).lower()
