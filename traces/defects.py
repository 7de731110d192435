"""What is wrong with a trace, each kind named in one sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

MAX_ROWS = 1_000


class DefectKind(StrEnum):
    MISSING_PARENT = "missing parent"
    SELF_PARENT = "own parent"
    CYCLE = "cycle"
    NO_ROOT = "no root"
    SEVERAL_ROOTS = "several roots"
    DUPLICATE_DROPPED = "duplicate dropped"
    DUPLICATE_ID = "duplicate id"
    CLOCK_SKEW = "clock skew"
    END_BEFORE_START = "end before start"
    INVALID_START = "invalid start"
    DROPPED_BY_SENDER = "dropped by sender"


@dataclass(frozen=True, slots=True)
class Defect:
    """`rows` are the spans concerned, the first 1,000 of `count`."""

    kind: DefectKind
    sentence: str
    rows: tuple[int, ...] = ()
    count: int = 0


def defect(kind: DefectKind, sentence: str, rows: Iterable[int] = ()) -> Defect:
    found = np.fromiter(rows, np.int64)
    return Defect(kind, sentence, tuple(found[:MAX_ROWS].tolist()), len(found))


def spans(count: int, singular: str, plural: str) -> str:
    """`1 span ends` or `2,000 spans end`: a count and the verb that goes with it."""
    return f"1 span {singular}" if count == 1 else f"{count:,} spans {plural}"
