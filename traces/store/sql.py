"""A Filter as a DuckDB expression, every text of the user's as a parameter.

Each expression is true or false, never null. A VARIANT is asked for its own type before
it is compared, since a cast would turn the text '42' into a number.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from traces.query import (
    And,
    Attribute,
    Condition,
    Field,
    Filter,
    Not,
    Op,
    Or,
    Scope,
    Value,
)
from traces.store.matching import compare
from traces.store.shredded_keys import Kind

EVENT_ATTRIBUTES: Final = "event.attributes"
COLUMNS: Final = {
    Scope.SPAN: "attributes",
    Scope.RESOURCE: "resource_attributes",
    Scope.INSTRUMENTATION: "scope_attributes",
}
_INTEGER_FIELDS: Final = (Field.KIND, Field.STATUS_CODE, Field.DURATION_NANO)
_NEGATED: Final = {Op.NE: Op.EQ, Op.NOT_MATCH: Op.MATCH}
_LOOSE: Final = {Op.GT: Op.GE, Op.LT: Op.LE}
# Up to here an integer and its double are the same number.
_EXACT_DOUBLE_MAX: Final = 2**53

Kinds = Mapping[tuple[str, str], Kind]
"""By column and key; of a pair that is missing nothing is known."""
NOTHING_KNOWN: Final[Kinds] = {}


class Parameters(dict[str, Any]):
    """Named parameters of one statement; `add` answers with the placeholder."""

    def add(self, value: Any) -> str:
        name = f"p{len(self):04}"  # of one width, so that none begins another
        self[name] = value
        return f"${name}"

    def used_in(self, sql: str) -> dict[str, Any]:
        """DuckDB refuses parameters that a statement does not use."""
        return {name: value for name, value in self.items() if f"${name}" in sql}


def compile_filter(
    root: Filter, parameters: Parameters, kinds: Kinds = NOTHING_KNOWN
) -> str:
    """The filter over the columns of SPAN_SCHEMA, as a Relation has them."""
    return _expression(root, parameters, kinds)


def compile_hints(
    root: Filter, parameters: Parameters, kinds: Kinds = NOTHING_KNOWN
) -> str:
    """What follows from the filter and is cheaper to find out.

    One plain cast of a shredded attribute is read as a typed column, several times
    faster than its VARIANT; the exact filter then sees only what is left. But DuckDB
    raises NotImplementedException when it casts a map that has two keys of one
    spelling but for their case, even with TRY_CAST: then ask without hints.
    """
    hints = (_hint(node, parameters, kinds) for node in _conjuncts(root))
    return " AND ".join(filter(None, hints)) or "true"


def extract(column: str, key_placeholder: str) -> str:
    """The value of a key, taken literally: dots and quotes have no meaning in it."""
    return f"variant_extract({column}, {key_placeholder})"


def nested_variant(path: str) -> str:
    """The VARIANT of attributes inside events and links, which are stored as bytes."""
    return f"variant_bytes_to_variant({path}.metadata || {path}.value)"


def _conjuncts(node: Filter) -> Iterator[Filter]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _expression(node: Filter, parameters: Parameters, kinds: Kinds) -> str:
    match node:
        case And(parts):
            return _joined(" AND ", parts, parameters, kinds) or "true"
        case Or(parts):
            return _joined(" OR ", parts, parameters, kinds) or "false"
        case Not(part):
            return f"(NOT {_expression(part, parameters, kinds)})"
        case Condition(subject, op, value):
            if isinstance(subject, Field):
                return _field(subject, op, value, parameters)
            return _attribute(node, subject, parameters, kinds)


def _joined(
    word: str, parts: tuple[Filter, ...], parameters: Parameters, kinds: Kinds
) -> str:
    texts = [_expression(part, parameters, kinds) for part in parts]
    return f"({word.join(texts)})" if texts else ""


def _field(field: Field, op: Op, value: Value | None, parameters: Parameters) -> str:
    if field is Field.EVENT_NAME:
        return _any_event(op, lambda o: _column("event.name", o, value, parameters))
    if field in _INTEGER_FIELDS:
        return _integer_column(field.value, op, value, parameters)
    return _column(field.value, op, value, parameters)


def _attribute(
    node: Condition, subject: Attribute, parameters: Parameters, kinds: Kinds
) -> str:
    op, value = node.op, node.value
    key = parameters.add(subject.key)
    if subject.scope is Scope.EVENT:
        item = extract(nested_variant(EVENT_ATTRIBUTES), key)
        return _any_event(op, lambda o: _variant(item, o, value, parameters))
    word = " AND " if op is Op.ABSENT else " OR "
    conditions = []
    for column in columns_of(subject.scope):
        item, kind = extract(column, key), kinds.get((column, subject.key))
        conditions.append(_of_kind(item, kind, op, value, parameters))
    return f"({word.join(conditions)})"


def _of_kind(
    item: str, kind: Kind | None, op: Op, value: Value | None, parameters: Parameters
) -> str:
    if kind is Kind.ABSENT:
        return "true" if op is Op.ABSENT else "false"
    if kind is None or kind is Kind.MIXED:
        return _variant(item, op, value, parameters)
    typed = f"{item}::{kind}"
    if op in (Op.EXISTS, Op.ABSENT):
        return f"({typed} IS {'NOT ' if op is Op.EXISTS else ''}NULL)"
    if op in _NEGATED:
        equal = _typed(typed, kind, _NEGATED[op], value, parameters)
        return f"({typed} IS NOT NULL AND NOT coalesce({equal}, false))"
    return f"coalesce({_typed(typed, kind, op, value, parameters)}, false)"


def _typed(
    item: str, kind: Kind, op: Op, value: Value | None, parameters: Parameters
) -> str:
    """A condition on a typed column; null when there is no value."""
    if kind is Kind.TEXT and isinstance(value, str):
        return _text(item, op, value, parameters)
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return _typed_boolean(item, op, value)
    if kind is Kind.INTEGER and _is_number(value):
        item = item if isinstance(value, int) else f"{item}::DOUBLE"
        return f"({item} {op} {parameters.add(value)})"
    if kind is Kind.DOUBLE and isinstance(value, int | float) and _is_number(value):
        return f"({item} {op} {parameters.add(float(value))} AND NOT isnan({item}))"
    return "false"


def _typed_boolean(item: str, op: Op, value: bool) -> str:  # noqa: FBT001
    names = [str(truth).lower() for truth in (False, True) if compare(truth, op, value)]
    return f"({item} IN ({', '.join(names)}))" if names else "false"


def columns_of(scope: Scope | None) -> list[str]:
    """The attribute columns it looks at; not for events."""
    scopes = [scope] if scope else [Scope.SPAN, Scope.RESOURCE]
    return [COLUMNS[one] for one in scopes]


def _any_event(op: Op, holds: Callable[[Op], str]) -> str:
    if op is Op.ABSENT:
        return f"(NOT {_any_event(Op.EXISTS, holds)})"
    found = f"len(list_filter(events, lambda event: {holds(op)}))"
    return f"CASE WHEN len(events) > 0 THEN {found} > 0 ELSE false END"


def _column(column: str, op: Op, value: Value | None, parameters: Parameters) -> str:
    """A condition on a text that is always there."""
    if op in (Op.EXISTS, Op.ABSENT):
        return "true" if op is Op.EXISTS else "false"
    if op in _NEGATED:
        return f"(NOT {_column(column, _NEGATED[op], value, parameters)})"
    return _text(column, op, value, parameters) if isinstance(value, str) else "false"


def _integer_column(
    column: str, op: Op, value: Value | None, parameters: Parameters
) -> str:
    if op in (Op.EXISTS, Op.ABSENT):
        return "true" if op is Op.EXISTS else "false"
    if op in _NEGATED:
        return f"(NOT {_integer_column(column, _NEGATED[op], value, parameters)})"
    if not _is_number(value) or op is Op.MATCH:
        return "false"
    if isinstance(value, int):
        return f"({column} {op} {parameters.add(value)})"
    return f"({column}::DOUBLE {op} {parameters.add(value)})"


def _text(item: str, op: Op, value: str, parameters: Parameters) -> str:
    if op is Op.MATCH:
        return f"regexp_full_match({item}, {parameters.add(value)}, 's')"
    return f"({item} {op} {parameters.add(value)})"


def _is_number(value: Value | None) -> bool:
    """A number that some number can equal or order with: NaN is none."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and not math.isnan(value)
    )


