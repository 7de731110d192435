"""Statements without their literals, so that queries of one shape have one text."""

import re
from typing import Final

# Characters of a statement that are looked at.
LONGEST: Final = 10_000
# Comments and strings first: what is in them is not SQL. A string that does not end, in
# a statement that was cut, runs to the end.
_PARTS: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<literal>'(?:[^']|'')*(?:'|\Z)"
    r"|(?<![\w$.])[+-]?(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b"
    r"|\$\d+|%s|%\(\w+\)s|(?<!:):[a-z_]\w*|@[a-z_]\w*)"
    r"|(?P<name>\"[^\"]*\"|`[^`]*`)",
    re.IGNORECASE | re.DOTALL,
)
_LIST: Final = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
_ROWS: Final = re.compile(r"(\((?:\?|…)\))(?:\s*,\s*\((?:\?|…)\))+")


def normalised(statement: str) -> str:
    """Literals and parameters are `?`, lists of them one, blanks and case folded; quoted
    names keep their case."""
    text = _LIST.sub("(…)", " ".join(_folded(statement[:LONGEST]).split()))
    return _ROWS.sub(r"\1", text)


def _folded(statement: str) -> str:
    parts, at = [], 0
    for part in _PARTS.finditer(statement):
        parts += [statement[at : part.start()].lower(), _replacement(part)]
        at = part.end()
    return "".join(parts) + statement[at:].lower()


def has_literals(statement: str) -> bool:
    """Whether the statement itself tells what it asks for, not its parameters."""
    parts = _PARTS.finditer(statement[:LONGEST])
    return any((part["literal"] or "")[:1] in _LITERAL_STARTS for part in parts)


_LITERAL_STARTS: Final = frozenset("'+-0123456789")


def _replacement(part: re.Match[str]) -> str:
    if part["comment"]:
        return " "
    return "?" if part["literal"] else part["name"]
