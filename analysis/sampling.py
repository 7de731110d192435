"""How many spans a sampled span stands for, from `ot=th:` in its tracestate.

The threshold T of OpenTelemetry's consistent sampling is up to 14 hexadecimal digits,
zeros to the right left out; a span is kept with probability (2^56 - T) / 2^56.
"""

import re
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.histogram import FloatArray

_DIGITS: Final = 14
_RANGE: Final = 1 << (4 * _DIGITS)
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{1,14}")


class Weights(NamedTuple):
    """Per span, and the number of thresholds that could not be read."""

    weight: FloatArray
    malformed: int


def span_weights(trace_state: pa.ChunkedArray) -> Weights:
    """A span without a threshold, or with a malformed one, stands for itself."""
    encoded = pa.chunked_array(trace_state).combine_chunks().dictionary_encode()
    known = [_weight(text) for text in encoded.dictionary.to_pylist()]
    if not known:
        return Weights(np.ones(len(trace_state)), 0)
    codes = pc.fill_null(encoded.indices, 0).to_numpy()
    per_text = np.array([1.0 if weight is None else weight for weight in known])
    unread = np.array([weight is None for weight in known])
    return Weights(per_text[codes], int(unread[codes].sum()))


def _weight(trace_state: str | None) -> float | None:
    """None when there is a threshold that is none."""
    fields = _own_member(trace_state or "").split(";")
    digits = next((f.removeprefix("th:") for f in fields if f.startswith("th:")), None)
    if digits is None:
        return 1.0
    if not _HEXADECIMAL.fullmatch(digits):
        return None
    threshold = int(digits.ljust(_DIGITS, "0"), 16)
    return _RANGE / (_RANGE - threshold)


def _own_member(trace_state: str) -> str:
    """OpenTelemetry's member of the list, without its key."""
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        if key == "ot":
            return value
    return ""
