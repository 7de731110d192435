"""The words of a filter text, each with where it stands."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from traces.query import MAX_TEXT_BYTES, QueryError


class ConditionError(QueryError):
    """The filter text cannot be read; `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class TokenKind(Enum):
    OPEN = auto()
    CLOSE = auto()
    COMPARE = auto()
    CONNECT = auto()
    TEXT = auto()
    WORD = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is as written, but for TEXT, where it is what the quotes hold."""

    kind: TokenKind
    text: str
    start: int
    end: int


PATTERN: Final = re.compile(
    r"""(?P<SPACE>\s+)
      | (?P<OPEN>\() | (?P<CLOSE>\))
      | (?P<COMPARE>=~|!~|!=|>=|<=|=|>|<)
      | (?P<CONNECT>&&|\|\||!)
      | (?P<TEXT>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<WORD>[^\s()"'=!<>~&|]+)""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def tokenize(text: str) -> list[Token]:
    """All tokens, an END last. Raises ConditionError."""
    if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise ConditionError(f"the filter is over {MAX_TEXT_BYTES} bytes", 0)
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = PATTERN.match(text, position)
        if match is None:
            raise ConditionError(describe_stray(text[position]), position)
        position = match.end()
        if match.lastgroup != "SPACE":
            tokens.append(token_of(match))
    tokens.append(Token(TokenKind.END, "", len(text), len(text)))
    return tokens


def describe_stray(character: str) -> str:
    if character in "\"'":
        return "this quote is never closed"
    return f"{character!r} is not expected here"


def token_of(match: re.Match[str]) -> Token:
    kind = TokenKind[match.lastgroup or ""]
    text = match.group()
    if kind is TokenKind.TEXT:
        text = unescape(text[1:-1])
    return Token(kind, text, match.start(), match.end())


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL)


def quote(text: str) -> str:
    """Between double quotes, so that `tokenize` gives the same text back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, character in ESCAPES.items():
        escaped = escaped.replace(character, "\\" + letter)
    return f'"{escaped}"'
