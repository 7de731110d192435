"""A Bloom filter of trace ids: which segments certainly do not hold a trace.

Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970); the probes
are h1 + i * h2, after Kirsch and Mitzenmacher (2006).
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from traces.spans import SPAN_ID, TRACE_ID

TraceHashes: TypeAlias = npt.NDArray[np.uint64]

BITS_PER_TRACE: Final = 10
PROBES: Final = 7
# SplitMix64's finalizer: attackers choose ids, so the halves are mixed first.
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = tuple(np.uint64(n) for n in (30, 27, 31))


def hashes_of_ids(trace_ids: Sequence[bytes]) -> TraceHashes:
    return _hash(b"".join(trace_ids))


def hashes_of_column(column: pa.ChunkedArray) -> TraceHashes:
    """Sorted distinct hashes of a column of 16-byte ids, fixed or variable width."""
    return np.unique(_hashes_by_row(column))


def _hashes_by_row(column: pa.ChunkedArray) -> TraceHashes:
    hashes = [_hash(_id_bytes(chunk)) for chunk in column.chunks]
    return np.concatenate([*hashes, np.empty(0, np.uint64)])


def span_hashes(trace_id: pa.ChunkedArray, span_id: pa.ChunkedArray) -> TraceHashes:
    """By row: which spans are looked at where all are too many."""
    own = [np.frombuffer(_id_bytes(chunk, SPAN_ID), "<u8") for chunk in span_id.chunks]
    both = np.concatenate([*own, np.empty(0, np.uint64)]) ^ _hashes_by_row(trace_id)
    return _mix(both)


def build(hashes: TraceHashes) -> bytes:
    """The filter of these distinct hashes; a few hundred bytes for hundreds."""
    bit_count = max(64, -(-len(hashes) * BITS_PER_TRACE // 8) * 8)
    bits = np.zeros(bit_count, np.bool_)
    bits[_probes(hashes, bit_count)] = True
    return np.packbits(bits).tobytes()


def may_contain(trace_filter: bytes, hashes: TraceHashes) -> bool:
    """Whether one of the hashes may be in the filter; False is certain."""
    bits = np.frombuffer(trace_filter, np.uint8)
    probes = _probes(hashes, len(bits) * 8)
    hit = bits[probes >> 3] >> (7 - (probes & 7)) & 1
    return bool(hit.all(axis=1).any())


def _id_bytes(chunk: pa.Array, kind: pa.DataType = TRACE_ID) -> bytes:
    fixed, width = chunk.cast(kind), kind.byte_width
    ids = fixed.buffers()[1].slice(fixed.offset * width, len(fixed) * width)
    content: bytes = ids.to_pybytes()
    return content


def _hash(content: bytes) -> TraceHashes:
    halves = np.frombuffer(content, "<u8").reshape(-1, 2)
    return _mix(halves[:, 0] ^ _mix(halves[:, 1]))


def _mix(value: TraceHashes) -> TraceHashes:
    value = (value ^ value >> _SHIFTS[0]) * _MIX_1
    value = (value ^ value >> _SHIFTS[1]) * _MIX_2
    mixed: TraceHashes = value ^ value >> _SHIFTS[2]
    return mixed


def _probes(hashes: TraceHashes, bit_count: int) -> npt.NDArray[np.int64]:
    """A row of PROBES bit numbers for each hash."""
    step = (hashes >> np.uint64(32)) | np.uint64(1)
    steps = np.arange(PROBES, dtype=np.uint64)
    probes = (hashes[:, None] + steps * step[:, None]) % np.uint64(bit_count)
    return probes.astype(np.int64)
