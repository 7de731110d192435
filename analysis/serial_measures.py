"""Calls one after the other that might run together, as measures."""

from collections.abc import Sequence
from typing import Any, Final

from analysis.measured import SERIAL, SERIAL_SAVING, Fields, Measured, left_out
from analysis.serial_calls import SerialPair
from analysis.wording import cut

TEXT_CHARACTERS: Final = 300
MOST_PAIRS: Final = 300


def serial_measures(pairs: Sequence[SerialPair]) -> list[Measured]:
    """By holder and both calls, those first that cost most: the requests, and what running both at once would save,
    in nanoseconds, as a count. Details name a trace, and a witness if there is one."""
    by_fields: dict[Fields, list[SerialPair]] = {}
    for pair in pairs:
        first, second = (cut(t, TEXT_CHARACTERS) for t in (pair.first, pair.second))
        by_fields.setdefault((*pair.holder, first, second), []).append(pair)
    dearest = sorted(by_fields.items(), key=lambda item: (-_saving(item[1]), item[0]))
    told = [
        measured
        for fields, same in dearest[:MOST_PAIRS]
        for measured in (
            Measured(
                *(SERIAL, fields, (), sum(each.requests for each in same), 0.0),
                details=_details(same[0]),
            ),
            Measured(
                *(SERIAL_SAVING, fields, ()),
                *(_saving(same), 0.0),
            ),
        )
    ]
    return told + left_out(SERIAL, len(dearest) - MOST_PAIRS)


def _saving(same: Sequence[SerialPair]) -> float:
    return sum(each.saving_nano for each in same)


def _details(pair: SerialPair) -> dict[str, Any]:
    witness = {"witness": pair.witness} if pair.witness else {}
    return {"trace": pair.example} | witness
