"""From the search form to a TraceQuery, and from a TraceQuery to a form that asks it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from traces.query import (
    EVERY_SPAN,
    MAX_LIMIT,
    And,
    Condition,
    Cursor,
    Field,
    Filter,
    Op,
    Or,
    QueryError,
    Sort,
    TraceQuery,
    Window,
    validate,
)
from traces.search.conditions import parse_conditions
from traces.search.durations import parse_duration, print_duration
from traces.search.form import FieldError, FormError, SearchForm
from traces.search.printing import print_conditions
from traces.search.tokens import ConditionError
from traces.search.values import KINDS, STATUSES
from traces.search.windows import (
    ALL_TIME,
    CUSTOM,
    LAST_NANO,
    RANGES,
    parse_instant,
    print_instant,
    relative_window,
)

CURSOR: Final = re.compile(r"(-?[0-9]{1,19})_([0-9a-f]{32})")
Read = TypeVar("Read")


class _Collector:
    """Reads each parameter, keeping what is wrong until all are read."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def read(self, parameter: str, text: Any, reader: Callable[[Any], Read]) -> Any:
        """The value, or None where there is no text or it cannot be used."""
        if not text:
            return None
        try:
            return reader(text)
        except ConditionError as error:
            wrong = FieldError(parameter, str(error), error.position, text)
            self.errors.append(wrong)
        except ValueError as error:
            self.refuse(parameter, str(error))
        return None

    def refuse(self, parameter: str, message: str) -> None:
        self.errors.append(FieldError(parameter, message))


def to_query(form: SearchForm, now_nano: int) -> TraceQuery:
    """The query of a form. Raises FormError, which names each wrong parameter."""
    reading = _Collector()
    window = _window(reading, form, now_nano)
    parts = list(_filters(reading, form))
    query = TraceQuery(
        window=window,
        where=parts[0] if len(parts) == 1 else And(tuple(parts)),
        sort=reading.read("sort", form.sort, _sort) or Sort.NEWEST,
        limit=reading.read("limit", form.limit, _limit) or 1,
        after=reading.read("after", form.after, parse_cursor),
        **_trace_durations(reading, form),
    )
    if reading.errors:
        raise FormError(reading.errors)
    _validate(query)
    return query


def to_form(query: TraceQuery) -> SearchForm:
    """A form that asks this query: the filter as text, the window as two instants."""
    shortest, longest = query.min_trace_duration_nano, query.max_trace_duration_nano
    return SearchForm(
        where=print_conditions(query.where),
        min_duration="" if shortest is None else print_duration(shortest),
        max_duration="" if longest is None else print_duration(longest),
        sort=query.sort,
        limit=str(query.limit),
        after=print_cursor(query.after) if query.after else "",
        **fixed_window(query.window),
    )


def fixed_window(window: Window) -> dict[str, Any]:
    """The form fields of a window that does not move with the clock."""
    return {
        "range": CUSTOM,
        "from_time": print_instant(window.start_time_unix_nano),
        "to_time": print_instant(window.end_time_unix_nano),
    }


def parse_cursor(text: str) -> Cursor:
    match = CURSOR.fullmatch(text)
    if match is None:
        raise ValueError("this is not the `next` of an answer")
    return Cursor(int(match[1]), bytes.fromhex(match[2]))


def print_cursor(cursor: Cursor) -> str:
    return f"{cursor.sort_value}_{cursor.trace_id.hex()}"


def _window(reading: _Collector, form: SearchForm, now_nano: int) -> Window:
    if form.range == CUSTOM:
        return _custom_window(reading, form, now_nano)
    if form.range not in RANGES and form.range != ALL_TIME:
        known = ", ".join([*RANGES, ALL_TIME, CUSTOM])
        reading.refuse("range", f"expected one of {known}")
        return relative_window(ALL_TIME, now_nano)
    return relative_window(form.range, now_nano)


def _custom_window(reading: _Collector, form: SearchForm, now_nano: int) -> Window:
    start = reading.read("from", form.from_time, parse_instant) or 0
    end = reading.read("to", form.to_time, parse_instant)
    if end is None:
        end = relative_window("1h", now_nano).end_time_unix_nano
    if end <= start and not reading.errors:
        reading.refuse("to", "the time range ends before it starts")
    return Window(start, max(end, start + 1))


def _filters(reading: _Collector, form: SearchForm) -> Iterator[Filter]:
    if form.service:
        yield _any_of(Field.SERVICE_NAME, form.service)
    if form.name:
        yield Condition(Field.NAME, Op.EQ, form.name)
    if form.status:
        yield _any_named(reading, "status", Field.STATUS_CODE, STATUSES, form.status)
    if form.kind:
        yield _any_named(reading, "kind", Field.KIND, KINDS, form.kind)
    for parameter, op in (("min_span_duration", Op.GE), ("max_span_duration", Op.LE)):
        nano = reading.read(parameter, getattr(form, parameter), parse_duration)
        if nano is not None:
            yield Condition(Field.DURATION_NANO, op, nano)
    where = reading.read("where", form.where, parse_conditions)
    if where not in (None, EVERY_SPAN):
        yield where


def _any_of(field: Field, values: tuple[str | int, ...]) -> Filter:
    conditions = tuple(Condition(field, Op.EQ, value) for value in values)
    return conditions[0] if len(conditions) == 1 else Or(conditions)


def _any_named(
    reading: _Collector,
    parameter: str,
    field: Field,
    names: dict[str, int],
    given: tuple[str, ...],
) -> Filter:
    numbers = tuple(names[name.lower()] for name in given if name.lower() in names)
    if len(numbers) < len(given):
        reading.refuse(parameter, f"expected one of {', '.join(names)}")
        return EVERY_SPAN
    return _any_of(field, numbers)


def _trace_durations(reading: _Collector, form: SearchForm) -> dict[str, int | None]:
    shortest = reading.read("min_duration", form.min_duration, parse_duration)
    longest = reading.read("max_duration", form.max_duration, parse_duration)
    if None not in (shortest, longest) and longest < shortest:
        reading.refuse("max_duration", "the longest is shorter than the shortest")
    return {"min_trace_duration_nano": shortest, "max_trace_duration_nano": longest}


def _sort(text: str) -> Sort:
    if text not in list(Sort):
        raise ValueError(f"expected one of {', '.join(Sort)}")
    return Sort(text)


def _limit(text: str) -> int:
    whole = text.isascii() and text.isdigit() and len(text) <= 9
    if not whole or not 1 <= int(text) <= MAX_LIMIT:
        raise ValueError(f"expected a whole number between 1 and {MAX_LIMIT}")
    return int(text)


def _validate(query: TraceQuery) -> None:
    if query.window.end_time_unix_nano > LAST_NANO:
        raise FormError([FieldError("to", "the time must lie before 2262")])
    try:
        validate(query)
    except QueryError as error:
        raise FormError([FieldError("where", str(error))]) from None
