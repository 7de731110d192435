"""The right side of a condition: text, number, boolean, duration, kind, status."""

import re
from typing import Final

from traces.query import MAX_PATTERN_BYTES, Attribute, Field, Op, Value
from traces.search.durations import parse_duration
from traces.search.tokens import ConditionError, Token, TokenKind
from traces.spans import SpanKind, StatusCode
from traces.variant import INT64_MAX, INT64_MIN

WHOLE: Final = re.compile(r"[+-]?[0-9]+")
DECIMAL: Final = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE
)
BOOLEANS: Final = {"true": True, "false": False}
KINDS: Final = {kind.name.lower(): int(kind) for kind in SpanKind}
STATUSES: Final = {status.name.lower(): int(status) for status in StatusCode}
NAMES: Final = {Field.KIND: KINDS, Field.STATUS_CODE: STATUSES}
MATCHES: Final = (Op.MATCH, Op.NOT_MATCH)
NUMERIC: Final = (*NAMES, Field.DURATION_NANO)
# More digits than any 64-bit integer has; Python refuses to read thousands.
MAX_DIGITS: Final = 400


def read_value(subject: Field | Attribute, op: Op, token: Token) -> Value:
    """The value of a token. Raises ConditionError."""
    if token.kind not in (TokenKind.TEXT, TokenKind.WORD):
        raise ConditionError("a value was expected", token.start)
    try:
        return _read(subject, op, token)
    except ValueError as error:
        raise ConditionError(str(error), token.start) from None


def _read(subject: Field | Attribute, op: Op, token: Token) -> Value:
    if op in MATCHES:
        return _pattern(subject, token.text)
    if isinstance(subject, Field):
        return _field_value(subject, token.text)
    return token.text if token.kind is TokenKind.TEXT else bare_value(token.text)


def _pattern(subject: Field | Attribute, text: str) -> str:
    if subject in NUMERIC:
        raise ValueError("a number cannot be matched with a pattern")
    if len(text.encode(errors="replace")) > MAX_PATTERN_BYTES:
        raise ValueError(f"a pattern is over {MAX_PATTERN_BYTES} bytes")
    return text


def _field_value(field: Field, text: str) -> Value:
    if field is Field.DURATION_NANO:
        return parse_duration(text)
    if names := NAMES.get(field):
        return _named(names, text)
    return text


def _named(names: dict[str, int], text: str) -> int:
    found = names.get(text.lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(names)}")
    return found


def bare_value(text: str) -> Value:
    """What an unquoted word means: a boolean, a number, else the text itself."""
    if text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if len(text) > MAX_DIGITS:
        return text
    if WHOLE.fullmatch(text):
        return _whole(text)
    return float(text) if DECIMAL.fullmatch(text) else text


def _whole(text: str) -> int:
    number = int(text)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError("a whole number must fit 64 bits; quote it to compare text")
    return number
