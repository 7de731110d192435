"""TraceQuery: what is asked of a store, as one frozen value, and its filter nodes.

A condition is either true or false of a span, never unknown:

- A comparison with a missing value is false, for `!=` and `!~` too; `Not` turns it.
  An attribute whose value is empty (null) counts as missing.
- A number is compared with numbers (two integers exactly, otherwise as doubles; NaN
  equals nothing and orders with nothing), text with text, a boolean with booleans. A
  value of another type, an array or a map is *different*: `!=` holds, `=`, the
  orderings and `=~` do not, and `!~` holds.
- `<` and `>` order text by its UTF-8 bytes; false before true.
- A pattern is RE2 syntax and must match the whole text; `.` matches a newline too.
- A condition on an event holds when it holds for at least one event of the span;
  `absent` holds when no event has the key. `Attribute` with scope None looks at the
  span's own attributes and at its resource's: the condition holds when it holds for
  either, `absent` when the key is in neither.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from traces.variant import INT64_MAX, INT64_MIN

MAX_LIMIT: Final = 1_000
MAX_CONDITIONS: Final = 100
MAX_DEPTH: Final = 32
MAX_PATTERN_BYTES: Final = 1_000
MAX_TEXT_BYTES: Final = 16_384


class Scope(StrEnum):
    SPAN = "span"
    RESOURCE = "resource"
    EVENT = "event"
    INSTRUMENTATION = "instrumentation"


@dataclass(frozen=True, slots=True)
class Attribute:
    key: str
    scope: Scope | None = None


class Field(StrEnum):
    """What every span has; kind and status are compared as their integers."""

    NAME = "name"
    SERVICE_NAME = "service_name"
    KIND = "kind"
    STATUS_CODE = "status_code"
    STATUS_MESSAGE = "status_message"
    DURATION_NANO = "duration_nano"
    SCOPE_NAME = "scope_name"
    SCOPE_VERSION = "scope_version"
    EVENT_NAME = "event_name"


class Op(StrEnum):
    EQ = "="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    MATCH = "=~"
    NOT_MATCH = "!~"
    EXISTS = "exists"
    ABSENT = "absent"


Value = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` is None for exists and absent only. Patterns are str."""

    subject: Field | Attribute
    op: Op
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


Filter = Condition | And | Or | Not
EVERY_SPAN: Final = And(())


class Sort(StrEnum):
    """All over whole traces; ties by trace id, ascending bytes."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    SHORTEST = "shortest"
    MOST_SPANS = "most-spans"
    MOST_ERRORS = "most-errors"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the last page ended: the sort value and id of its last trace."""

    sort_value: int
    trace_id: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """Half open [start, end), nanoseconds since the epoch."""

    start_time_unix_nano: int
    end_time_unix_nano: int


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """The traces in which one span starts within the window and satisfies `where`.

    The trace-duration bounds are inclusive and speak of the whole trace: from its
    first span's start to the latest end among its spans.
    """

    window: Window
    where: Filter = EVERY_SPAN
    min_trace_duration_nano: int | None = None
    max_trace_duration_nano: int | None = None
    sort: Sort = Sort.NEWEST
    limit: int = 20
    after: Cursor | None = None


class QueryError(ValueError):
    """The query asks for what cannot be answered; the text says what to change."""


def validate(query: TraceQuery) -> None:
    """Raise QueryError unless the query is within the limits above."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise QueryError(f"limit must be between 1 and {MAX_LIMIT}")
    if query.window.start_time_unix_nano >= query.window.end_time_unix_nano:
        raise QueryError("the time range ends before it starts")
    _validate_size(query.where)


def _validate_size(root: Filter) -> None:
    count, stack = 0, [(root, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise QueryError(f"conditions are nested deeper than {MAX_DEPTH}")
        if count > MAX_CONDITIONS:
            raise QueryError(f"more than {MAX_CONDITIONS} conditions")
        if isinstance(node, Condition):
            _validate_condition(node)
        else:
            stack += [(part, depth + 1) for part in children(node)]


def children(node: Filter) -> tuple[Filter, ...]:
    match node:
        case And(parts) | Or(parts):
            return parts
        case Not(part):
            return (part,)
    return ()


def _validate_condition(condition: Condition) -> None:
    op, value = condition.op, condition.value
    if isinstance(condition.subject, Attribute):
        _validate_text(condition.subject.key)
    if op in (Op.EXISTS, Op.ABSENT):
        if value is not None:
            raise QueryError(f"{op} takes no value")
    elif value is None:
        raise QueryError(f"{op} needs a value")
    elif op in (Op.MATCH, Op.NOT_MATCH):
        _validate_pattern(value)
    elif isinstance(value, str):
        _validate_text(value)
    elif isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise QueryError("an integer to compare with is beyond 64 bits")


def _validate_text(text: str) -> None:
    if _size_bytes(text) > MAX_TEXT_BYTES:
        raise QueryError(f"a text to compare with is over {MAX_TEXT_BYTES} bytes")


def _size_bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise QueryError("a text to compare with is not valid Unicode") from error


def _validate_pattern(value: Value) -> None:
    if not isinstance(value, str):
        raise QueryError("a pattern must be text")
    if _size_bytes(value) > MAX_PATTERN_BYTES:
        raise QueryError(f"a pattern is over {MAX_PATTERN_BYTES} bytes")
