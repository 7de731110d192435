"""The rules of `traces.query` in plain Python: does one span satisfy a filter?

Slow and easy to check; the other stores are held to it. A span here is a dict of
SPAN_SCHEMA's columns with its attribute maps decoded.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from traces.query import And, Attribute, Condition, Field, Filter, Not, Op, Or, Scope
from traces.store.patterns import matches

Span = Mapping[str, Any]

_ORDERINGS: Final[dict[Op, Callable[[Any, Any], bool]]] = {
    Op.EQ: operator.eq,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}


def satisfies(span: Span, node: Filter) -> bool:
    match node:
        case And(parts):
            return all(satisfies(span, part) for part in parts)
        case Or(parts):
            return any(satisfies(span, part) for part in parts)
        case Not(part):
            return not satisfies(span, part)
        case Condition(subject, op, value):
            return _holds(_present_values(span, subject), op, value)


def _holds(present: list[Any], op: Op, value: Any) -> bool:
    if op is Op.EXISTS:
        return bool(present)
    if op is Op.ABSENT:
        return not present
    return any(compare(item, op, value) for item in present)


def _present_values(span: Span, subject: Field | Attribute) -> list[Any]:
    if subject is Field.EVENT_NAME:
        return [event["name"] for event in span["events"]]
    if isinstance(subject, Field):
        return [span[subject.value]]
    found = (attributes.get(subject.key) for attributes in _maps(span, subject.scope))
    return [item for item in found if item is not None]


def _maps(span: Span, scope: Scope | None) -> list[Mapping[str, Any]]:
    match scope:
        case None:
            return [span["attributes"], span["resource_attributes"]]
        case Scope.SPAN:
            return [span["attributes"]]
        case Scope.RESOURCE:
            return [span["resource_attributes"]]
        case Scope.INSTRUMENTATION:
            return [span["scope_attributes"]]
        case Scope.EVENT:
            return [event["attributes"] for event in span["events"]]


def compare(item: Any, op: Op, value: Any) -> bool:
    """Whether a value that is there stands in the relation `op` to `value`."""
    if op is Op.MATCH:
        return isinstance(item, str) and matches(value, item)
    if op is Op.NOT_MATCH:
        return not compare(item, Op.MATCH, value)
    if op is Op.NE:
        return not compare(item, Op.EQ, value)
    pair = _comparable(item, value)
    return pair is not None and _ORDERINGS[op](*pair)


def _comparable(item: Any, value: Any) -> tuple[Any, Any] | None:
    """Both as one type that Python compares as the rules say; None if different."""
    if isinstance(item, bool) or isinstance(value, bool):
        return (item, value) if type(item) is type(value) else None
    if isinstance(item, int) and isinstance(value, int):
        return item, value
    if isinstance(item, int | float) and isinstance(value, int | float):
        return float(item), float(value)
    # Python orders text by code point, which is the order of its UTF-8 bytes.
    return (item, value) if isinstance(item, str) and isinstance(value, str) else None