def _variant(item: str, op: Op, value: Value | None, parameters: Parameters) -> str:
    """A condition on a VARIANT, which is null when the key is missing or empty."""
    if op in (Op.EXISTS, Op.ABSENT):
        return f"({item} IS {'NOT ' if op is Op.EXISTS else ''}NULL)"
    if op in _NEGATED:
        equal = _variant(item, _NEGATED[op], value, parameters)
        return f"CASE WHEN {item} IS NULL THEN false ELSE NOT {equal} END"
    if isinstance(value, str):
        text = _text(f"TRY_CAST({item} AS VARCHAR)", op, value, parameters)
        return f"CASE variant_typeof({item}) WHEN 'VARCHAR' THEN {text} ELSE false END"
    if isinstance(value, bool):
        return _boolean(item, op, value)
    return _number(item, op, value, parameters) if _is_number(value) else "false"


def _boolean(item: str, op: Op, value: bool) -> str:  # noqa: FBT001 - the value itself
    names = [
        f"'BOOL_{str(truth).upper()}'"
        for truth in (False, True)
        if compare(truth, op, value)
    ]
    if not names:
        return "false"
    return f"coalesce(variant_typeof({item}) IN ({', '.join(names)}), false)"


def _number(item: str, op: Op, value: Any, parameters: Parameters) -> str:
    integer, double = f"TRY_CAST({item} AS BIGINT)", f"TRY_CAST({item} AS DOUBLE)"
    as_double = parameters.add(float(value))
    exact = f"{integer} {op} {parameters.add(value)}"
    if isinstance(value, float):
        exact = f"{integer}::DOUBLE {op} {as_double}"
    # DuckDB holds NaN to be the greatest number, equal to itself.
    return (
        f"CASE variant_typeof({item}) WHEN 'INT64' THEN {exact}"
        f" WHEN 'DOUBLE' THEN {double} {op} {as_double} AND NOT isnan({double})"
        " ELSE false END"
    )


