"""Differences as rows of a page: words, shares, and searches for what is behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
from django.urls import reverse

from analysis.difference_text import condition_text, sentence
from analysis.differences import Condition, Difference, Differences
from analysis.pages.questions import Question
from analysis.results.populations import Population
from analysis.value_columns import Range, Value
from traces.query import (
    EVERY_SPAN,
    And,
    Attribute,
    Field,
    Filter,
    Op,
    Or,
    QueryError,
    Scope,
    validate,
)
from traces.query import Condition as Where
from traces.search.translate import to_form
from traces.search.values import STATUSES, bare_value
from traces.spans import ATTRIBUTE_PREFIXES, MOST_TEXT_CHARACTERS

MOST_ALTERNATIVES: Final = 20
MOST_ADDRESS: Final = 4_000
_SCOPES: Final = {"span.": Scope.SPAN, "resource.": Scope.RESOURCE}
_FIELDS: Final = {
    "service": Field.SERVICE_NAME,
    "name": Field.NAME,
    "status": Field.STATUS_CODE,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One difference. `search` is the address of the traces behind it, or empty where a
    search cannot say it; `examples` are trace ids."""

    told: Difference
    of: Differences
    question: Question
    population: Population

    @property
    def texts(self) -> list[str]:
        return [condition_text(each) for each in self.told.conditions]

    @property
    def values(self) -> str:
        """All of the values, for who wants to know."""
        return "; ".join(
            f"{each.key}: {', '.join(map(_text, each.values[:100]))}"
            for each in self.told.conditions
        )

    @property
    def aliases(self) -> list[str]:
        return [condition_text(each) for each in self.told.aliases]

    @property
    def sentence(self) -> str:
        return sentence(self.told, self.of, self.question.selected)

    @property
    def selected_share(self) -> float:
        return self.told.selected / self.of.selected

    @property
    def rest_share(self) -> float:
        return self.told.rest / self.of.rest

    @property
    def selected_width(self) -> float:
        """Of a bar that is 100 long."""
        return round(100 * self.selected_share, 2)

    @property
    def rest_width(self) -> float:
        return round(100 * self.rest_share, 2)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        pairs = self.told.selected, self.of.selected, self.told.rest, self.of.rest
        one, all_of_one, other, all_of_other = map(round, pairs)
        return one, all_of_one, other, all_of_other

    @property
    def strength(self) -> str:
        return f"{self.told.phi:.2f}"

    @property
    def folded(self) -> list["Row"]:
        return [replace(self, told=each) for each in self.told.folded]

    @property
    def examples(self) -> list[str]:
        ids = self.population.trace_ids.take(pa.array(self.told.examples)).to_pylist()
        return [each.hex() for each in dict.fromkeys(ids)]

    @property
    def search(self) -> str:
        compared = self.question.compared
        own = [_where(each) for each in self.told.conditions]
        # Of a trace, the span that was searched for need not be the root.
        apart = compared.by_trace and compared.chosen.where != EVERY_SPAN
        if None in own or apart:
            return ""
        parts = [
            each
            for each in (compared.chosen.where, *own)
            if each not in (None, EVERY_SPAN)
        ]
        query = replace(compared.chosen, where=And(tuple(parts)), after=None)
        try:
            validate(query)
        except QueryError:
            return ""
        address = reverse("trace-search") + to_form(query).querystring()
        return address if len(address) <= MOST_ADDRESS else ""


def rows(
    told: Sequence[Difference],
    of: Differences,
    question: Question,
    population: Population,
) -> list[Row]:
    return [Row(each, of, question, population) for each in told]


def _text(value: Value) -> str:
    if isinstance(value, Range):
        return " and ".join(f"{sign} {number:g}" for sign, number in value.bounds)
    return "none" if value is None else value or "“”"


def _where(condition: Condition) -> Filter | None:
    """The condition as a search says it, None where it cannot."""
    subject = _subject(condition.key)
    if subject is None or len(condition.values) > MOST_ALTERNATIVES:
        return None
    parts: list[Filter] = []
    for value in condition.values:
        if isinstance(value, str) and len(value) >= MOST_TEXT_CHARACTERS:
            return None
        parts += _alternatives(subject, value)
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _subject(key: str) -> Attribute | Field | None:
    for prefix in ATTRIBUTE_PREFIXES.values():
        if key.startswith(prefix):
            return Attribute(key.removeprefix(prefix), _SCOPES[prefix])
    return _FIELDS.get(key)


def _alternatives(subject: Attribute | Field, value: Value) -> list[Filter]:
    """Text that reads as a number or a boolean may have been one."""
    if value is None:
        return [Where(subject, Op.ABSENT)]
    if isinstance(value, Range):
        return [And(tuple(Where(subject, Op(sign), n) for sign, n in value.bounds))]
    if isinstance(subject, Field):
        number = STATUSES.get(value) if subject is Field.STATUS_CODE else None
        return [Where(subject, Op.EQ, value if number is None else number)]
    try:
        bare = bare_value(value)
    except ValueError:
        bare = value
    found: list[Filter] = [Where(subject, Op.EQ, value)]
    return found if bare == value else [*found, Where(subject, Op.EQ, bare)]
