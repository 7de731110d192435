"""The filter box: `span.http.response.status_code >= 500 AND NOT name =~ "GET .*"`.

A text becomes a tree of `traces.query` nodes by recursive descent; NOT binds tighter
than AND, AND tighter than OR. `traces.search.printing` writes the text back.
"""

import re
from typing import Final

from traces.query import (
    EVERY_SPAN,
    MAX_CONDITIONS,
    MAX_DEPTH,
    And,
    Attribute,
    Condition,
    Field,
    Filter,
    Not,
    Op,
    Or,
    Scope,
)
from traces.search.tokens import ConditionError, Token, TokenKind, tokenize
from traces.search.values import read_value

INTRINSICS: Final = {
    "name": Field.NAME,
    "service": Field.SERVICE_NAME,
    "kind": Field.KIND,
    "status": Field.STATUS_CODE,
    "status_message": Field.STATUS_MESSAGE,
    "duration": Field.DURATION_NANO,
    "scope_name": Field.SCOPE_NAME,
    "scope_version": Field.SCOPE_VERSION,
    "event_name": Field.EVENT_NAME,
}
SCOPES: Final = {f"{scope}.": scope for scope in Scope}
SCOPE_START: Final = re.compile(
    r"(" + "|".join(map(re.escape, SCOPES)) + r"|unscoped\.|\.)?(.*)", re.DOTALL
)
CONNECTIVES: Final = {"&&": "AND", "||": "OR", "!": "NOT"}
PRESENCE: Final = {"exists": Op.EXISTS, "absent": Op.ABSENT}


def parse_conditions(text: str) -> Filter:
    """The filter of a text; nothing but space is every span. Raises ConditionError."""
    parser = _Parser(tokenize(text))
    if parser.here().kind is TokenKind.END:
        return EVERY_SPAN
    tree = parser.either(depth=1)
    if parser.here().kind is not TokenKind.END:
        raise parser.wrong("AND, OR or the end was expected")
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.conditions = 0

    def here(self) -> Token:
        return self.tokens[self.at]

    def wrong(self, message: str, token: Token | None = None) -> ConditionError:
        return ConditionError(message, (token or self.here()).start)

    def take(self) -> Token:
        token = self.here()
        self.at += 1
        return token

    def take_connective(self, name: str) -> bool:
        found = connective(self.here()) == name
        self.at += found
        return found

    def either(self, depth: int) -> Filter:
        parts = [self.both(depth)]
        while self.take_connective("OR"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, depth: int) -> Filter:
        parts = [self.single(depth)]
        while self.take_connective("AND"):
            parts.append(self.single(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def single(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise self.wrong(f"conditions are nested deeper than {MAX_DEPTH}")
        if self.take_connective("NOT"):
            return Not(self.single(depth + 1))
        if self.here().kind is TokenKind.OPEN:
            return self.group(depth)
        return self.condition()

    def group(self, depth: int) -> Filter:
        opened = self.take()
        inner = self.either(depth + 1)
        if self.here().kind is TokenKind.END:
            raise self.wrong("this parenthesis is never closed", opened)
        if self.here().kind is not TokenKind.CLOSE:
            raise self.wrong("AND, OR or ) was expected")
        self.take()
        return inner

    def condition(self) -> Condition:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise self.wrong(f"more than {MAX_CONDITIONS} conditions")
        subject = self.subject()
        operator = self.take()
        if (presence := PRESENCE.get(operator.text.lower())) and is_word(operator):
            return Condition(subject, presence)
        if operator.kind is not TokenKind.COMPARE:
            raise self.wrong(
                "one of = != > >= < <= =~ !~ exists absent was expected", operator
            )
        op = Op(operator.text)
        return Condition(subject, op, read_value(subject, op, self.take()))

    def subject(self) -> Field | Attribute:
        token = self.here()
        if token.kind is TokenKind.TEXT:
            return Attribute(self.take().text)
        if not is_word(token) or connective(token):
            raise self.wrong("a condition was expected, such as name = checkout")
        self.take()
        scope, key = SCOPE_START.fullmatch(token.text).groups()  # type: ignore[union-attr]
        if scope is None:
            return INTRINSICS.get(key.lower()) or Attribute(key)
        return Attribute(key or self.quoted_key(token), SCOPES.get(scope))

    def quoted_key(self, before: Token) -> str:
        """The key of `span."odd key"`: the quote follows the dot at once."""
        if self.here().kind is TokenKind.TEXT and self.here().start == before.end:
            return self.take().text
        raise ConditionError("an attribute key was expected", before.end)


def is_word(token: Token) -> bool:
    return token.kind is TokenKind.WORD


def connective(token: Token) -> str | None:
    if token.kind is TokenKind.CONNECT:
        return CONNECTIVES[token.text]
    name = token.text.upper() if is_word(token) else ""
    return name if name in {"AND", "OR", "NOT"} else None
