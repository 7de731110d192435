"""A filter tree as the text that `traces.search.conditions` reads back."""

import re
from typing import Final

from traces.query import (
    And,
    Attribute,
    Condition,
    Field,
    Filter,
    Not,
    Op,
    Or,
    Value,
)
from traces.search.conditions import INTRINSICS
from traces.search.durations import print_duration
from traces.search.tokens import quote
from traces.search.values import MATCHES, NAMES

FIELD_NAMES: Final = {field: name for name, field in INTRINSICS.items()}
PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@-]*")


def print_conditions(tree: Filter) -> str:
    """The text of a tree; an `And` or `Or` of one part prints as that part.

    Raises ValueError for what has no text: an empty `Or`, NaN.
    """
    if tree == And(()):
        return ""
    return _print(tree)


def _print(tree: Filter) -> str:
    match tree:
        case And(parts):
            return _join(" AND ", parts)
        case Or(parts):
            return _join(" OR ", parts)
        case Not(part):
            return f"NOT {_inner(part)}"
    return print_condition(tree)


def _join(word: str, parts: tuple[Filter, ...]) -> str:
    if not parts:
        raise ValueError("a group without parts has no text")
    return word.join(map(_inner, parts)) if len(parts) > 1 else _print(parts[0])


def _inner(part: Filter) -> str:
    text = _print(part)
    return f"({text})" if isinstance(part, And | Or) else text


def print_condition(condition: Condition) -> str:
    subject, op, value = condition.subject, condition.op, condition.value
    if value is None:
        return f"{print_subject(subject)} {op}"
    return f"{print_subject(subject)} {op} {print_value(subject, op, value)}"


def print_subject(subject: Field | Attribute) -> str:
    if isinstance(subject, Field):
        return FIELD_NAMES[subject]
    key = subject.key if PLAIN_KEY.fullmatch(subject.key) else quote(subject.key)
    return f"{subject.scope or ''}.{key}"


def print_value(subject: Field | Attribute, op: Op, value: Value) -> str:
    if op not in MATCHES and isinstance(subject, Field) and isinstance(value, int):
        return _print_field_value(subject, value)
    if isinstance(value, bool):
        return str(value).lower()
    return quote(value) if isinstance(value, str) else _print_number(value)


def _print_field_value(field: Field, value: int) -> str:
    if field is Field.DURATION_NANO:
        return print_duration(value)
    names = {number: name for name, number in NAMES.get(field, {}).items()}
    return names.get(value, str(value))


def _print_number(value: int | float) -> str:
    if value != value:
        raise ValueError("NaN equals nothing and has no text")
    return repr(value).replace("inf", "1e999")
