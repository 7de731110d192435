"""What a receiver says of the requests it decoded."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


class BadRequest(Exception):
    """The request can never be taken; the text says why. Answered with a 400."""


class TooLarge(BadRequest):
    """The request is over a size limit. Answered with a 413."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client that waits for no answer says of itself, to show what was lost.

    `sequence` numbers its requests; `dropped` are spans, by reason, that it could not
    send until now.
    """

    client: str
    sequence: int | None
    dropped: Mapping[str, int]


@dataclass(slots=True)
class Verdict:
    """One request: how many spans came, which were refused, what was altered."""

    spans: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    remarks: set[str] = field(default_factory=set)
    error: BadRequest | None = None
    sent: Sent | None = None

    @property
    def rejected_spans(self) -> int:
        return self.rejected.total()

    @property
    def accepted_spans(self) -> int:
        return self.spans - self.rejected_spans

    @property
    def message(self) -> str:
        """The reasons in English, worst first; empty when all is well."""
        refused = [
            f"{count} refused: {reason}"
            for reason, count in self.rejected.most_common()
        ]
        return "; ".join([*refused, *sorted(self.remarks)])
