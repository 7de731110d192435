"""How subjects and measures are written into database rows."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from analysis.histogram import Histogram
from analysis.measured import Fields, Measured
from analysis.models import Measure
from analysis.results.inserting import insert
from analysis.results.merging import FIELDS, MeasureRow

MINUTE: Final = 1
HOUR: Final = 60
NANO_PER_MINUTE: Final = 60 * 10**9


# Made once: `json.dumps` makes one for each call.
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def text_of(fields: Fields) -> str:
    """ASCII JSON, which no database refuses."""
    return _encode(fields)


def fields_of(text: str) -> Fields:
    return tuple(json.loads(text))


def digest_of(kind: str, fields: Fields) -> str:
    content = f"{kind}:{text_of(fields)}".encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def digest(measured: Measured) -> str:
    return digest_of(measured.kind, measured.fields)


def details_text(details: dict[str, Any]) -> str:
    return _encode(details) if details else ""


def merged_details(texts: tuple[str, ...]) -> dict[str, Any]:
    """Each key from the first text that has it."""
    found: dict[str, Any] = {}
    for text in reversed(texts):
        found |= json.loads(text)
    return found


def new_row(
    subject_id: int,
    counts: tuple[float, float],
    histogram: Histogram,
    details: dict[str, Any],
) -> MeasureRow:
    """A row of no minute yet; `counts` are of all and of failed ones."""
    return MeasureRow(
        subject_id=subject_id,
        minute=0,
        count=float(counts[0]),
        failed=float(counts[1]),
        sum_nano=float(histogram.sum_nano),
        min_nano=int(histogram.min_nano),
        max_nano=int(histogram.max_nano),
        weight_squares=float(histogram.weight_squares),
        buckets=histogram.buckets.astype("<i2").tobytes(),
        weights=histogram.weights.astype("<f8").tobytes(),
        details=details_text(details),
    )


def write(rows: Sequence[MeasureRow], minutes: int, minute: int) -> None:
    """As measures of that minute, of which there are none yet."""
    placed = [(minutes, *row._replace(minute=minute)) for row in rows]
    insert(Measure, ("minutes", *FIELDS), placed)
