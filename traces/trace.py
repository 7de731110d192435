"""One trace as a tree, with its defects named."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc

from traces.columns import Columns, ranks, read_columns
from traces.defects import Defect, DefectKind, defect, spans
from traces.spans import SpanBatch
from traces.tree import BoolArray, IntArray, Tree, build_tree, self_times

DROPPED = {
    "dropped_attributes_count": "attributes",
    "dropped_events_count": "events",
    "dropped_links_count": "links",
}


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of one trace; a row is a row of `spans`. Immutable.

    `notes` are the defects that adjusters found; `defects` are all of them.
    """

    spans: SpanBatch
    columns: Columns
    tree: Tree
    self_nano: IntArray
    notes: tuple[Defect, ...] = ()

    @classmethod
    def from_batch(cls, batch: SpanBatch) -> "Trace":
        """All spans must be of one trace; any number of them, in any order."""
        return cls.of(batch, read_columns(batch))

    @classmethod
    def of(
        cls, batch: SpanBatch, columns: Columns, notes: tuple[Defect, ...] = ()
    ) -> "Trace":
        tree = build_tree(columns.parent_row, columns.rank)
        own = self_times(tree.parent, columns.start, columns.end)
        return cls(batch, columns, tree, own, notes)

    def with_columns(self, columns: Columns, *notes: Defect) -> "Trace":
        """The same spans, otherwise related or timed."""
        return Trace.of(self.spans, columns, self.notes + notes)

    def shifted(self, shift: IntArray, *notes: Defect) -> "Trace":
        """Each span moved in time; siblings are put in order again."""
        old = self.columns
        start, end = old.start + shift, old.end + shift
        rank = ranks(np.lexsort((old.rank, end, start)))
        moved = replace(old, start=start, end=end, shift=old.shift + shift, rank=rank)
        return self.with_columns(moved, *notes)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def trace_id(self) -> bytes:
        found: bytes = self.spans["trace_id"][0].as_py()
        return found

    @property
    def start_time_unix_nano(self) -> int:
        return int(self.columns.start.min())

    @property
    def duration_nano(self) -> int:
        return int(self.columns.end.max()) - self.start_time_unix_nano

    @property
    def root(self) -> int:
        """The first span without a parent id; without such a one the first root."""
        without = _roots_by_name(self)
        return int((without if len(without) else self.tree.roots)[0])

    @property
    def orphans(self) -> BoolArray:
        """Spans that name a parent which is not there."""
        columns = self.columns
        absent = columns.has_parent & (columns.parent_row < 0)
        orphans: BoolArray = absent & (columns.parent_id != columns.span_id)
        return orphans

    @property
    def defects(self) -> tuple[Defect, ...]:
        found = (
            *_root_defects(self),
            *_parent_defects(self),
            *self.notes,
            *_time_defects(self),
            *_dropped(self),
        )
        return found if len(self) else ()


def _roots_by_name(trace: Trace) -> IntArray:
    """Roots that name no parent, in pre-order."""
    roots = trace.tree.roots
    found: IntArray = roots[~trace.columns.has_parent[roots]]
    return found


def _root_defects(trace: Trace) -> list[Defect]:
    roots = _roots_by_name(trace)
    if len(roots) == 0:
        text = "No span is the root: each names a parent."
        return [defect(DefectKind.NO_ROOT, text)]
    if len(roots) > 1:
        text = (
            f"{spans(len(roots), '', 'have no parent')}: the trace has several roots."
        )
        return [defect(DefectKind.SEVERAL_ROOTS, text, roots)]
    return []


def _parent_defects(trace: Trace) -> list[Defect]:
    columns, found = trace.columns, []
    orphans = np.flatnonzero(trace.orphans)
    if len(orphans):
        verb = spans(len(orphans), "names a parent", "name a parent")
        text = f"{verb} that is not in the trace: the trace is incomplete."
        found.append(defect(DefectKind.MISSING_PARENT, text, orphans))
    own = np.flatnonzero(columns.has_parent & (columns.parent_id == columns.span_id))
    if len(own):
        verb = spans(len(own), "names itself", "name themselves")
        found.append(defect(DefectKind.SELF_PARENT, f"{verb} as parent.", own))
    if trace.tree.cuts:
        verb = spans(len(trace.tree.cuts), "descends", "descend")
        text = f"{verb} from a child of its own: the loop is cut at its earliest span."
        found.append(defect(DefectKind.CYCLE, text, trace.tree.cuts))
    return found


def _time_defects(trace: Trace) -> list[Defect]:
    columns, found = trace.columns, []
    early = np.flatnonzero(columns.ends_early)
    if len(early):
        text = spans(len(early), "ends before it starts", "end before they start")
        text += ": drawn without length."
        found.append(defect(DefectKind.END_BEFORE_START, text, early))
    invalid = np.flatnonzero(columns.starts_invalid)
    if len(invalid):
        text = spans(len(invalid), "has no start time", "have no start time")
        text += ": drawn at the start of the trace."
        found.append(defect(DefectKind.INVALID_START, text, invalid))
    return found


def _dropped(trace: Trace) -> list[Defect]:
    totals = {
        word: pc.sum(trace.spans[name]).as_py() or 0 for name, word in DROPPED.items()
    }
    parts = [
        f"{total:,} {word.removesuffix('s') if total == 1 else word}"
        for word, total in totals.items()
        if total
    ]
    if not parts:
        return []
    counts = sum(trace.spans[name].to_numpy().astype(np.int64) for name in DROPPED)
    rows = np.flatnonzero(counts)
    text = f"The sender dropped {', '.join(parts)} of {len(rows):,} "
    text += "span." if len(rows) == 1 else "spans."
    return [defect(DefectKind.DROPPED_BY_SENDER, text, rows)]