def _hint(node: Filter, parameters: Parameters, kinds: Kinds) -> str:
    if not isinstance(node, Condition) or not isinstance(node.subject, Attribute):
        return ""
    subject, op, value = node.subject, node.op, node.value
    if subject.scope is Scope.EVENT or value is None or op in _NEGATED:
        return ""
    key = parameters.add(subject.key)
    hints = []
    for column in columns_of(subject.scope):
        item, kind = extract(column, key), kinds.get((column, subject.key))
        if kind is None or kind is Kind.MIXED:
            hints.append(_cast_hint(item, op, value, parameters))
        elif kind is not Kind.ABSENT:
            hints.append(_typed(f"{item}::{kind}", kind, op, value, parameters))
    return f"({' OR '.join(hints)})" if hints and all(hints) else ""


def _cast_hint(item: str, op: Op, value: Value, parameters: Parameters) -> str:
    if isinstance(value, str):
        text = _text(f"TRY_CAST({item} AS VARCHAR)", op, value, parameters)
        return f"coalesce({text}, false)"
    if not _is_number(value):
        return ""
    if isinstance(value, float):
        loose = f"TRY_CAST({item} AS DOUBLE) {op} {parameters.add(value)}"
        return f"coalesce({loose}, false)"
    if abs(value) > _EXACT_DOUBLE_MAX:
        return ""
    # The cast rounds 499.7 up to 500 and fails on doubles too big for an integer.
    loose = f"TRY_CAST({item} AS BIGINT) {_LOOSE.get(op, op)} {parameters.add(value)}"
    return f"coalesce({loose}, true)"
