"""Whole columns of attribute maps to VARIANT, without a Python step per attribute.

Spans of one kind carry the same keys in the same order, so the rows fall into few
*shapes*. Metadata, key order and duplicate keys are worked out once a shape; what is
left for each row is a header of fixed-width numbers and one gather of bytes.
"""

import secrets
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from traces.variant import VARIANT

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_OBJECT = 0x02
_SORTED_METADATA = 0x11
_MAX_SMALL = 0xFF
_WIDTHS = ((1, 0xFF), (2, 0xFFFF), (4, 0x7FFFFFFF))
_EMPTY: Final = (b"\x11\0\0", b"\x02\0\0")  # no names; no fields
# Secret, so that nobody can choose keys whose shapes collide; see `_find_shapes`.
_RANDOM: Final = np.random.default_rng(secrets.randbits(128))


class Keys(NamedTuple):
    """Key names as a dictionary: one index a map entry into the distinct words."""

    ids: Ints
    words: pa.BinaryArray


class Pieces(NamedTuple):
    """Encoded values: entry i is `pool[at[i]]`."""

    pool: pa.BinaryArray
    at: Ints


class Shapes(NamedTuple):
    """The distinct key sequences of the rows, each stored sorted by key bytes.

    `of_row` names each row's shape; shape s owns `starts[s]:starts[s + 1]` of
    `entry` (the entry's place in the row as sent) and of `key` (its word).
    """

    of_row: Ints
    starts: Ints
    entry: Ints
    key: Ints
    repeats: Mask  # whether a shape holds a key twice


class Column(NamedTuple):
    """A VARIANT column, and the rows that are not in it because a key repeats."""

    variant: pa.StructArray
    repeated: Ints


def encode_objects(offsets: Ints, keys: Keys, pieces: Pieces) -> Column:
    """VARIANT objects, one a row; row r owns entries `offsets[r]:offsets[r + 1]`.

    A row in which a key repeats has no encoding: it comes back empty and is named
    in `repeated`.
    """
    rows = len(offsets) - 1
    row = np.repeat(np.arange(rows), np.diff(offsets))
    shapes = _find_shapes(offsets, keys)
    repeated = np.flatnonzero(shapes.repeats[shapes.of_row])
    if len(repeated):
        kept = ~shapes.repeats[shapes.of_row][row]
        counts = np.where(shapes.repeats[shapes.of_row], 0, np.diff(offsets))
        column = encode_objects(
            running_total(counts),
            Keys(keys.ids[kept], keys.words),
            Pieces(pieces.pool, pieces.at[kept]),
        )
        return Column(column.variant, repeated)
    metadata = _metadata(shapes, keys.words).take(pa.array(shapes.of_row))
    return Column(
        variant_array(metadata, _values(offsets, row, shapes, pieces)), repeated
    )


def empty_maps(rows: int) -> pa.StructArray:
    metadata, value = (pa.repeat(pa.scalar(part, pa.binary()), rows) for part in _EMPTY)
    return variant_array(metadata, value)


def variant_array(metadata: pa.BinaryArray, value: pa.BinaryArray) -> pa.StructArray:
    return pa.StructArray.from_arrays([metadata, value], fields=list(VARIANT))


def running_total(counts: npt.NDArray[Any]) -> Ints:
    """Offsets: 0, then the sum so far after each count."""
    total = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=total[1:])
    return total


def lengths(array: pa.BinaryArray) -> Ints:
    raw = _raw_offsets(array)
    sizes: Ints = raw[1:] - raw[:-1]
    return sizes


def offsets_of(array: pa.BinaryArray) -> Ints:
    """The value offsets of a binary, string or list array that may be a slice."""
    return _raw_offsets(array).astype(np.int64)


def _raw_offsets(array: pa.BinaryArray) -> npt.NDArray[Any]:
    count = len(array)
    if not count:
        return np.zeros(1, np.int32)
    raw = np.frombuffer(array.buffers()[1], np.int32)
    return raw[array.offset : array.offset + count + 1]


