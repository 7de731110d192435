"""The columns of one trace as numpy arrays: what a tree and a waterfall are made of.

Attributes, events and links stay encoded in the SpanBatch until a span is opened.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from traces.spans import SpanBatch, StatusCode
from traces.tree import NO_PARENT, BoolArray, IntArray

IdArray: TypeAlias = npt.NDArray[np.uint64]

INT64_MAX = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Columns:
    """One entry a span, in the rows of its batch.

    `start` and `end` are nanoseconds since the epoch, made usable: a span never ends
    before it starts, one without a valid start begins with the trace. `shift` is what
    clock correction added to both. `span_id` is unique once duplicates are adjusted,
    so it may differ from the id as sent. `parent_row` is -1 where no parent was named
    or found. `rank` orders spans by (start, end, id, content), whatever their rows.
    `service` and `name` number the sorted `services` and `names`.
    """

    span_id: IdArray
    parent_id: IdArray
    has_parent: BoolArray
    parent_row: IntArray
    start: IntArray
    end: IntArray
    shift: IntArray
    rank: IntArray
    kind: npt.NDArray[np.int8]
    error: BoolArray
    service: IntArray
    services: tuple[str, ...]
    name: IntArray
    names: tuple[str, ...]
    starts_invalid: BoolArray
    ends_early: BoolArray
    event_count: IntArray

    def __len__(self) -> int:
        return len(self.span_id)


def read_columns(spans: SpanBatch) -> Columns:
    span_id, parent_id = _ids(spans["span_id"]), _ids(spans["parent_span_id"])
    has_parent = _bools(pc.is_valid(spans["parent_span_id"]))
    start, end, starts_invalid, ends_early = _times(spans)
    services, service = _sorted_codes(spans["service_name"])
    names, name = _sorted_codes(spans["name"])
    rank = _rank(spans, (start, end, span_id, service, name, parent_id))
    return Columns(
        span_id=span_id,
        parent_id=parent_id,
        has_parent=has_parent,
        parent_row=find_parents(span_id, parent_id, has_parent, rank),
        start=start,
        end=end,
        shift=np.zeros(len(start), np.int64),
        rank=rank,
        kind=spans["kind"].to_numpy(),
        error=spans["status_code"].to_numpy() == StatusCode.ERROR,
        service=service,
        services=services,
        name=name,
        names=names,
        starts_invalid=starts_invalid,
        ends_early=ends_early,
        event_count=_ints(pc.list_value_length(spans["events"])),
    )


def find_parents(
    span_id: IdArray, parent_id: IdArray, has_parent: BoolArray, rank: IntArray
) -> IntArray:
    """The row of each span's parent; of several with that id the lowest in rank."""
    if len(span_id) == 0:
        return np.empty(0, np.int64)
    by_id = np.lexsort((rank, span_id))
    place = np.searchsorted(span_id, parent_id, sorter=by_id)
    row = by_id[np.minimum(place, len(by_id) - 1)]
    found = has_parent & (span_id[row] == parent_id) & (span_id != parent_id)
    return np.where(found, row, NO_PARENT).astype(np.int64)


def ranks(order: IntArray) -> IntArray:
    """The place of each row in an order of rows."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _times(spans: SpanBatch) -> tuple[IntArray, IntArray, BoolArray, BoolArray]:
    """Start, end, which starts are not valid, which spans end before they start."""
    start = spans["start_time_unix_nano"].to_numpy().astype(np.int64)
    duration = spans["duration_nano"].to_numpy()
    starts_invalid, ends_early = start <= 0, duration < 0
    length = np.maximum(duration, 0)
    if starts_invalid.any():
        start, length = _start_with_the_trace(start, length, starts_invalid)
    end = start + np.minimum(length, INT64_MAX - start)
    return start, end, starts_invalid, ends_early


def _start_with_the_trace(
    start: IntArray, length: IntArray, invalid: BoolArray
) -> tuple[IntArray, IntArray]:
    """An unset start (1970) would stretch the trace over decades; so would the
    duration computed from it."""
    valid = ~invalid
    first = start[valid].min() if valid.any() else 0
    last = (start[valid] + length[valid]).max() if valid.any() else INT64_MAX
    start = np.where(invalid, first, start)
    return start, np.where(invalid & (length > last - first), 0, length)


def _rank(spans: SpanBatch, keys: tuple[npt.NDArray[Any], ...]) -> IntArray:
    order = np.lexsort(keys[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    if same.any():
        order = _order_by_content(spans, order, same)
    return ranks(order)


def _order_by_content(spans: SpanBatch, order: IntArray, same: BoolArray) -> IntArray:
    """Spans equal in all keys, one id sent twice, are told apart by what they hold."""
    group = np.concatenate(([0], np.cumsum(~same)))
    tied = np.flatnonzero(
        np.concatenate((same, [False])) | np.concatenate(([False], same))
    )
    chosen = spans.select(CONTENT).take(order[tied])
    content = [chosen["kind"].to_pylist(), chosen["status_message"].to_pylist()]
    content += [
        pc.struct_field(chosen[key], "value").to_pylist() for key in CONTENT[2:]
    ]
    keyed = sorted(
        zip(group[tied].tolist(), *content, order[tied].tolist(), strict=True)
    )
    result = order.copy()
    result[tied] = [entry[-1] for entry in keyed]
    return result


CONTENT = ["kind", "status_message", "attributes", "resource_attributes"]


def _ids(column: pa.ChunkedArray) -> IdArray:
    array = _one_chunk(pc.fill_null(column, bytes(8)))
    stored = np.frombuffer(array.buffers()[1] or b"", ">u8")
    return stored[array.offset : array.offset + len(array)].astype(np.uint64)


def _sorted_codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], IntArray]:
    encoded = _one_chunk(column.dictionary_encode())
    values = encoded.dictionary.to_pylist()
    by_text = sorted(range(len(values)), key=values.__getitem__)
    code = ranks(np.array(by_text, np.int64))
    texts = tuple(values[at] for at in by_text)
    return texts, code[encoded.indices.to_numpy()] if values else code


def _one_chunk(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _ints(column: Any) -> IntArray:
    found: IntArray = pc.fill_null(column, 0).to_numpy().astype(np.int64)
    return found


def _bools(column: Any) -> BoolArray:
    found: BoolArray = _one_chunk(column).to_numpy(zero_copy_only=False)
    return found
