"""Differences in words."""

from collections.abc import Sequence
from typing import Final

from analysis.differences import Condition, Difference, Differences
from analysis.trace_columns import CALLS, ERRORS
from analysis.value_columns import Range, Value

MOST_NAMED: Final = 4
MOST_CHARACTERS: Final = 80
_SIGNS: Final = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}


def sentence(told: Difference, of: Differences, selected: str) -> str:
    """41 of 43 slow traces have tenant.tier=enterprise; 9 of 1,109 others do.

    `selected` names what was selected, in the plural.
    """
    has = " and ".join(map(condition_text, told.conditions))
    about = "" if _is_counted(of) and not told.is_sampled else "about "
    return (
        f"{about}{_count(told.selected)} of {_count(of.selected)} {selected} have {has};"
        f" {_count(told.rest)} of {_count(of.rest)} others do"
    )


def condition_text(condition: Condition) -> str:
    """tenant.tier=enterprise, cart.items≥12, promo.code=A, B or C, no promo.code; and
    of calls and errors: payment charge called twice, errors in payment charge."""
    key, values = condition.key, _merged(condition.values)
    if values == (None,):
        return f"no {key}"
    text = _alternatives(values)
    if key.startswith(CALLS):
        return f"{key.removeprefix(CALLS)} called {text}"
    if key.startswith(ERRORS):
        return f"{text} in {key.removeprefix(ERRORS)}"
    bounded = isinstance(values[0], Range) and len(values) == 1
    return f"{key}{'' if bounded and text[0] in '<>≤≥' else '='}{text}"


def _alternatives(values: Sequence[Value]) -> str:
    named = [_value(value) for value in values[:MOST_NAMED]]
    left_out = len(values) - MOST_NAMED
    if left_out > 0:
        named.append(f"{left_out:,} more")
    *others, last = named
    return f"{', '.join(others)} or {last}" if others else last


def _value(value: Value) -> str:
    if value is None:
        return "none"
    if isinstance(value, Range):
        return _range(value)
    if not value:
        return "“”"
    return value if len(value) <= MOST_CHARACTERS else value[:MOST_CHARACTERS] + "…"


def _range(value: Range) -> str:
    if value.is_one_number:
        return _number(value.bounds[0][1])
    bounds = [f"{_SIGNS[sign]}{_number(number)}" for sign, number in value.bounds]
    return " and ".join(bounds) or "any number"


def _number(value: float) -> str:
    return f"{value:.6g}"


def _merged(values: Sequence[Value]) -> tuple[Value, ...]:
    """Ranges that touch as one; ranges come in ascending order."""
    found: list[Value] = []
    for value in values:
        last = found[-1] if found else None
        if isinstance(value, Range) and isinstance(last, Range):
            touching = last.high is not None and last.high == value.low
            found[-1:] = [Range(last.low, value.high)] if touching else [last, value]
        else:
            found.append(value)
    return tuple(found)


def _count(weight: float) -> str:
    return f"{round(weight):,}"


def _is_counted(of: Differences) -> bool:
    rows = of.chance.selected_rows, of.chance.rest_rows
    return (of.selected, of.rest) == rows
