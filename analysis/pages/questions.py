"""What the page of differences is asked: which spans or traces, against which others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict

from analysis.histogram import EMPTY
from analysis.measured import OPERATION
from analysis.results.populations import Compared, Split
from analysis.results.reading import Minutes, read_measures
from traces.query import (
    And,
    Attribute,
    Condition,
    Field,
    Filter,
    Op,
    Scope,
    TraceQuery,
    Window,
    children,
)
from traces.search.durations import format_duration, parse_duration
from traces.search.form import FieldError, FormError, SearchForm, read_form
from traces.search.translate import to_query
from traces.search.values import KINDS, STATUSES
from traces.store.pieces import attributes_of

SLOW: Final = "slow"
FAILED: Final = "failed"
WHERE: Final = "where"
BEFORE: Final = "before"
SEARCH: Final = "search"
PICKS: Final = {
    SLOW: "Slow against the rest",
    FAILED: "Failed against ok",
    WHERE: "A condition against the rest",
    BEFORE: "Now against before",
}
DEFAULT_SLOWER: Final = "p95"
PERCENTILE: Final = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,3})?)")
_NAMES: Final = {
    Field.SERVICE_NAME: "service",
    Field.NAME: "name",
    Field.STATUS_CODE: "status",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """An operation, as the address names it."""

    service: str
    name: str
    kind: str

    @property
    def filter(self) -> tuple[Filter, ...]:
        kind = KINDS.get(self.kind)
        named: tuple[Filter, ...] = (
            Condition(Field.SERVICE_NAME, Op.EQ, self.service),
            Condition(Field.NAME, Op.EQ, self.name),
        )
        return named if kind is None else (*named, Condition(Field.KIND, Op.EQ, kind))


@dataclass(frozen=True, slots=True)
class Question:
    """`selected` names the selection in the plural, `others` what it is told from.
    `given` are the columns that the selection was made by."""

    pick: str
    compared: Compared
    selected: str
    others: str
    given: frozenset[str]
    note: str = ""


def read_question(given: QueryDict, now_nano: int) -> Question:
    """Raises FormError, which names each wrong parameter."""
    pick = pick_of(given)
    if pick == SEARCH:
        return _of_search(given, now_nano)
    subject = read_subject(given)
    window = _window(given, now_nano)
    if pick == BEFORE:
        return _of_before(subject, window)
    if pick == FAILED:
        return _of_failed(subject, window)
    if pick == WHERE:
        return _of_condition(subject, window, given)
    return _of_slow(subject, window, given)


def pick_of(given: QueryDict) -> str:
    pick = given.get("pick", "")
    return pick if pick in PICKS or pick == SEARCH else SLOW


def read_subject(given: Mapping[str, Any]) -> Subject:
    return Subject(
        given.get("service", ""), given.get("name", ""), given.get("kind", "").lower()
    )


def _window(given: QueryDict, now_nano: int) -> Window:
    form = read_form(given)
    times = SearchForm(range=form.range, from_time=form.from_time, to_time=form.to_time)
    return to_query(times, now_nano).window


def _of_slow(subject: Subject, window: Window, given: QueryDict) -> Question:
    text = given.get("slower", "").strip() or DEFAULT_SLOWER
    percentile = PERCENTILE.fullmatch(text)
    try:
        nano, note = (
            _tail(text, float(percentile[1]) / 100, subject, window)
            if percentile
            else (parse_duration(text), "")
        )
    except ValueError as error:
        raise FormError([FieldError("slower", str(error))]) from None
    slow = Condition(Field.DURATION_NANO, Op.GE, nano)
    others = f"spans shorter than {format_duration(nano)}"
    question = _split(SLOW, subject, window, slow, "slow spans", others)
    return replace(question, note=note)


def _tail(text: str, q: float, subject: Subject, window: Window) -> tuple[int, str]:
    """The shortest duration of the slow tail, and what is told of it."""
    fields = (subject.service, subject.name, KINDS.get(subject.kind, 0))
    found = read_measures(OPERATION, Minutes.of(window), fields=fields)
    histogram = found[0].merged.histogram if found else EMPTY
    quantile, tail = histogram.quantile(q), histogram.tail_nano(q)
    if quantile is None or tail is None:
        raise ValueError(
            "this operation was not analysed in this time range yet, so its percentiles"
            " are not known; give a duration such as 250ms"
        )
    told = f"{text} is {format_duration(round(quantile))}, exact to 1.1 %;"
    return tail, f"{told} slow is what took {format_duration(tail)} or longer."


def _of_failed(subject: Subject, window: Window) -> Question:
    failed = Condition(Field.STATUS_CODE, Op.EQ, STATUSES["error"])
    return _split(
        FAILED, subject, window, failed, "failed spans", "spans that did not fail"
    )


def _of_condition(subject: Subject, window: Window, given: QueryDict) -> Question:
    form = SearchForm(where=given.get("where", "").strip())
    if not form.where:
        wrong = FieldError("where", 'a condition such as span.http.route = "/pay"')
        raise FormError([wrong])
    where = to_query(form, 1).where
    return _split(
        WHERE, subject, window, where, "spans that satisfy it", "spans that do not"
    )


def _split(
    pick: str, subject: Subject, window: Window, where: Filter, *names: str
) -> Question:
    compared = Split(TraceQuery(window, And(subject.filter)), where).compared
    return Question(pick, compared, names[0], names[1], _given(where))


def _of_before(subject: Subject, window: Window) -> Question:
    start = window.start_time_unix_nano
    length = window.end_time_unix_nano - start
    if length > start:
        wrong = FieldError("range", "before this time range there is no time")
        raise FormError([wrong])
    where = And(subject.filter)
    return Question(
        BEFORE,
        Compared(
            TraceQuery(window, where), TraceQuery(Window(start - length, start), where)
        ),
        "spans of this time",
        "spans of as long before",
        frozenset(),
    )


def _of_search(given: QueryDict, now_nano: int) -> Question:
    """The traces that a search finds, against others of the same services. The others
    may be of a longer time: that of `rest_from` and `rest_to`."""
    form = read_form(given)
    chosen = to_query(form, now_nano)
    # All that is asked is the service: then it is what the others do not have.
    same = form.service if replace(form, service=()).is_filtered else ()
    others = SearchForm(
        service=same,
        range=form.range,
        from_time=given.get("rest_from", "") or form.from_time,
        to_time=given.get("rest_to", "") or form.to_time,
    )
    rest = to_query(others, now_nano)
    return Question(
        SEARCH,
        Compared(chosen, rest, by_trace=True),
        "traces found",
        "other traces" + (" of the same services" if same else ""),
        _given(chosen.where),
    )


def _given(where: Filter) -> frozenset[str]:
    found = set()
    for attribute in attributes_of(where):
        scopes = [attribute.scope] if attribute.scope else [Scope.SPAN, Scope.RESOURCE]
        found |= {f"{scope}.{attribute.key}" for scope in scopes}
    return frozenset(found | set(_fields_of(where)))


def _fields_of(where: Filter) -> list[str]:
    if isinstance(where, Condition):
        named = not isinstance(where.subject, Attribute) and where.subject in _NAMES
        return [_NAMES[where.subject]] if named else []  # type: ignore[index]
    return [name for part in children(where) for name in _fields_of(part)]
