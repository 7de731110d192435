"""Wire spans to a SpanBatch: what is refused, what is altered, and the columns."""

from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.key_value import cut_text, parse_key_value
from traces.receivers.key_values import Attributes, encode_attributes
from traces.receivers.limits import Limits
from traces.receivers.otlp_protobuf import (
    EVENTS,
    LINKS,
    Nested,
    read_nested,
)
from traces.receivers.shared_attributes import encode_shared
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import Fault, Read, Wire, refuse
from traces.semconv import SERVICE_NAME, UNKNOWN_SERVICE
from traces.spans import (
    EVENT,
    LINK,
    SPAN_ID_BYTES,
    SPAN_SCHEMA,
    TRACE_ID_BYTES,
    SpanBatch,
    SpanKind,
    StatusCode,
)
from traces.variant import INT64_MAX
from traces.variant_columns import Ints, Mask, lengths, offsets_of, running_total

CUT_TEXT = "names, messages and states beyond the size limit were cut"
BAD_PARENT = f"a parent_span_id not of {SPAN_ID_BYTES} bytes was taken as absent"
BAD_LINK = "ids of the wrong length in links were replaced by zeros"
BAD_KIND = "unknown span kinds were taken as unspecified"
BAD_STATUS = "unknown status codes were taken as unset"
LATE_EVENT = "events beyond the year 2262 were dropped"
DROPPED_EVENTS = "events beyond the limit were dropped"
DROPPED_LINKS = "links beyond the limit were dropped"
# Each span carries its resource and scope: a large one under many spans multiplies.
_SHARED_BYTES_PER_BODY_BYTE = 4
_SERVICE_NAME_BYTES: Final = SERVICE_NAME.encode()


class Checked(NamedTuple):
    """The column with what was unusable replaced, and the rows that had it."""

    column: pa.Array
    replaced: Ints


def to_batch(read: Read, limits: Limits) -> SpanBatch:
    """All good spans of the requests; completes the verdict on each request."""
    wire, verdicts = read
    spans = np.bincount(wire.request_of_span, minlength=wire.requests)
    for verdict, count in zip(verdicts, spans.tolist(), strict=True):
        verdict.spans += count
    wire = refuse(wire, verdicts, _faults(wire.spans))
    return _Columns(wire, limits, verdicts).build()


def _faults(spans: pa.StructArray) -> list[Fault]:
    """Each reason to refuse a span, and the spans that have it."""
    faults = []
    for name, width in (("trace_id", TRACE_ID_BYTES), ("span_id", SPAN_ID_BYTES)):
        ids = spans.field(name)
        sized = lengths(ids) == width
        zero = np.zeros(len(ids), np.bool_)
        zero[sized] = ~_id_rows(ids, width).any(axis=1)
        faults.append(
            Fault(f"{name} is not {width} bytes ({2 * width} hex digits)", ~sized)
        )
        faults.append(Fault(f"{name} is all zeros", zero))
    for name in ("start_time_unix_nano", "end_time_unix_nano"):
        late = spans.field(name).to_numpy() > np.uint64(INT64_MAX)
        faults.append(Fault(f"{name} is beyond 2^63 - 1", late))
    return faults


