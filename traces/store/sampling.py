"""Which of many traces are looked at: a fixed share, spread evenly, or the first few."""

from collections.abc import Iterable, Mapping
from hashlib import md5
from typing import Any, Final

import numpy as np
import numpy.typing as npt

MOST_HALVINGS: Final = 32


def is_sampled(place: int, count: int, limit: int) -> bool:
    """Whether the trace at `place` among `count` (by trace id) is one of `limit`.

    Exactly min(count, limit) places are, the gaps between them differing by one at
    most.
    """
    return count <= limit or (place + 1) * limit // count > place * limit // count


def trace_hash(trace_id: bytes) -> int:
    """64 bits that are spread evenly whatever the sender makes ids of."""
    return int.from_bytes(md5(trace_id, usedforsecurity=False).digest()[8:], "little")


def one_in_to_fit(
    hashes: npt.NDArray[Any], span_counts: npt.NDArray[Any], most_spans: int
) -> int:
    """The least power of two n, so that traces with a hash divisible by n have at most
    so many spans together."""
    halvings = 0
    while halvings < MOST_HALVINGS:
        chosen = hashes % np.uint64(1 << halvings) == 0
        if span_counts[chosen].sum() <= most_spans:
            break
        halvings += 1
    return 1 << halvings


def first_traces(
    trace_ids: Iterable[bytes], counts: Mapping[bytes, int], most: int
) -> list[bytes]:
    """As many of the traces, in this order, as have at most `most` spans together."""
    found, total = [], 0
    for trace_id in dict.fromkeys(trace_ids):
        total += counts.get(trace_id, 0)
        if total > most:
            break
        found.append(trace_id)
    return found
