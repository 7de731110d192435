"""What a page of results says when there are none to show: never a 500."""

from typing import Final, NamedTuple

from traces.store.base import QueryTooExpensive, StoreError


class Away(NamedTuple):
    title: str
    advice: str


DATABASE_AWAY: Final = Away(
    "The database does not answer",
    "Spans are still taken. What was found in them is in the database.",
)


def away_of(error: StoreError) -> Away:
    if isinstance(error, QueryTooExpensive):
        text = str(error)
        return Away("Too much for one page", f"{text[:1].upper()}{text[1:]}.")
    return DATABASE_AWAY
