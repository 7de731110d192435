"""A batch as plain rows, to compare."""

from typing import Any

from traces.spans import SpanBatch
from traces.variant import decode_attributes


def rows_of(batch: SpanBatch) -> list[dict[str, Any]]:
    return [_plain(row) for row in batch.to_pylist()]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its attribute maps decoded, those of events and links too."""
    decoded = dict(row)
    for key, value in row.items():
        if key.endswith("attributes"):
            decoded[key] = decode_attributes(value)
        elif isinstance(value, list):
            decoded[key] = [_plain(item) for item in value]
    return decoded