def _id_rows(ids: pa.BinaryArray, width: int) -> Any:
    """The ids of the right width, 64 bits a column."""
    sized = lengths(ids) == width
    if not sized.all():
        ids = ids.filter(pa.array(sized))
    ends = offsets_of(ids)
    data = np.frombuffer(ids.buffers()[2] or b"", np.uint8)
    return data[ends[0] : ends[-1]].view(np.uint64).reshape(-1, width // 8)


class _Columns:
    """Builds the columns of SPAN_SCHEMA, telling the verdicts what it altered."""

    def __init__(self, wire: Wire, limits: Limits, verdicts: list[Verdict]) -> None:
        self.wire, self.limits, self.verdicts = wire, limits, verdicts
        self.spans = wire.spans

    def build(self) -> SpanBatch:
        columns = {
            **self._identity(),
            **self._own(),
            **self._attributes(),
            **self._resource(),
            **self._scope(),
            **self._events(),
            **self._links(),
        }
        arrays = [columns[field.name] for field in SPAN_SCHEMA]
        batch: SpanBatch = pa.Table.from_arrays(arrays, schema=SPAN_SCHEMA)
        return batch

    def _remark(self, text: str, rows: Ints, request_of_row: Ints) -> None:
        for request in np.unique(request_of_row[rows]).tolist():
            self.verdicts[request].remarks.add(text)

    def _remark_spans(self, text: str, rows: Ints) -> None:
        if len(rows):
            self._remark(text, rows, self.wire.request_of_span)

    def _identity(self) -> dict[str, pa.Array]:
        parents, replaced = _parent_ids(self.spans.field("parent_span_id"))
        self._remark_spans(BAD_PARENT, replaced)
        return {
            "trace_id": _fixed(self.spans.field("trace_id"), TRACE_ID_BYTES),
            "span_id": _fixed(self.spans.field("span_id"), SPAN_ID_BYTES),
            "parent_span_id": parents,
            "trace_state": self._cut("trace_state", self.limits.value_bytes),
            "flags": self.spans.field("flags"),
        }

    def _own(self) -> dict[str, pa.Array]:
        start = self.spans.field("start_time_unix_nano").to_numpy().view(np.int64)
        end = self.spans.field("end_time_unix_nano").to_numpy().view(np.int64)
        kinds, bad_kinds = _enumerated(self.spans.field("kind"), max(SpanKind))
        self._remark_spans(BAD_KIND, bad_kinds)
        status = self.spans.field("status")
        codes, bad_codes = _enumerated(pc.struct_field(status, "code"), max(StatusCode))
        self._remark_spans(BAD_STATUS, bad_codes)
        messages = _filled(pc.struct_field(status, "message"))
        return {
            "name": self._cut("name", self.limits.name_bytes),
            "kind": kinds,
            "start_time_unix_nano": pa.array(start),
            "duration_nano": pa.array(end - start),
            "status_code": codes,
            "status_message": self._cut_text(messages, self.limits.value_bytes),
        }

    def _cut(self, name: str, limit: int) -> pa.Array:
        return self._cut_text(self.spans.field(name), limit)

    def _cut_text(self, texts: pa.Array, limit: int) -> pa.Array:
        column, cut = _cut(texts, limit)
        self._remark_spans(CUT_TEXT, cut)
        return column

    def _attributes(self) -> dict[str, pa.Array]:
        encoded = encode_attributes(self.spans.field("attributes"), self.limits)
        for text, rows in encoded.remarks:
            self._remark_spans(text, rows)
        counts = _add(self.spans.field("dropped_attributes_count"), encoded.dropped)
        return {"attributes": encoded.variant, "dropped_attributes_count": counts}

    def _resource(self) -> dict[str, pa.Array]:
        encoded = self._shared(self.wire.resources, self.wire.request_of_resource)
        of_span = self.wire.resource_of_span
        names, cut = _cut(
            _service_names(self.wire.resources), self.limits.service_name_bytes
        )
        self._remark(CUT_TEXT, cut, self.wire.request_of_resource)
        return {
            "resource_attributes": self._spread(encoded.variant, of_span),
            "service_name": names.take(pa.array(of_span)),
        }

    def _scope(self) -> dict[str, pa.Array]:
        scopes, of_span = self.wire.scopes, pa.array(self.wire.scope_of_span)
        encoded = self._shared(scopes.field("attributes"), self.wire.request_of_scope)
        columns = {
            "scope_attributes": self._spread(encoded.variant, self.wire.scope_of_span)
        }
        for name in ("name", "version"):
            texts = _filled(pc.struct_field(scopes, name))
            column, cut = _cut(texts, self.limits.name_bytes)
            self._remark(CUT_TEXT, cut, self.wire.request_of_scope)
            columns[f"scope_{name}"] = column.take(of_span)
        return columns

    def _shared(self, lists: pa.ListArray, request_of_row: Ints) -> Attributes:
        encoded = encode_shared(lists, self.limits)
        for text, rows in encoded.remarks:
            self._remark(text, rows, request_of_row)
        return encoded

    def _spread(self, variant: pa.StructArray, of_span: Ints) -> pa.StructArray:
        sizes = lengths(variant.field(0)) + lengths(variant.field(1))
        most = _SHARED_BYTES_PER_BODY_BYTE * self.limits.body_bytes
        if int(sizes[of_span].sum()) > most * self.wire.requests:
            raise BadRequest("resources or scopes are too large for so many spans")
        return variant.take(pa.array(of_span))

    def _events(self) -> dict[str, pa.Array]:
        sent = self.spans.field("events")
        if not len(sent.flatten()):
            return {
                "events": _no_lists(len(sent), EVENT),
                "dropped_events_count": self.spans.field("dropped_events_count"),
            }
        nested = read_nested(sent, EVENTS, self.limits.events)
        self._remark_spans(DROPPED_EVENTS, np.flatnonzero(nested.dropped))
        late = nested.items.field("time_unix_nano").to_numpy() > np.uint64(INT64_MAX)
        if late.any():
            self._remark_spans(LATE_EVENT, nested.span[late])
            nested = _without(nested, late)
        times = nested.items.field("time_unix_nano").to_numpy().view(np.int64)
        columns = {
            "time_unix_nano": pa.array(times),
            "name": self._cut_nested(nested, "name", self.limits.name_bytes),
            **self._nested_attributes(nested),
        }
        dropped = _add(self.spans.field("dropped_events_count"), nested.dropped)
        return {
            "events": _lists(nested, columns, EVENT),
            "dropped_events_count": dropped,
        }

    def _links(self) -> dict[str, pa.Array]:
        sent = self.spans.field("links")
        if not len(sent.flatten()):
            return {
                "links": _no_lists(len(sent), LINK),
                "dropped_links_count": self.spans.field("dropped_links_count"),
            }
        nested = read_nested(sent, LINKS, self.limits.links)
        self._remark_spans(DROPPED_LINKS, np.flatnonzero(nested.dropped))
        columns = {
            "trace_id": self._link_ids(nested, "trace_id", TRACE_ID_BYTES),
            "span_id": self._link_ids(nested, "span_id", SPAN_ID_BYTES),
            "trace_state": self._cut_nested(
                nested, "trace_state", self.limits.value_bytes
            ),
            "flags": nested.items.field("flags"),
            **self._nested_attributes(nested),
        }
        dropped = _add(self.spans.field("dropped_links_count"), nested.dropped)
        return {"links": _lists(nested, columns, LINK), "dropped_links_count": dropped}

    def _cut_nested(self, nested: Nested, name: str, limit: int) -> pa.Array:
        column, cut = _cut(nested.items.field(name), limit)
        self._remark_spans(CUT_TEXT, nested.span[cut])
        return column

    def _nested_attributes(self, nested: Nested) -> dict[str, pa.Array]:
        encoded = encode_attributes(nested.items.field("attributes"), self.limits)
        for text, rows in encoded.remarks:
            self._remark_spans(text, nested.span[rows])
        sent = nested.items.field("dropped_attributes_count")
        return {
            "attributes": encoded.variant,
            "dropped_attributes_count": _add(sent, encoded.dropped),
        }

    def _link_ids(self, nested: Nested, name: str, width: int) -> pa.Array:
        ids = nested.items.field(name)
        sizes = lengths(ids)
        wrong = np.flatnonzero((sizes != width) & (sizes != 0))
        self._remark_spans(BAD_LINK, nested.span[wrong])
        rows = np.zeros((len(ids), width // 8), np.uint64)
        rows[sizes == width] = _id_rows(ids, width)
        return _fixed_array(rows, width)


def _fixed(ids: pa.BinaryArray, width: int) -> pa.FixedSizeBinaryArray:
    """Ids that are all of this width."""
    return _fixed_array(_id_rows(ids, width), width)


def _fixed_array(
    rows: Any, width: int, valid: Mask | None = None
) -> pa.FixedSizeBinaryArray:
    bitmap = None
    if valid is not None:
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bitmap, pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(rows), buffers)


def _parent_ids(ids: pa.BinaryArray) -> Checked:
    sizes = lengths(ids)
    sized = sizes == SPAN_ID_BYTES
    rows = np.zeros((len(ids), 1), np.uint64)
    rows[sized] = _id_rows(ids, SPAN_ID_BYTES)
    column = _fixed_array(rows, SPAN_ID_BYTES, rows[:, 0] != 0)
    return Checked(column, np.flatnonzero(~sized & (sizes != 0)))


def _enumerated(numbers: pa.Array, largest: int) -> Checked:
    """int8, unknown numbers as 0, which means unspecified in OTLP's enums."""
    values = pc.fill_null(numbers, 0).to_numpy()
    unknown = (values < 0) | (values > largest)
    return Checked(
        pa.array(np.where(unknown, 0, values).astype(np.int8)), np.flatnonzero(unknown)
    )


def _filled(texts: pa.StringArray) -> pa.StringArray:
    return pc.fill_null(texts, "") if texts.null_count else texts


def _cut(texts: pa.StringArray, limit: int) -> Checked:
    over = lengths(texts) > limit
    rows = np.flatnonzero(over)
    if len(rows):
        cut = [cut_text(text, limit) for text in texts.take(pa.array(rows)).to_pylist()]
        replacements = pa.array(cut, pa.string())
        texts = pc.replace_with_mask(texts, pa.array(over), replacements)
    return Checked(texts, rows)


def _add(sent: pa.Array, dropped: Ints) -> pa.Array:
    if not dropped.any():
        return sent
    total = np.minimum(sent.to_numpy().astype(np.int64) + dropped, 2**32 - 1)
    return pa.array(total.astype(np.uint32))


def _without(nested: Nested, excluded: Mask) -> Nested:
    lost = np.bincount(nested.span[excluded], minlength=len(nested.dropped))
    kept = ~excluded
    return Nested(
        nested.items.filter(pa.array(kept)),
        running_total(np.diff(nested.offsets) - lost),
        nested.span[kept],
        nested.dropped + lost,
    )


def _lists(
    nested: Nested, columns: dict[str, pa.Array], kind: pa.StructType
) -> pa.ListArray:
    arrays = [columns[field.name] for field in kind]
    elements = pa.StructArray.from_arrays(arrays, fields=list(kind))
    return pa.ListArray.from_arrays(
        pa.array(nested.offsets.astype(np.int32)),
        elements,
        type=pa.list_(pa.field("element", kind)),
    )


def _no_lists(count: int, kind: pa.StructType) -> pa.ListArray:
    return pa.ListArray.from_arrays(
        pa.array(np.zeros(count + 1, np.int32)),
        pa.array([], kind),
        type=pa.list_(pa.field("element", kind)),
    )


def _service_names(resources: pa.ListArray) -> pa.StringArray:
    """Row by row over the attributes that mention the key: one a resource."""
    names = [UNKNOWN_SERVICE] * len(resources)
    messages = resources.flatten()
    mentions = pc.match_substring(messages, _SERVICE_NAME_BYTES)
    parents = pc.list_parent_indices(resources).filter(mentions).to_pylist()
    for row, message in zip(
        parents, messages.filter(mentions).to_pylist(), strict=True
    ):
        attribute = parse_key_value(message)
        if attribute.key == SERVICE_NAME:
            names[row] = attribute.value.string_value or UNKNOWN_SERVICE
    return pa.array(names, pa.string())
