"""What a page or an API says when the store cannot answer: never a 500."""

from typing import Final, NamedTuple

from traces.query import QueryError
from traces.store.base import QueryTooExpensive, StoreError

RETRY_AFTER_SECONDS: Final = 5


class Problem(NamedTuple):
    """An HTTP status, and a title and a sentence for the person."""

    status: int
    title: str
    advice: str


def problem_of(error: QueryError | StoreError) -> Problem:
    if isinstance(error, QueryError):
        return Problem(400, "This search cannot be answered", str(error))
    if isinstance(error, QueryTooExpensive):
        advice = (
            "It ran into its time or memory limit. Choose a shorter time range, "
            "or name a service."
        )
        return Problem(503, "This search is too expensive", advice)
    advice = "Nothing that was acknowledged is lost. Try again in a few seconds."
    return Problem(503, "The store cannot be read now", advice)