def binary_array(data: Bytes, offsets: Ints) -> pa.BinaryArray:
    """Consecutive stretches of `data`, not copied."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _find_shapes(offsets: Ints, keys: Keys) -> Shapes:
    counts = np.diff(offsets)
    of_row, first = number_rows(offsets, keys.ids, len(keys.words))
    starts = running_total(counts[first])
    shape = np.repeat(np.arange(len(first)), counts[first])
    entry = np.arange(len(shape)) - starts[:-1][shape]
    key = keys.ids[offsets[first][shape] + entry]
    words = max(len(keys.words), 1)
    by_key = shape * words + _ranks(keys.words)[key]
    order = np.argsort(by_key, kind="stable")
    repeats = np.zeros(len(first), np.bool_)
    repeats[shape[order[1:]][np.diff(by_key[order]) == 0]] = True
    return Shapes(of_row, starts, entry[order], key[order], repeats)


def number_rows(offsets: Ints, ids: Ints, distinct: int) -> tuple[Ints, Ints]:
    """A number for each row, equal for equal sequences of ids, and a row for each.

    Row r owns ids `offsets[r]:offsets[r + 1]`, all below `distinct`.
    """
    counts = np.diff(offsets)
    place = np.arange(len(ids)) - np.repeat(offsets[:-1], counts)
    of_id = _random_words(distinct)
    of_place = _random_words(int(counts.max(initial=0))) | np.uint64(1)
    sums = np.zeros(len(place) + 1, np.uint64)
    np.cumsum(of_id[ids] * of_place[place], out=sums[1:])
    hashes = sums[offsets[1:]] - sums[offsets[:-1]]
    of_row = pa.array(hashes).dictionary_encode().indices.to_numpy().astype(np.int64)
    first = np.empty(int(of_row.max(initial=-1)) + 1, np.int64)
    first[of_row[::-1]] = np.arange(len(of_row))[::-1]
    model = first[of_row]
    if not np.array_equal(counts, counts[model]) or not np.array_equal(
        ids, ids[np.repeat(offsets[model], counts) + place]
    ):
        every = np.arange(len(counts))  # a collision: each row for itself
        return every, every
    return of_row, first


def _random_words(count: int) -> npt.NDArray[np.uint64]:
    return _RANDOM.integers(0, 2**64, count, np.uint64)


def _ranks(words: pa.BinaryArray) -> Ints:
    ranks = np.empty(len(words), np.int64)
    ranks[pc.array_sort_indices(words).to_numpy()] = np.arange(len(words))
    return ranks


def _metadata(shapes: Shapes, words: pa.BinaryArray) -> pa.BinaryArray:
    """One metadata a shape: its key names, sorted."""
    names = words.take(pa.array(shapes.key))
    counts = np.diff(shapes.starts)
    ends = running_total(lengths(names))
    totals = ends[shapes.starts[1:]] - ends[shapes.starts[:-1]]
    width, code = _width(max(int(totals.max(initial=0)), int(counts.max(initial=0))))
    starts = running_total(1 + width * (counts + 2))
    buffer = np.zeros(int(starts[-1]), np.uint8)
    buffer[starts[:-1]] = _SORTED_METADATA | code << 6
    _put(buffer, starts[:-1] + 1, counts, width)
    shape = np.repeat(np.arange(len(counts)), counts)
    local = ends[:-1] - ends[shapes.starts[:-1]][shape]
    place = np.arange(len(shape)) - shapes.starts[:-1][shape]
    _put(buffer, starts[shape] + 1 + width * (place + 1), local, width)
    _put(buffer, starts[1:] - width, totals, width)
    return _interleave(
        binary_array(buffer, starts), shapes.starts, names, np.arange(len(names))
    )


def _values(offsets: Ints, row: Ints, shapes: Shapes, pieces: Pieces) -> pa.BinaryArray:
    """The objects themselves: a header, then the values in the order they came."""
    counts = np.diff(offsets)
    ends = running_total(lengths(pieces.pool)[pieces.at])
    totals = ends[offsets[1:]] - ends[offsets[:-1]]
    most = int(counts.max(initial=0))
    width, code = _width(int(totals.max(initial=0)))
    id_width, id_code = _width(most)
    count_width = 1 if most <= _MAX_SMALL else 4
    starts = running_total(1 + count_width + id_width * counts + width * (counts + 1))
    large = int(count_width == 4)
    buffer = np.zeros(int(starts[-1]), np.uint8)
    buffer[starts[:-1]] = _OBJECT | (code | id_code << 2 | large << 4) << 2
    _put(buffer, starts[:-1] + 1, counts, count_width)
    place = np.arange(len(row)) - offsets[:-1][row]
    ids_at = starts[:-1] + 1 + count_width
    _put(buffer, ids_at[row] + id_width * place, place, id_width)
    # Field ids are in key order, the values are not: the offsets may jump about.
    entry = shapes.entry[shapes.starts[shapes.of_row][row] + place]
    local = ends[offsets[:-1][row] + entry] - ends[offsets[:-1]][row]
    sizes_at = ids_at + id_width * counts
    _put(buffer, sizes_at[row] + width * place, local, width)
    _put(buffer, starts[1:] - width, totals, width)
    return _interleave(binary_array(buffer, starts), offsets, pieces.pool, pieces.at)


def _width(largest: int) -> tuple[int, int]:
    """Bytes that hold `largest`, and their code in a VARIANT header."""
    width = next(width for width, limit in _WIDTHS if largest <= limit)
    return width, width - 1


def _put(buffer: Bytes, at: Ints, numbers: Ints, width: int) -> None:
    for i in range(width):
        buffer[at + i] = numbers >> 8 * i & 0xFF


def _interleave(
    heads: pa.BinaryArray, offsets: Ints, pool: pa.BinaryArray, at: Ints
) -> pa.BinaryArray:
    """Row r: `heads[r]`, then `pool[at[i]]` for i in `offsets[r]:offsets[r + 1]`."""
    rows = len(heads)
    first = offsets[:-1] + np.arange(rows)  # where each head goes
    order = np.empty(rows + len(at), np.int64)
    is_head = np.zeros(len(order), np.bool_)
    is_head[first] = True
    order[first] = np.arange(rows)
    order[~is_head] = at + rows
    joined = pa.concat_arrays([heads, pool]).take(pa.array(order))
    ends = offsets_of(joined)
    data = np.frombuffer(joined.buffers()[2] or b"", np.uint8)
    return binary_array(data, ends[offsets + np.arange(rows + 1)])
