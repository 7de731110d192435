"""RE2 patterns: whether one is valid, and whether it matches a whole text.

RE2 takes time linear in the text, whatever the pattern; Python's `re` does not, so it
never sees a pattern of a user's.
"""

import functools

import pyarrow as pa
import pyarrow.compute as pc

from traces.query import Condition, Filter, Op, QueryError, children

PATTERN_OPS = (Op.MATCH, Op.NOT_MATCH)


def check_patterns(root: Filter) -> None:
    """Raise QueryError unless every pattern below is RE2."""
    if isinstance(root, Condition):
        if root.op in PATTERN_OPS:
            anchored(str(root.value))
        return
    for part in children(root):
        check_patterns(part)


@functools.lru_cache(maxsize=1024)
def anchored(pattern: str) -> str:
    """The pattern made to match a whole text, `.` matching a newline too.

    Raises QueryError when it is not RE2.
    """
    _compile(pattern)
    try:
        return _compile(f"^(?s:{pattern})$")
    except QueryError:
        # A `\Q` left open quotes up to the end, our closing bracket included.
        return _compile(f"^(?s:{pattern}\\E)$")


def matches(pattern: str, text: str) -> bool:
    found = pc.match_substring_regex(pa.array([text]), anchored(pattern))
    return bool(found[0].as_py())


def _compile(pattern: str) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        raise QueryError(f"not a pattern: {error}") from error
    return pattern
