"""What was beyond the limits of a minute, in words, for the pages that it concerns."""

from collections.abc import Iterable
from typing import Final

from analysis.limits import OTHER_NAMES, OTHER_SERVICES
from analysis.measured import (
    CAUSE,
    EDGES,
    NAMES,
    OFFENDER,
    REPEAT,
    SERIAL,
    SERVICE_PATH,
    SERVICES,
)
from analysis.results.reading import LeftOut, Minutes, read_left_out

MOST: Final = 3
_MISSING: Final = {
    CAUSE: "causes of failures",
    REPEAT: "kinds of repeated calls",
    SERIAL: "pairs of calls one after the other",
    SERVICE_PATH: "ways from service to service",
}


def left_out_in(minutes: Minutes, *whats: str, service: str | None = None) -> list[str]:
    """Sentences on these, all unless named; of span names those of one service."""
    found = [
        each
        for each in read_left_out(minutes, *whats)
        if service is None or each.of == service
    ]
    named = [each for each in found if each.what == NAMES]
    rest = [each for each in found if each.what != NAMES]
    return [*map(_sentence, rest), *_of_names(named)]


def _of_names(found: list[LeftOut]) -> Iterable[str]:
    yield from map(_sentence, found[:MOST])
    if len(found) > MOST:
        more = len(found) - MOST
        yield f"So it is with {more:,} more service{'' if more == 1 else 's'}."
    if found:
        yield "Ids belong in attributes, not in names."


def _sentence(each: LeftOut) -> str:
    many = f"at least {each.most:,}"
    if each.what == NAMES:
        service = each.of or "A service without a name"
        return (
            f"{service} has too many span names to tell apart: {many} are added up as"
            f" {OTHER_NAMES}."
        )
    if each.what == SERVICES:
        return f"There are too many services to tell apart: {many} are added up as {OTHER_SERVICES}."
    if each.what == EDGES:
        return f"There are too many edges to tell apart: {many} lead to others instead."
    if each.what == OFFENDER:
        return f"Of what requests waited for, {many} places are added up as {OTHER_SERVICES}."
    return f"{many.capitalize()} {_MISSING.get(each.what, each.what)} are left out."
