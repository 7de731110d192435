"""Many values in questions that a database still takes."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

# SQLite binds 999 values in one statement, and a question has some of its own.
AT_ONCE: Final = 500


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(values), AT_ONCE):
        yield values[begin : begin + AT_ONCE]
